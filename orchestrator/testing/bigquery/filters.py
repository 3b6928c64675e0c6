"""``requirePartitionFilter``: whether a statement narrows down the partitions that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.sql import googlesql_tree as tree
from orchestrator.testing.bigquery import partitions
from orchestrator.testing.bigquery.catalog import Key, Table
from orchestrator.testing.bigquery.errors import invalid_query
from orchestrator.testing.bigquery.evaluate import Found

COMPARISONS = {
    "$equal",
    "$less",
    "$less_or_equal",
    "$greater",
    "$greater_or_equal",
    "$between",
    "$in",
    "$in_array",
    "$is_null",
    "$not_equal",
}
CONDITIONS = ("filter_expr", "join_expr", "where_expr", "merge_expr", "match_expr")
"""The fields of resolved nodes that choose rows."""


def check(tables: Mapping[Key, Table], keys: Mapping[str, Key], found: Found) -> None:
    """Refuse a statement that reads all partitions of a table which forbids that."""
    for scan in tree.find(found.statement, lambda node: tree.kind(node) == "ResolvedTableScan"):
        key = keys.get(scan.table.name)
        table = tables.get(key) if key is not None else None
        if key is None or table is None or not table.resource.get("requirePartitionFilter"):
            continue
        column = partitions.column(table.resource)
        wanted = [partitions.TIME, partitions.DAY] if table.ingestion else [str(column)]
        ids = {c.column_id for c in scan.parent.column_list if c.name.lower() in {w.lower() for w in wanted}}
        if not any(_narrows(condition, ids) for condition in _conditions(found.statement)):
            words = ", ".join(f"'{name}'" for name in (["_PARTITION_LOAD_TIME", *reversed(wanted)] if table.ingestion else wanted))
            where = f"without a filter over column(s) {words} that can be used for partition elimination"
            raise invalid_query(f"Cannot query over table '{'.'.join(key)}' {where}")


def _conditions(statement: Any) -> Iterator[Any]:
    """Every expression of a statement that chooses rows."""
    for node in tree.find(statement, lambda node: any(name in node.DESCRIPTOR.fields_by_name for name in CONDITIONS)):
        for name in CONDITIONS:
            if name in node.DESCRIPTOR.fields_by_name and node.HasField(name):
                yield tree.leaf(getattr(node, name))


def _narrows(node: Any, ids: set[int]) -> bool:
    """Whether a condition holds for some values of these columns only, whatever the other columns are."""
    if not ids or tree.kind(node) != "ResolvedFunctionCall":
        return False
    name = tree.within(node, "function").name.removeprefix("ZetaSQL:")
    arguments = [tree.leaf(argument) for argument in tree.within(node, "argument_list")]
    if name == "$and":
        return any(_narrows(argument, ids) for argument in arguments)
    if name == "$or":
        return all(_narrows(argument, ids) for argument in arguments)
    if name == "$not":
        return _narrows(arguments[0], ids)
    if name not in COMPARISONS:
        return False
    read = {ref.column.column_id for ref in tree.find(node, lambda n: tree.kind(n) == "ResolvedColumnRef")}
    asks = any(True for _ in tree.find(node, lambda n: tree.kind(n) == "ResolvedSubqueryExpr"))
    return bool(read) and read <= ids and not asks
