"""A signal, asked once: a query or a function below ``signals/`` that says whether something is there."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.app.opening import Workspace
from orchestrator.core.errors import OrcError, Problem, UsageError, did_you_mean
from orchestrator.core.files import Span
from orchestrator.core.plan import Request

FOLDER = "signals"


@dataclass(frozen=True, slots=True)
class Context:
    """What a signal written in Python gets: variables of the run, and rows of queries that may use ``ref()`` and ``source()``."""

    vars: Mapping[str, Any]
    rows: Callable[[str], list[tuple[Any, ...]]]

    def var(self, name: str, default: Any = None) -> Any:
        """A variable of the project or the run."""
        return self.vars.get(name, default)


def signal(workspace: Workspace, name: str) -> bool:
    """Ask.

    Raises:
        UsageError: U110, there is no such signal; U111, its function is missing or fails.
        OrcError: its query fails.
    """
    path = found(workspace.invocation.root, name)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".sql":
        rows = _rows(workspace, text)
        return bool(rows) and bool(rows[0][0])
    return _python(workspace, path, text)


def found(root: Path, name: str) -> Path:
    """The file of a signal.

    Raises:
        UsageError: U110, there is none.
    """
    for suffix in (".sql", ".py"):
        path = root / FOLDER / f"{name}{suffix}"
        if "/" not in name and path.is_file():
            return path
    known = sorted(p.stem for p in (root / FOLDER).glob("*") if p.suffix in (".sql", ".py"))
    hint = did_you_mean(name, known, also=f"a signal is a file `{FOLDER}/{name}.sql` (a query) or `{FOLDER}/{name}.py` (a function)")
    raise UsageError(Problem("U110", f"there is no signal `{name}`", None, hint))


def _rows(workspace: Workspace, text: str) -> list[tuple[Any, ...]]:
    from orchestrator.app.asking import shown

    return [tuple(row) for _, _, rows in shown(workspace, Request("show"), text.strip().rstrip(";"), -1) for row in rows]


def _python(workspace: Workspace, path: Path, text: str) -> bool:
    place = f"{FOLDER}/{path.name}"
    there: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    try:
        exec(compile(text, str(path), "exec"), there)  # noqa: S102 - the project's own code, in a process for nothing else
        said = _function(there, place)(Context(dict(workspace.project.vars), lambda sql: _rows(workspace, sql)))
    except OrcError:
        raise
    except Exception as error:
        line = next((f.lineno for f in reversed(traceback.extract_tb(error.__traceback__)) if f.filename == str(path)), None) or 1
        raise UsageError(Problem("U111", f"`{place}` fails: {type(error).__name__}: {error}", Span(place, line))) from error
    if not isinstance(said, bool):
        hint = "return True or False"
        raise UsageError(Problem("U111", f"`{place}` returned {type(said).__name__} instead of a bool", Span(place), hint))
    return said


def _function(there: Mapping[str, Any], place: str) -> Callable[[Context], Any]:
    function = there.get("signal")
    if not callable(function):
        hint = "def signal(ctx): return True, when what you wait for is there"
        raise UsageError(Problem("U111", f"`{place}` has no function `signal`", Span(place), hint))
    return function if inspect.signature(function).parameters else lambda _: function()
