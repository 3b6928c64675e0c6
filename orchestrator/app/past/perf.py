"""How long models take, by their history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.app.opening import Workspace
from orchestrator.core.pace import Pace, pace
from orchestrator.record.history import History


@dataclass(frozen=True, slots=True)
class Timed:
    """A node and its pace."""

    node: str
    name: str
    kind: str
    pace: Pace


def perf(workspace: Workspace, history: History, ids: Iterable[str], last: int) -> tuple[Timed, ...]:
    """What the last builds of nodes on the target took, slow ones first, then those that take longest; who was never built is left out."""
    nodes = workspace.graph.nodes
    wanted = [id_ for id_ in sorted(ids) if nodes[id_].has_data]
    found = history.durations(workspace.project.target.name, wanted, last)
    timed = [Timed(id_, nodes[id_].name, nodes[id_].kind, pace(found[id_])) for id_ in wanted if found.get(id_)]
    return tuple(sorted(timed, key=lambda t: (not t.pace.slow, -t.pace.p50, t.node)))
