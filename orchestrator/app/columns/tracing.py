"""Questions about columns: where they come from, where they go, what a change of them reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.app.columns.meanings import meanings
from orchestrator.app.earlier import earlier, version, version_then
from orchestrator.app.opening import Workspace
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
    now = version(workspace, found)
    with earlier(workspace, name) as (then, commit):
        before = version_then(then, workspace, found)
        return Since(name, commit, before, now, consequences(before, now, compare(before, now)))


def _named(workspace: Workspace, found: Mapping[str, Meaning], text: str) -> tuple[Point, ...]:
    return named(workspace.graph, found, text, workspace.dialect.same_name)
