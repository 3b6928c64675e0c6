"""The review of a project that cannot be read: its comment must not go on saying what was true of the push before."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from orchestrator.core.errors import OrcError
from orchestrator.core.review import Review


def unread(root: Path, env: Mapping[str, str], error: OrcError) -> Review:
    """A review that blocks for the problems of ``error``, and knows nothing else."""
    from orchestrator.load.git import Git
    from orchestrator.load.settings import read_settings
    from orchestrator.load.tree import DiskTree

    name, folder = "", ""
    with suppress(OrcError):
        folder = (Git(root, env).asks("rev-parse", "--show-prefix") or "").strip("/")
    with suppress(OrcError):
        name = read_settings(DiskTree(root, now_ns=0), root.name)[0].name
    return Review("", "", "", "", "", "", blocking=error.problems, project=name, folder=folder)
