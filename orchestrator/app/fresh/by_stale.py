"""The selection ``state:stale``: what has other code or other data than it was made of, and what reads that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from orchestrator.core.graph import Graph
from orchestrator.core.plan import Request

if TYPE_CHECKING:
    from orchestrator.app.opening import Workspace

Method = Callable[[Graph, tuple[str, ...], str], Iterable[str]]

WORD = "stale"


def by_stale(workspace: Workspace, request: Request, others: Method | None) -> Mapping[str, Method]:
    """The method ``state``, which knows ``stale`` without an earlier state; ``others`` are the words that need one.

    Raises, when it is asked:
        WarehouseError: the warehouse does not say what it holds.
    """
    known: list[frozenset[str]] = []

    def state(graph: Graph, arguments: tuple[str, ...], value: str) -> Iterable[str]:
        if value != WORD or arguments:
            if others is None:
                from orchestrator.core.errors import Problem, UsageError
                from orchestrator.graph.methods import STATEFUL

                raise UsageError(Problem("U011", f"`state:{value}`: the method `state` is not available here", None, STATEFUL["state"]))
            return others(graph, arguments, value)
        if not known:
            known.append(_stale(workspace, request))
        return known[0]

    return {"state": state}


def _stale(workspace: Workspace, request: Request) -> frozenset[str]:
    """Looks at the warehouse and at the sources, once."""
    from orchestrator.adapters import registry
    from orchestrator.app.environments.placing import placed
    from orchestrator.app.fresh.staleness import sifted

    building = {n.id for n in workspace.graph.nodes.values() if n.has_data}
    warehouse = registry.warehouse(workspace.project.target, str(workspace.invocation.root), workspace.invocation.id)
    try:
        where = placed(workspace, request, building, warehouse.snapshot)
        found = sifted(workspace, request, (building, building), where.snapshot, warehouse)
    finally:
        warehouse.close()
    waiting = frozenset(task.node for task, _ in found.withheld)
    return frozenset(building - found.fresh.keys()) | waiting
