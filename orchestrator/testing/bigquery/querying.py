"""SELECT: its columns, its cost, its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from orchestrator.testing.bigquery import filters
from orchestrator.testing.bigquery.catalog import Key, Table
from orchestrator.testing.bigquery.desk import Desk, Outcome
from orchestrator.testing.bigquery.errors import invalid_query
from orchestrator.testing.bigquery.evaluate import Found
from orchestrator.testing.bigquery.names import bind
from orchestrator.testing.bigquery.types import Field


def select(desk: Desk, text: bytes, node: Any, start: int, end: int) -> Outcome:
    """Evaluate a query that stands at ``text[start:end]``; a dry run says what it would be."""
    bound = bind(desk.scope, text, node, desk.evaluator.parse)
    found = desk.evaluator.analyze(bound.splice, bound.world, start, end)
    filters.check(desk.tables, bound.keys, found)
    fields = output(found)
    price = cost(desk.tables, bound.keys, found)
    rows = None if desk.dry else desk.evaluator.query(bound.splice.piece(start, end), bound.world).whole(fields)
    return Outcome("SELECT", fields, rows, bytes=price, billed=True, reads=tuple(bound.keys.values()))


def output(found: Found, *, strict: bool = False) -> list[Field]:
    """The columns of a query: those without a name are called ``f0_``, ``f1_`` …; ``strict`` wants names for all, as views do."""
    made: list[Field] = []
    anonymous = 0
    for field in found.columns():
        name = field["name"]
        if name.startswith("$") or not name:
            if strict:
                raise invalid_query(f"CREATE VIEW columns must be named, but column {len(made) + 1} has no name")
            name, anonymous = f"f{anonymous}_", anonymous + 1
        made.append({**field, "name": name})
    twice = [name for name, count in Counter(field["name"].lower() for field in made).items() if count > 1]
    if twice:
        raise invalid_query(f"Duplicate column names in the result are not supported. Found duplicate(s): {', '.join(twice)}")
    return made


def cost(tables: Mapping[Key, Table], keys: Mapping[str, Key], found: Found) -> int:
    """Bytes that BigQuery charges a statement for: the columns read, each whole (partitions are not left out here)."""
    total = 0
    for flat, columns in found.reads.items():
        if (key := keys.get(flat)) is not None and key in tables:
            table = tables[key]
            total += sum(table.rows.sizes(table.cells, {column.lower() for column in columns}).values())
    return total
