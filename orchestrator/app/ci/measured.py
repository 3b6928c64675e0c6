"""How large the files of a tree are, before anybody reads one."""

from __future__ import annotations

import os
from collections.abc import Iterator

from orchestrator.core.errors import Problem
from orchestrator.core.files import Span
from orchestrator.execute.cage.bounds import MEGABYTE, Bounds

READ = frozenset({".sql", ".py", ".yml", ".yaml", ".md", ".csv", ".toml", ".jinja", ".jinja2", ".j2"})
"""What a project's files end with."""

_ELSEWHERE = frozenset({".git", ".orchestrator", "node_modules", "venv", ".venv", "__pycache__"})


def measured(root: str, bounds: Bounds) -> Iterator[Problem]:
    """What is too much: a file, all of them together, or their number. The first of the latter ends the search."""
    total = count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in _ELSEWHERE]
        for name in names:
            if os.path.splitext(name)[1].lower() not in READ:  # noqa: PTH122 - thousands of files
                continue
            full = os.path.join(folder, name)  # noqa: PTH118
            try:
                size = os.lstat(full).st_size
            except OSError:
                continue
            path = os.path.relpath(full, root)
            count, total = count + 1, total + size
            if size > bounds.file:
                hint = "large data does not belong into a repository; a trusted run has no such limit"
                yield Problem("U070", f"stopped by a limit: `{path}` has more than {bounds.file // MEGABYTE} MB", Span(path), hint)
            if total > bounds.total or count > bounds.files:
                most = f"more than {bounds.total // MEGABYTE} MB" if total > bounds.total else f"more than {bounds.files:,} files"
                yield Problem("U070", f"stopped by a limit: the project has {most}", None, "a trusted run has no such limit")
                return
