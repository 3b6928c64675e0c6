"""Builds from a sample: which tables are read in part, by which key."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.core.errors import ExecuteError, Problem, UsageError
from orchestrator.core.node import Node
from orchestrator.core.plan import Request
from orchestrator.core.snapshot import Snapshot

if TYPE_CHECKING:
    from orchestrator.app.opening import Workspace
    from orchestrator.core.ports import Warehouse
    from orchestrator.graph.sampling import Sampling

MILLION = 1_000_000


def sample(
    workspace: Workspace, request: Request, ids: tuple[Collection[str], Collection[str]], snapshot: Snapshot, warehouse: Warehouse
) -> Sampling | None:
    """How the tables are sampled that this run reads and does not build, seeds included; ``None`` when all rows are read.

    ``ids`` are what is selected, and what of that is built. How many rows a table has, the ledger knows, or the engine counts: the
    sample will read all of them anyway.

    Raises:
        UsageError: N351, the target is production, and the sample would take its place.
    """
    if request.sample is None:
        return None
    target = workspace.project.target
    if target.production and not request.environment:
        hint = "build it beside production: `--environment NAME`"
        raise UsageError(
            Problem("N351", f"the target `{target.name}` is production: a sample would take the place of what is there", hint=hint)
        )
    from orchestrator.app.columns.meanings import meanings
    from orchestrator.graph.sampling import sampling

    graph, (selected, building) = workspace.graph, ids
    read = {n.id: n for id_ in (*selected, *building) for n in graph.inputs(id_)}
    tables = {id_ for id_, n in read.items() if n.kind in ("source", "seed") or (n.has_data and id_ not in building)}
    rows = {id_: row.rows for id_, row in snapshot.ledger.items() if row.rows is not None and id_ in tables}
    return sampling(
        graph, meanings(workspace), tables, {**rows, **_counted(warehouse, [read[id_] for id_ in sorted(tables - rows.keys())])}
    )


def _counted(warehouse: Warehouse, nodes: Collection[Node]) -> dict[str, int]:
    """How many rows tables have; one that is not there will be missed when it is read."""
    found: dict[str, int] = {}
    connection = warehouse.connect()
    try:
        for node in nodes:
            if node.relation is not None:
                with suppress(ExecuteError):
                    found[node.id] = int(connection.execute(f"select count(*) from {warehouse.dialect.relation(node.relation)}").rows[0][0])
    finally:
        connection.close()
    return found


def conditions(workspace: Workspace, request: Request, taken: Sampling | None) -> Mapping[str, str]:
    """The conditions of a sample, by the id of what is read."""
    if taken is None or request.sample is None:
        return {}
    dialect, share = workspace.dialect, round(request.sample * MILLION)
    return {id_: dialect.share(dialect.quote(column), share) for id_, column in taken.keys.items()}


def told(workspace: Workspace, request: Request, taken: Sampling | None) -> Iterator[str]:
    """What is read in part, and what is not: a line for each table."""
    if taken is None or request.sample is None:
        return
    from orchestrator.graph.lineage import label

    nodes = workspace.graph.nodes
    yield f"A sample of {request.sample * 100:g}% of the keys:"
    yield from (f"  {label(nodes[id_])}: sampled by {column}" for id_, column in taken.keys.items())
    yield from (f"  {label(nodes[id_])}: whole, {why}" for id_, why in taken.whole.items())
