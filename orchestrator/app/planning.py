"""What a run would do and read, asked of the engine before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from orchestrator.app import Prepared
from orchestrator.app.explain import explainer
from orchestrator.core.errors import ExecuteError, Problem, UsageError
from orchestrator.core.history import added, history
from orchestrator.core.names import Relation
from orchestrator.core.node import Body, Node, SqlBody
from orchestrator.core.plan import Estimate, Origin, Statement
from orchestrator.core.ports import Connection
from orchestrator.core.sizes import shown_bytes
from orchestrator.plan.compile import Names, compile_query, is_late
from orchestrator.plan.expand.incremental import is_incremental


def estimates(ready: Prepared) -> Iterator[Estimate]:
    """Ask the engine about the query of each model of the plan, parents first; a parent that is not built is stood in for.

    Raises:
        WarehouseError: the engine cannot be reached.
    """
    connection = ready.warehouse.connect()
    try:
        yield from _estimates(ready, connection)
    finally:
        connection.close()


def _estimates(ready: Prepared, connection: Connection) -> Iterator[Estimate]:
    workspace = ready.workspace
    graph, explain = workspace.graph, explainer(workspace)
    standins: dict[str, str] = {}
    for task in ready.plan.tasks:
        node = graph.nodes[task.node]
        body = graph.bodies[task.node]
        if node.kind not in ("model", "snapshot"):
            continue
        names = Names(graph, workspace.dialect, standins=standins)
        missing = _missing(ready, node, standins)
        if not isinstance(body, SqlBody):
            yield Estimate(node.id, unknown="a Python model: what it reads is known when it runs")
        elif is_late(node, body, names):
            yield Estimate(node.id, unknown="its text is known only when it runs")
        elif missing:
            yield Estimate(node.id, unknown=f"{', '.join(missing)} must be built first")
        else:
            existing = ready.snapshot.find(node.relation) if node.relation else None
            incremental = body.incremental is not None and is_incremental(node, existing, bool(ready.request.full_refresh))
            query = body.incremental if incremental and body.incremental else body.query
            text = compile_query(node, query, names)
            try:
                amount = connection.estimate(text.sql)
                columns = connection.describe(text.sql)
            except ExecuteError as error:
                yield Estimate(node.id, problem=explain(error, Statement(text.sql, Origin(node.id, text.pieces, incremental)), node.id))
                continue
            if existing is None:
                columns = (*columns, *added(history(node.config), columns)) if node.kind == "snapshot" else columns
                standins[node.id] = _standin(columns, workspace.dialect.quote)
            yield Estimate(node.id, amount)


def _missing(ready: Prepared, node: Node, standins: dict[str, str]) -> list[str]:
    """Names of the parents that are neither there nor stood in for; ephemeral ones seen through. Adds those with declared columns."""
    graph = ready.workspace.graph
    found: dict[str, None] = {}
    for parent in graph.inputs(node.id):
        if not parent.has_data or parent.id in standins or _there(ready, parent.relation):
            continue
        if declared := declared_columns(parent, graph.bodies[parent.id]):
            standins[parent.id] = _standin(declared, ready.workspace.dialect.quote)
        else:
            found[f"`{parent.name}`"] = None
    return list(found)


def declared_columns(node: Node, body: Body) -> tuple[tuple[str, str], ...]:
    """The columns ``(name, type)`` of a seed, a source or a Python model, if somebody wrote down the type of every one."""
    types = {str(k).casefold(): str(v) for k, v in (node.config.get("column_types") or {}).items()}
    found = tuple((c.name, c.data_type or types.get(c.name.casefold(), "")) for c in body.docs.columns)
    return () if isinstance(body, SqlBody) or not all(kind for _, kind in found) else found


def _there(ready: Prepared, relation: Relation | None) -> bool:
    return relation is not None and ready.snapshot.find(relation) is not None


def _standin(columns: Sequence[tuple[str, str]], quote: Callable[[str], str]) -> str:
    """A query without rows that has the columns of a relation which is not built yet."""
    nulls = ", ".join(f"cast(null as {kind}) as {quote(name)}" for name, kind in columns)
    return f"select {nulls} limit 0"


def within_budget(ready: Prepared, most: int) -> None:
    """Refuse a plan whose models would process more than ``most`` bytes.

    Raises:
        UsageError: U020, it would, or the engine does not say how much; a query is wrong.
    """
    asked = list(estimates(ready))
    if problems := [e.problem for e in asked if e.problem is not None]:
        raise UsageError(*problems)
    known = [(e.bytes, e.node) for e in asked if e.bytes is not None]
    if asked and not known and any(e.unknown is None for e in asked):
        message = f"{ready.workspace.dialect.name} does not say beforehand what a query will process"
        raise UsageError(Problem("U020", message, None, "leave --max-bytes out"))
    total = sum(amount for amount, _ in known)
    if total > most:
        nodes = ready.workspace.graph.nodes
        largest = ", ".join(f"{nodes[n].name} {shown_bytes(b)}" for b, n in sorted(known, reverse=True)[:3])
        message = f"this would process {shown_bytes(total)}; --max-bytes allows {shown_bytes(most)}"
        raise UsageError(Problem("U020", message, None, f"nothing ran; the largest: {largest}"))
