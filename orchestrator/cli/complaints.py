"""Errors as people read them, and ``target/error.json`` for programs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.cli.wire import environment
from orchestrator.core.errors import OrcError, Problem


def show(error: OrcError, options: Mapping[str, Any]) -> None:
    """Print the problems of ``error`` with code frames to stderr and write ``error.json``."""
    from orchestrator.core.project import SECRET_PREFIXES, Secret, mask
    from orchestrator.publish.error_json import error_json
    from orchestrator.report.console import colourful

    root = Path(options.get("project_dir") or options.get("root") or ".")
    env = environment(options)
    hidden = [Secret(v) for k, v in env.items() if k.startswith(SECRET_PREFIXES) and v]
    print(mask(told(error.problems, root, colour=colourful(sys.stderr, env)), hidden), file=sys.stderr)  # noqa: T201 - the console is where this goes
    folder = root / str(options.get("target_path") or "target")
    with contextlib.suppress(OSError):
        if root.is_dir() and any((root / f).exists() for f in ("pyproject.toml", "dbt_project.yml", "models")):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "error.json").write_text(mask(error_json(error), hidden), encoding="utf-8")


def told(found: tuple[Problem, ...], root: Path, *, colour: bool) -> str:
    """The problems as text; code frames come from the project's files."""
    from orchestrator.report.problems import problems

    def text(path: str) -> str | None:
        try:
            return (root / path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return None

    return problems(found, text, colour=colour)
