"""Errors as people read them, and ``target/error.json`` for programs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from traceback import format_exception
from typing import Any

from orchestrator.cli.wire import environment
from orchestrator.core.errors import OrcError, Problem


def show(error: OrcError, options: Mapping[str, Any], *, debug: bool = False) -> None:
    """Print the problems of ``error`` with code frames to stderr and write ``error.json``; ``debug`` adds what caused it."""
    from orchestrator.core.project import SECRET_PREFIXES, Secret, mask
    from orchestrator.publish.error_json import error_json
    from orchestrator.report.console import colourful

    root = _root(options)
    env = environment(options)
    hidden = [*options.get("secrets", ()), *(Secret(v) for k, v in env.items() if k.startswith(SECRET_PREFIXES) and v)]
    text = told(error.problems, root, colour=colourful(sys.stderr, env))
    if debug and error.__cause__ is not None:
        text += "\n\n" + "".join(format_exception(error))
    print(mask(text, hidden), file=sys.stderr)  # noqa: T201 - the console is where this goes
    folder = _file(options).parent
    with contextlib.suppress(OSError):
        if root.is_dir() and any((root / f).exists() for f in ("pyproject.toml", "dbt_project.yml", "models")):
            folder.mkdir(parents=True, exist_ok=True)
            _file(options).write_text(mask(error_json(error), hidden), encoding="utf-8")


def withdraw(options: Mapping[str, Any]) -> None:
    """Remove the ``error.json`` of an earlier command: this one worked."""
    with contextlib.suppress(OSError):
        _file(options).unlink()


def _root(options: Mapping[str, Any]) -> Path:
    return Path(options.get("root") or options.get("project_dir") or ".")


def _file(options: Mapping[str, Any]) -> Path:
    return _root(options) / str(options.get("target_path") or "target") / "error.json"


def told(found: tuple[Problem, ...], root: Path, *, colour: bool, limit: int = 20) -> str:
    """The problems as text; code frames come from the project's files."""
    from orchestrator.report.problems import problems

    def text(path: str) -> str | None:
        if path.endswith("profiles.yml"):
            return None  # its lines may hold passwords
        try:
            file = (root / path).resolve()
            # A link may lead to a file that is not for whoever reads this: a pull request's log is public.
            return file.read_text(encoding="utf-8-sig") if file.is_relative_to(root.resolve()) else None
        except (OSError, UnicodeDecodeError):
            return None

    return problems(found, text, colour=colour, limit=limit)
