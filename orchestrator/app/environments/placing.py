"""Where this run reads and writes: in the target, in an environment beside it, or partly elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import BUILDABLE
from orchestrator.core.plan import Request
from orchestrator.core.snapshot import Snapshot, marked
from orchestrator.core.state import State
from orchestrator.graph.environment import deferred, environment, isolated

if TYPE_CHECKING:
    from orchestrator.app.opening import Workspace

Looks = Callable[[Iterable[Relation]], Snapshot]
"""What the warehouse holds in the schemas of some relations."""


@dataclass(frozen=True, slots=True)
class Placed:
    """``graph`` says where this run finds each node, ``own`` where each is in the environment itself; ``snapshot`` is what is there."""

    graph: Graph
    own: Graph
    snapshot: Snapshot


def placed(workspace: Workspace, request: Request, building: Collection[str], look: Looks) -> Placed:
    """Find a place for every node: ``building`` in the environment, the others where they are current.

    In an environment of its own, what this run does not build is read from production (or the state), unless the environment has it
    as the project says it now. Without one, ``--defer`` reads from the state what the target does not have.

    Raises:
        UsageError: U055 to U058, the environment or the state is not right.
    """
    own = alone(workspace, request)
    elsewhere = _elsewhere(workspace, request)
    mine = [n.relation for n in own.nodes.values() if n.relation is not None and n.kind in BUILDABLE]
    snapshot = look(dict.fromkeys([*mine, *elsewhere.values()])).within(request.environment)
    if not elsewhere:
        return Placed(own, own, snapshot)
    present = {
        id_
        for id_, node in own.nodes.items()
        if node.relation is not None and snapshot.find(node.relation) is not None and _current(id_, own, snapshot, request)
    }
    return Placed(deferred(own, elsewhere, building, present, favor=request.favor_state), own, snapshot)


def alone(workspace: Workspace, request: Request) -> Graph:
    """The graph as it is built: in the environment's schemas, if there is one."""
    if not request.environment:
        return workspace.graph
    return isolated(workspace.graph, environment(request.environment), workspace.dialect.max_identifier)


def defers(request: Request) -> bool:
    """Whether anything is read from elsewhere."""
    return bool(request.environment and request.defer is not False) or bool(request.defer)


def earlier(workspace: Workspace, request: Request, *, to_read_from: bool = False) -> State | None:
    """The earlier state that was given; of two, the one to compare with or ``to_read_from``. ``None`` when there is none."""
    given = (request.defer_state if to_read_from else None) or request.state
    if not given:
        return None
    return workspace.states(Path(given) if Path(given).exists() else workspace.invocation.root / given)


def _elsewhere(workspace: Workspace, request: Request) -> Mapping[str, Relation]:
    if not defers(request):
        return {}
    if request.elsewhere is not None:
        return request.elsewhere
    known = earlier(workspace, request, to_read_from=True)
    if known is not None:
        return {id_: t.relation for id_, t in known.nodes.items() if t.relation is not None and t.kind in BUILDABLE}
    if not request.environment:
        hint = "orc build --defer --state path/to/production/artifacts"
        raise UsageError(Problem("U058", "`--defer` reads from an earlier state: say where that is with `--state`", hint=hint))
    return {n.id: n.relation for n in workspace.graph.nodes.values() if n.relation is not None and n.has_data}


def _current(id_: str, own: Graph, snapshot: Snapshot, request: Request) -> bool:
    """What an earlier build left in an environment counts only as long as it is what would be built now."""
    if not request.environment:
        return True
    row = snapshot.ledger.get(id_)
    return row is not None and row.fingerprint == marked(own.nodes[id_].fingerprint, request.sample)


def at(workspace: Workspace, graph: Graph) -> Workspace:
    """The workspace with its nodes in other places."""
    return workspace if graph is workspace.graph else replace(workspace, graph=graph)
