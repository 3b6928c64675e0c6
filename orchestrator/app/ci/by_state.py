"""What changed since an earlier state: known by the texts that its manifest has, not by columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from orchestrator.app.compare.comparing import methods
from orchestrator.app.environments.placing import earlier
from orchestrator.app.opening import Workspace
from orchestrator.core.graph import Graph
from orchestrator.core.node import Kind, Node
from orchestrator.core.plan import Request
from orchestrator.core.state import State, Told
from orchestrator.graph.compare import Change
from orchestrator.graph.lineage import TRACED

KINDS: frozenset[str] = frozenset(TRACED)


def before(workspace: Workspace, request: Request) -> tuple[Graph, str] | None:
    """The graph of the state that was given, as far as its manifest tells, and when that was written; ``None`` without one.

    Raises:
        UsageError: U056, U057, it is none that can be read.
    """
    state = earlier(workspace, request)
    if state is None:
        return None
    return Graph({id_: _node(told) for id_, told in state.nodes.items() if told.kind in KINDS}, {}), _when(state)


def _when(state: State) -> str:
    return state.generated[:16].replace("T", " ") or PurePosixPath(state.path).name


def _node(told: Told) -> Node:
    kind: Kind = next(k for k in TRACED if k == told.kind)
    name, package = told.id.rpartition(".")[2], told.id.split(".")[1]
    return Node(told.id, kind, name, package, told.path, told.fqn, told.config, relation=told.relation, depends_on=told.depends_on)


def changes(workspace: Workspace, request: Request, then: Graph) -> Iterator[Change]:
    """Every node that is new, modified or gone. Which columns of it, a state does not tell: any change of a text may change the rows."""
    graph, state = workspace.graph, methods(workspace, request)["state"]

    def found(value: str) -> frozenset[str]:
        return frozenset(state(graph, (), value))

    new, texts = found("new"), found("modified.body") | found("modified.macros") | found("modified.contract")
    configured, described = found("modified.configs"), found("modified.persisted_descriptions")
    for id_ in graph.order:
        node = graph.nodes[id_]
        if node.kind not in TRACED:
            continue
        if id_ in new:
            yield Change(id_, "added", after=node.path)
        elif id_ in texts or id_ in configured:
            yield Change(id_, "row set changed", after="its text or configuration is not what the state has")
        elif id_ in described:
            yield Change(id_, "cosmetic")
    yield from (Change(id_, "removed", before=node.path) for id_, node in then.nodes.items() if id_ not in graph.nodes)


def tests(workspace: Workspace, request: Request) -> frozenset[str]:
    """Tests that are new, or not what the state has."""
    found = frozenset(methods(workspace, request)["state"](workspace.graph, (), "modified"))
    return frozenset(id_ for id_ in found if workspace.graph.nodes[id_].kind in ("test", "unit_test"))
