"""Questions about columns: where they come from, where they go, what a change of them reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from orchestrator.app.meanings import known, meanings
from orchestrator.app.opening import Workspace, open_workspace
from orchestrator.core.errors import OrcError, Problem, UsageError
from orchestrator.core.meaning import Meaning
from orchestrator.graph.compare import Version, compare
from orchestrator.graph.impact import Consequence, Impact, consequences, impact
from orchestrator.graph.lineage import ROW_USES, Point, Trace, downstream, hops, upstream
from orchestrator.graph.named import named


@dataclass(frozen=True, slots=True)
class Answer:
    """Where columns come from and go. ``rows`` are the hops that decide about the rows of what was asked about, if that was one column."""

    meanings: Mapping[str, Meaning]
    starts: tuple[Point, ...]
    upstream: Trace | None
    downstream: Trace | None
    rows: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Since:
    """What is different from an earlier version, what that reaches and breaks. ``then`` is the earlier graph, for what is gone."""

    revision: str
    commit: str
    then: Version
    now: Version
    found: tuple[Consequence, ...]


def lineage(workspace: Workspace, text: str, *, up: bool = True, down: bool = True, depth: int | None = None) -> Answer:
    """The lineage of the column or table that ``text`` names.

    Raises:
        UsageError: U035 to U037, the name means nothing or too much.
    """
    found = meanings(workspace)
    starts = _named(workspace, found, text)
    above = upstream(workspace.graph, found, starts, depth) if up else None
    below = downstream(workspace.graph, found, starts, depth) if down else None
    rows = [h for h in hops(workspace.graph, found, starts[0].node) if h.child.whole and h.kind in ROW_USES]
    return Answer(found, starts, above, below, tuple(rows) if len(starts) == 1 and up and not starts[0].whole else ())


def datasets(workspace: Workspace, text: str | None) -> list[dict[str, Any]]:
    """OpenLineage's facets about the columns of a table, or of all models, seeds and snapshots.

    Raises:
        UsageError: U035 to U037, the name means nothing or too much.
    """
    from orchestrator.adapters import registry
    from orchestrator.publish.openlineage import openlineage

    graph, found = workspace.graph, meanings(workspace)
    every = (id_ for id_ in graph.order if graph.nodes[id_].kind in ("model", "seed", "snapshot"))
    ids = every if text is None else dict.fromkeys(p.node for p in _named(workspace, found, text))
    return openlineage(graph, found, ids, registry.namespace(workspace.project.target, str(workspace.invocation.root)))


def reached(workspace: Workspace, texts: Iterable[str]) -> Impact:
    """What a change of columns (or whole tables) reaches.

    Raises:
        UsageError: U035 to U037, a name means nothing or too much.
    """
    found = meanings(workspace)
    return impact(workspace.graph, found, dict.fromkeys(p for text in texts for p in _named(workspace, found, text)))


def since(workspace: Workspace, name: str) -> Since:
    """What changed since a revision of git (``main``, ``git:main``), what it reaches and what it breaks.

    What was seen of the warehouse counts for both versions: it is not what the project changed.

    Raises:
        UsageError: U038, U039, there is no such version.
        OrcError: what is wrong with the project as it was.
    """
    name = name.removeprefix("git:")
    found = meanings(workspace)
    now = Version(workspace.graph, found, workspace.dialect.sqlglot)
    with _earlier(workspace, name) as (then, commit):
        from orchestrator.graph.meanings import meanings as work_out

        shapes = {**known(workspace), **known(then)}
        before = Version(then.graph, work_out(then.graph, then.dialect, shapes, found.kept), then.dialect.sqlglot)
        return Since(name, commit, before, now, consequences(before, now, compare(before, now)))


@contextmanager
def _earlier(workspace: Workspace, name: str) -> Iterator[tuple[Workspace, str]]:
    """The project as it was, opened with today's profile and settings, and the commit's name."""
    from orchestrator.load.revision import revision

    invocation = workspace.invocation
    with TemporaryDirectory(prefix="orc-since-") as folder:
        root, commit = revision(invocation.root, name, Path(folder), invocation.env)
        # A profile that git does not know of is still the one that the target is in.
        near = invocation.root if (invocation.root / "profiles.yml").exists() and not (root / "profiles.yml").exists() else None
        there = replace(invocation, root=root, cache=False, profiles_dir=invocation.profiles_dir or near)
        try:
            yield open_workspace(there), commit
        except UsageError:
            raise
        except OrcError as error:
            raise type(error)(*(_then(p, name) for p in error.problems)) from error


def _then(problem: Problem, name: str) -> Problem:
    """A problem of the earlier version: its place is not in the files that are there now."""
    return replace(problem, message=f"at `{name}`: {problem.message}" + (f" ({problem.span})" if problem.span else ""), span=None, trail=())


def _named(workspace: Workspace, found: Mapping[str, Meaning], text: str) -> tuple[Point, ...]:
    return named(workspace.graph, found, text, workspace.dialect.same_name)
