"""The Python API: a project to ask and to run, and the command line as a function."""

from __future__ import annotations

import contextlib
import io
import json
import os
import uuid
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.app import build, chosen, open_workspace
from orchestrator.app.emitting import emitting
from orchestrator.app.invocation import Invocation
from orchestrator.cli.posting import posting
from orchestrator.cli.wire import SystemClock, history
from orchestrator.core.graph import Graph
from orchestrator.core.plan import Request
from orchestrator.core.run import Run

if TYPE_CHECKING:
    from orchestrator.app.columns.tracing import Answer


@dataclass(frozen=True, slots=True)
class Result:
    """What a command line gave: its exit code, what it printed, and the run's results as artifacts have them."""

    exit_code: int
    stdout: str
    stderr: str
    results: tuple[Mapping[str, Any], ...] = ()

    @property
    def success(self) -> bool:
        """Whether the exit code is 0."""
        return self.exit_code == 0


class Project:
    """A project in a folder, with a target. Nothing is read before something is asked; every call reads what is there then.

    ``env`` replaces the process's environment variables; two projects may run in one process at the same time.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] = ".",
        *,
        target: str | None = None,
        profile: str | None = None,
        profiles_dir: str | os.PathLike[str] | None = None,
        variables: Mapping[str, Any] | None = None,
        threads: int | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._root = Path(path).resolve()
        self._given: dict[str, Any] = {
            "target": target,
            "profile": profile,
            "profiles_dir": Path(profiles_dir) if profiles_dir else None,
            "vars": dict(variables or {}),
            "threads": threads,
        }
        self._env = env

    @property
    def graph(self) -> Graph:
        """The linked graph. Raises ``OrcError`` with all that is wrong with the project."""
        return open_workspace(self._invocation({})).graph

    def ls(self, select: str | Sequence[str] = (), exclude: str | Sequence[str] = ()) -> list[str]:
        """Ids of the selected nodes, sorted."""
        workspace = open_workspace(self._invocation({}))
        return sorted(chosen(workspace, Request("ls", _words(select), _words(exclude))))

    def lineage(self, name: str, *, upstream: bool = True, downstream: bool = True, depth: int | None = None) -> Answer:
        """Where a column (``orders.amount``) or each column of a table comes from and goes, as ``orc lineage`` says it.

        Raises ``UsageError`` when the name means nothing, or several things.
        """
        from orchestrator.app.columns.tracing import lineage

        return lineage(open_workspace(self._invocation({})), name, up=upstream, down=downstream, depth=depth)

    def run(self, select: str | Sequence[str] = (), exclude: str | Sequence[str] = (), **options: Any) -> Run:
        """Build models; options are those of :class:`~orchestrator.core.plan.Request` (``full_refresh``, ``gates``, …)."""
        return self._command("run", select, exclude, options)

    def build(self, select: str | Sequence[str] = (), exclude: str | Sequence[str] = (), **options: Any) -> Run:
        """Build seeds, models and all tests."""
        return self._command("build", select, exclude, options)

    def test(self, select: str | Sequence[str] = (), exclude: str | Sequence[str] = (), **options: Any) -> Run:
        """Test what is published."""
        return self._command("test", select, exclude, options)

    def seed(self, select: str | Sequence[str] = (), exclude: str | Sequence[str] = (), **options: Any) -> Run:
        """Load CSV files."""
        return self._command("seed", select, exclude, options)

    def _command(self, command: str, select: str | Sequence[str], exclude: str | Sequence[str], options: Mapping[str, Any]) -> Run:
        workspace = open_workspace(self._invocation(options))
        request = Request(command, _words(select), _words(exclude), threads=self._given["threads"], **options)
        with posting(workspace):
            return build(workspace, request, lambda w: (history(w.invocation.root, _alerting(w)), *emitting(w, warnings.warn)))

    def _invocation(self, options: Mapping[str, Any]) -> Invocation:
        clock = SystemClock()
        flags = {"FULL_REFRESH": bool(options.get("full_refresh")), "EMPTY": bool(options.get("empty"))}
        env = dict(os.environ if self._env is None else self._env)
        return Invocation(id=str(uuid.uuid4()), root=self._root, started=clock.now(), clock=clock, env=env, flags=flags, **self._given)


def _alerting(workspace: Any) -> Any:
    """Who says what alerts an event of a run causes."""
    from orchestrator.app.alerts.alerting import heeding

    return heeding(workspace, history(workspace.invocation.root), warnings.warn)


def _words(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def invoke(arguments: Sequence[str]) -> Result:
    """Run a command line in this process: ``invoke(["build", "-s", "orders+", "--project-dir", path])``."""
    from orchestrator.cli.main import call

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = call(list(arguments))
    ran = code in (0, 1)  # else nothing ran, and what lies there is an older command's
    return Result(code, out.getvalue(), err.getvalue(), _results(arguments) if ran else ())


def _results(arguments: Sequence[str]) -> tuple[Mapping[str, Any], ...]:
    """The results the command just wrote, when it is one that runs nodes."""
    words = list(arguments)
    if not words or words[0] not in ("run", "build", "test", "seed", "retry"):
        return ()
    root = Path(words[words.index("--project-dir") + 1]) if "--project-dir" in words else Path.cwd()
    folder = words[words.index("--target-path") + 1] if "--target-path" in words else "target"
    try:
        written = json.loads((root / folder / "run_results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(written.get("results", ()))
