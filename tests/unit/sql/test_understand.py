from __future__ import annotations

from collections.abc import Mapping

import pytest

from orchestrator.core.meaning import Meaning, Shape, UseKind
from orchestrator.sql.parse import parse
from orchestrator.sql.understand import understand as module
from orchestrator.sql.understand.relations import Uses, composed, merge
from orchestrator.sql.understand.understand import understand

ORDERS = {"orders": ("model.shop.orders", Shape((("id", "integer"), ("amount", "integer"), ("status", "text")), complete=True))}


def meaning(sql: str, inputs: Mapping[str, tuple[str, Shape]] = ORDERS) -> Meaning:
    return understand(parse(sql, "duckdb"), inputs, "duckdb", strict=True)


@pytest.mark.parametrize(
    ("inner", "outer", "both"),
    [
        ("passed", "passed", "passed"),
        ("passed", "aggregated", "aggregated"),
        ("aggregated", "transformed", "aggregated"),
        ("transformed", "aggregated", "aggregated"),
        ("aggregated", "conditional", "conditional"),
        ("window", "aggregated", "window"),
        ("conditional", "passed", "conditional"),
        ("conditional", "window", "conditional"),
    ],
)
def test_of_two_things_that_happen_to_a_column_one_counts(inner: UseKind, outer: UseKind, both: UseKind) -> None:
    assert composed(inner, outer) == both


def test_a_column_that_is_a_value_and_decides_is_a_value_and_stands_where_it_is_first() -> None:
    uses: Uses = {("orders", "id"): ("conditional", 10, 12)}
    merge(uses, {("orders", "id"): ("passed", 5, 7)}, "transformed")
    merge(uses, {("orders", "id"): ("passed", 30, 32)}, "window")
    assert uses == {("orders", "id"): ("transformed", 5, 7)}


def test_a_use_without_a_place_gets_the_one_it_is_mentioned_at() -> None:
    uses: Uses = {}
    merge(uses, {("orders", "id"): ("passed", -1, -1)}, "passed", (4, 6))
    assert uses == {("orders", "id"): ("passed", 4, 6)}


def test_three_hops_are_one() -> None:
    hops = meaning(
        "with a as (select id as x, amount from orders), b as (select x, sum(amount) as y from a group by x), "
        "c as (select x as id, y + 1 as y from b) select * from c"
    )
    assert [(c.name, [(u.column, u.kind) for u in c.uses]) for c in hops.columns] == [
        ("id", [("id", "passed")]),
        ("y", [("amount", "aggregated")]),
    ]


def test_places_are_in_the_text_of_the_query() -> None:
    sql = "with a as (select orders.id as x from orders where status = 'paid') select x from a"
    found = meaning(sql)
    (column,) = found.columns
    (use,) = column.uses
    assert sql[use.start : use.end] == "orders.id" == column.expression == sql[column.start : column.end]
    (row,) = found.rows
    assert sql[row.start : row.end] == "status"


def test_the_shape_is_what_readers_may_know() -> None:
    assert meaning("select id, status as state from orders").shape == Shape((("id", "INTEGER"), ("state", "VARCHAR")), complete=True)
    assert not meaning("select * from nowhere").shape.complete


def test_a_table_outside_of_the_project_has_columns_without_origins() -> None:
    (column,) = meaning("select amount from raw.payments").columns
    assert column.uses == ()
    assert column.unknown == "`raw.payments` is not part of the project"


def test_what_is_not_understood_says_so_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError

    query = parse("select id from orders", "duckdb")
    monkeypatch.setattr(module, "solve", refuse)
    assert understand(query, ORDERS, "duckdb") == Meaning(complete=False, unknown="this query is not understood (RuntimeError)")
    with pytest.raises(RuntimeError):
        understand(query, ORDERS, "duckdb", strict=True)


def test_a_long_chain_of_unions_is_no_deeper_than_a_short_one() -> None:
    chain = " union all ".join(["select id from orders"] * 300)
    (column,) = meaning(chain).columns
    assert [(u.column, u.kind) for u in column.uses] == [("id", "passed")]


@pytest.mark.parametrize("sign", [" or id = ", " + ", " || "])
def test_a_long_chain_of_operators_is_no_deeper_than_a_short_one(sign: str) -> None:
    (column,) = meaning(f"select id = id{sign}{sign.join(['amount'] * 2000)} as x from orders").columns
    assert [u.column for u in column.uses] == ["id", "amount"]


def test_a_wide_table_is_looked_up_and_not_searched() -> None:
    wide = Shape(tuple((f"c{i}", "integer") for i in range(2000)), complete=True)
    found = meaning(
        "with a as (select * from orders) select " + ", ".join(f"c{i}" for i in range(2000)) + " from a", {"orders": ("wide", wide)}
    )
    assert len(found.columns) == 2000
    assert found.findings == ()
