"""The examples that come along: whole projects, copied by ``orc init --example``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from orchestrator.core.errors import Problem, UsageError, did_you_mean

MADE = frozenset({"target", ".orchestrator", "__pycache__", ".venv"})
"""Folders that working in an example leaves behind: no part of it."""


def example(name: str) -> dict[str, str]:
    """The files of an example by path.

    Raises:
        UsageError: U008, there is no such example.

    >>> "schedules.yml" in example("rides")
    True
    """
    known = examples()
    if name not in known:
        hint = did_you_mean(name, known, also=f"there is {', '.join(sorted(known))}")
        raise UsageError(Problem("U008", f"there is no example `{name}`", None, hint))
    return {path.relative_to(known[name]).as_posix(): path.read_text(encoding="utf-8") for path in _files(known[name])}


def examples() -> dict[str, Path]:
    """The folder of each example: inside the installed package, in a checkout beside it."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "examples", package.parent / "examples"):
        if folder.is_dir():
            return {path.name: path for path in sorted(folder.iterdir()) if path.is_dir()}
    return {}


def _files(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - MADE)
        yield from (Path(at, name) for name in sorted(names) if ".duckdb" not in name)
