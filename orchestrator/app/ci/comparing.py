"""The data of what was built beside production, compared with production's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from orchestrator.app.ci.asked import Asked
from orchestrator.app.ci.production import Production
from orchestrator.app.opening import Workspace
from orchestrator.core.difference import Difference, Terms, Undone
from orchestrator.core.errors import OrcError
from orchestrator.core.event import Status
from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.core.plan import Request
from orchestrator.core.ports import Warehouse
from orchestrator.core.run import Run

BUILT = frozenset({Status.PASSED, Status.WARNED})


def compared(
    workspace: Workspace, request: Request, asked: Asked, at: Production, ids: Collection[str], run: Run
) -> Mapping[str, Difference | Undone]:
    """How each node of ``ids`` that was built differs from what production holds; what cannot be compared says why."""
    from orchestrator.adapters import registry
    from orchestrator.app.compare.diffing import personal
    from orchestrator.app.environments.placing import alone

    passed = {r.node for r in run.results if r.status in BUILT}
    nodes = [workspace.graph.nodes[id_] for id_ in ids if id_ in passed and id_ in at.relations]
    reasons = {n.id: why for n in nodes if (why := _incomparable(n, request))}
    wanted = [n for n in nodes if n.id not in reasons]
    found: dict[str, Difference | Undone] = {id_: Undone(id_, why) for id_, why in reasons.items()}
    if not wanted:
        return found
    own, masked = alone(workspace, request), personal(workspace, wanted)
    terms = Terms(limit=asked.rows)
    target = workspace.project.target
    warehouse = registry.warehouse(registry.comparing(target), str(workspace.invocation.root), workspace.invocation.id)
    try:
        with ThreadPoolExecutor(max(1, min(request.threads or target.threads, len(wanted)))) as threads:
            jobs = {
                n.id: threads.submit(_one, warehouse, workspace, own, n, at, replace(terms, masked=tuple(masked.get(n.id, ()))))
                for n in wanted
            }
            found |= {id_: job.result() for id_, job in jobs.items()}
    finally:
        warehouse.close()
    return found


def _one(warehouse: Warehouse, workspace: Workspace, own: Graph, node: Node, at: Production, terms: Terms) -> Difference | Undone:
    """One comparison, on a connection of its own. What goes wrong is its answer: it never is the pull request's fault."""
    from orchestrator.app.compare.difference import difference
    from orchestrator.app.compare.diffing import candidates

    after = own.nodes[node.id].relation
    if after is None:
        return Undone(node.id, "it is no relation")
    try:
        connection = warehouse.connect()
        try:
            return difference(connection, workspace.dialect, at.relations[node.id], after, candidates(workspace.graph, node), terms)
        finally:
            connection.close()
    except OrcError as error:
        return Undone(node.id, error.first.message)


def _incomparable(node: Node, request: Request) -> str:
    """Why a comparison would say nothing."""
    if request.empty:
        return "it was built without rows (`--empty`)"
    if request.sample is not None:
        return "it was built from a sample"
    if node.kind == "snapshot":
        return "its history is production's alone: here it begins with this build"
    return ""
