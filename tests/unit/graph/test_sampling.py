"""Keys of samples: columns that are joined with each other, through renames; the key that most rows have wins."""

from __future__ import annotations

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Output, Use
from orchestrator.core.node import Kind, Node, Query, SqlBody
from orchestrator.graph.sampling import sampling


def node(name: str, *parents: str, kind: Kind = "model", **more: str) -> Node:
    return Node(name, kind, name, "p", f"{name}.sql", (), {}, depends_on=parents, **more)  # type: ignore[arg-type]


SQL = "select o.id from stg as o join customers as c on o.customer = c.id join days as d on d.day = o.day"


def join(table: str, column: str, text: str) -> Use:
    at = SQL.index(text)
    return Use(table, column, "join", at, at + len(text))


NODES = [
    node("orders", kind="source"), node("customers", kind="source"), node("days", kind="source"), node("alone", kind="source"),
    node("stg", "orders"), node("joined", "stg", "customers", "days"),
]  # fmt: skip
MEANINGS = {
    "stg": Meaning((Output("customer", uses=(Use("orders", "cust", "renamed"),)), Output("day", uses=(Use("orders", "day", "passed"),)))),
    "joined": Meaning(
        (),
        (
            join("stg", "customer", "o.customer"),
            join("customers", "id", "c.id"),
            join("days", "day", "d.day"),
            join("stg", "day", "o.day"),
        ),
    ),
}  # fmt: skip
GRAPH = Graph({n.id: n for n in NODES}, {"joined": SqlBody(SQL, Query(SQL))})
TABLES = {"orders", "customers", "days", "alone"}


def test_the_key_that_most_rows_have_seen_through_a_rename() -> None:
    found = sampling(GRAPH, MEANINGS, TABLES, {"orders": 1000, "customers": 100, "days": 7, "alone": 5000})
    assert found.keys == {"orders": "cust", "customers": "id"}
    assert set(found.whole) == {"days", "alone"}
    assert sampling(GRAPH, MEANINGS, TABLES, {"orders": 1000, "customers": 2, "days": 70, "alone": 1}).keys == {
        "orders": "day",
        "days": "day",
    }


def test_columns_that_no_join_compares_are_no_key() -> None:
    assert not sampling(GRAPH, {"stg": MEANINGS["stg"]}, TABLES).keys


def test_without_any_join_a_table_has_its_own_unique_column() -> None:
    unique = node("unique_orders_id", "orders", kind="test", attached="orders", column="id", test_name="unique")
    graph = Graph({n.id: n for n in (node("orders", kind="source"), node("days", kind="source"), unique)}, {})
    assert sampling(graph, {}, {"orders", "days"}).keys == {"orders": "id"}
