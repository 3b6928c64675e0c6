"""Materialized views: what their queries may say, and what they are bound to.

Their rows are always those of the query now: what BigQuery promises unless there is a ``max_staleness``, which is kept but not acted out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.sql import googlesql_tree as tree
from orchestrator.testing.bigquery import ddl, options, partitions, querying
from orchestrator.testing.bigquery.catalog import Key, Table, now, shown
from orchestrator.testing.bigquery.desk import Desk, Outcome
from orchestrator.testing.bigquery.errors import Refusal, invalid_query, unknown
from orchestrator.testing.bigquery.evaluate import Found, python
from orchestrator.testing.bigquery.names import bind

INCREMENTAL = {
    "ResolvedTableScan", "ResolvedProjectScan", "ResolvedFilterScan", "ResolvedAggregateScan", "ResolvedJoinScan", "ResolvedWithScan",
    "ResolvedWithRefScan", "ResolvedScan",
}  # fmt: skip
"""What the query of a view that is refreshed incrementally is made of."""

AGGREGATES = {
    "any_value", "approx_count_distinct", "array_agg", "avg", "bit_and", "bit_or", "bit_xor", "count", "$count_star", "countif",
    "hll_count.init", "logical_and", "logical_or", "max", "max_by", "min", "min_by", "sum",
}  # fmt: skip
"""The aggregates of such a query."""

UNSTABLE = {"current_date", "current_datetime", "current_time", "current_timestamp", "generate_uuid", "rand", "session_user"}
"""Functions that no query of a materialized view may call."""

WORDS = {
    "ResolvedOrderByScan": "ORDER BY",
    "ResolvedLimitOffsetScan": "LIMIT",
    "ResolvedAnalyticScan": "window functions",
    "ResolvedSetOperationScan": "set operations",
    "ResolvedSingleRowScan": "a SELECT without FROM",
    "ResolvedArrayScan": "UNNEST",
    "ResolvedSubqueryExpr": "subqueries in expressions",
}


def create(desk: Desk, text: bytes, node: Any) -> Outcome:
    """CREATE [OR REPLACE] MATERIALIZED VIEW."""
    statement = "CREATE_MATERIALIZED_VIEW"
    key, old = ddl.target(desk, node, "MATERIALIZED_VIEW")
    if old is not None and tree.within(node, "is_if_not_exists"):
        return Outcome(statement, ddl=("SKIP", statement, key))
    if tree.within(node, "column_with_options_list") is not None:
        raise unknown("a materialized view with a list of columns")
    body = tree.within(node, "query")
    if body is None:
        raise unknown("a replica of a materialized view")
    start, end = tree.span(body)
    bound = bind(ddl.no_default(desk), text, node, desk.evaluator.parse)
    if nested := [key for key in _views(desk, node) if desk.tables[key].kind == "MATERIALIZED_VIEW"]:
        raise invalid_query(f"Materialized view {shown(key)} cannot read another materialized view: {shown(nested[0])}")
    if set(bound.feeds) != set(bound.keys):
        raise unknown(f"a materialized view over {', '.join(sorted(set(bound.feeds) - set(bound.keys)))}")
    found = desk.evaluator.analyze(bound.splice, bound.world, start, end)
    fields = querying.output(found, strict=True)
    told = options.given(desk.evaluator, text, tree.within(node, "options_list"), desk.scope_world)
    resource: dict[str, Any] = {"schema": {"fields": fields}}
    resource |= options.refresh_options(told, {"query": text[start:end].decode()})
    _allowed(
        found, anything=bool(resource["materializedView"].get("allowNonIncrementalDefinition")), stale=bool(resource.get("maxStaleness"))
    )
    if (clause := tree.within(node, "partition_by")) is not None:
        resource |= options.partitioning(desk.evaluator, text, clause)
        _aligned(resource, [desk.tables[base] for base in bound.keys.values()])
    if (clause := tree.within(node, "cluster_by")) is not None:
        resource |= options.clustering(clause)
    resource |= options.table_options(told, resource)
    partitions.check_valid(resource, fields)
    if old is not None:
        partitions.check_replace(old.resource, resource)
    if not desk.dry:
        bases = tuple((base, desk.tables[base].born) for base in bound.keys.values())
        made = Table({k: v for k, v in resource.items() if v is not None}, bases=bases)
        desk.write(key, made.touched(), "ddl")
    return Outcome(statement, ddl=("REPLACE" if old else "CREATE", statement, key), reads=tuple(bound.keys.values()))


def _views(desk: Desk, node: Any) -> Iterator[Key]:
    """The views that a statement reads, and those that they read."""
    for place in tree.tables(node):
        if any(name.upper() == "INFORMATION_SCHEMA" for name in place.names) or place.names[-1].endswith("*"):
            continue
        key, table = desk.scope.table(place.names)
        if table.kind != "TABLE":
            yield key
            if table.kind == "VIEW":
                body = table.resource["view"]["query"]
                yield from _views(desk, desk.evaluator.parse(body)[0])


def _allowed(found: Found, *, anything: bool, stale: bool) -> None:
    """Refuse what the query of a materialized view may not say.

    One that is not refreshed incrementally says ``anything`` but what changes by itself, and has a time after which it is ``stale``.
    """
    for call in tree.find(found.statement, lambda n: tree.kind(n) == "ResolvedFunctionCall"):
        name = _function(call)
        if name in UNSTABLE:
            raise _unsupported(f"the function {name.upper()}")
    if anything:
        if not stale:
            raise invalid_query("Materialized views with allow_non_incremental_definition must have max_staleness")
        return
    for scan in tree.find(
        found.statement, lambda n: tree.kind(n).startswith("Resolved") and tree.kind(n).endswith(("Scan", "SubqueryExpr"))
    ):
        kind = tree.kind(scan)
        if kind not in INCREMENTAL:
            raise _unsupported(WORDS.get(kind, kind.removeprefix("Resolved")))
        if kind == "ResolvedJoinScan" and scan.join_type != 0:
            raise _unsupported("outer joins")
        computes = kind in {"ResolvedFilterScan", "ResolvedJoinScan", "ResolvedAggregateScan"} or (
            kind == "ResolvedProjectScan" and len(scan.expr_list) > 0
        )
        if computes and any(n is not scan and tree.kind(n) == "ResolvedAggregateScan" for n in tree.find(scan, lambda _: True)):
            raise _unsupported("computing, filtering or joining on aggregated values")
    for call in tree.find(found.statement, lambda n: tree.kind(n) == "ResolvedAggregateFunctionCall"):
        if _function(call) not in AGGREGATES:
            raise _unsupported(f"the aggregate {_function(call).upper()}")


def _function(call: Any) -> str:
    return str(tree.within(call, "function").name).removeprefix("ZetaSQL:").lower()


def _unsupported(what: str) -> Refusal:
    return invalid_query(f"Unsupported in the query of a materialized view: {what}")


def _aligned(resource: dict[str, Any], bases: list[Table]) -> None:
    """Refuse partitions that are not those of a table that is read."""
    mine = partitions.text(resource)
    if all(partitions.text(base.resource) != mine for base in bases):
        raise invalid_query("The partitions of a materialized view must be those of a table that it reads, by the same column")


def alter(desk: Desk, text: bytes, node: Any) -> Outcome:
    """ALTER MATERIALIZED VIEW … SET OPTIONS."""
    statement, given = "ALTER_MATERIALIZED_VIEW", ddl.names(tree.within(node, "path"))
    key = desk.scope.key(given)
    desk.permanent(key)
    if key not in desk.tables and tree.within(node, "is_if_exists"):
        return Outcome(statement, ddl=("SKIP", statement, key))
    key, table = desk.scope.table(given)
    if table.kind != "MATERIALIZED_VIEW":
        raise ddl.wrong_kind(key, table)
    for action in map(tree.leaf, tree.within(node, "action_list").actions):
        if tree.kind(action) != "ASTSetOptionsAction":
            raise unknown(f"{statement}: {tree.kind(action)}")
        told = options.given(desk.evaluator, text, action.options_list, desk.scope_world)
        if fixed := {"allow_non_incremental_definition", "kms_key_name"} & set(told):
            raise invalid_query(f"{', '.join(sorted(fixed))} of a materialized view cannot be changed")
        table = table.with_resource(**options.refresh_options(told, table.resource["materializedView"]))
        table = table.with_resource(**options.table_options(told, table.resource))
    if not desk.dry:
        desk.write(key, table, "ddl")
    return Outcome(statement, ddl=("ALTER", statement, key))


def call(desk: Desk, text: bytes, node: Any) -> Outcome:
    """CALL BQ.REFRESH_MATERIALIZED_VIEW('project.dataset.view')."""
    named = ".".join(tree.path(node.procedure_name)).lower()
    if named != "bq.refresh_materialized_view" or len(node.arguments) != 1:
        raise unknown(f"CALL {named}")
    start, end = tree.span(node.arguments[0])
    said = python(desk.evaluator.scalars([text[start:end].decode()], desk.scope_world)[0])
    desk.permanent()
    key, table = desk.scope.table(tuple(str(said).split(".")))
    if table.kind != "MATERIALIZED_VIEW":
        raise invalid_query(f"{shown(key)} is not a materialized view")
    table.check_bases(key, desk.tables, desk.location)
    if not desk.dry:
        body = {**table.resource["materializedView"], "lastRefreshTime": str(now())}
        desk.write(key, table.with_resource(materializedView=body), "ddl")
    return Outcome("CALL")
