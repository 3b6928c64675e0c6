from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.core.errors import UsageError
from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Output
from orchestrator.graph.lineage import Point
from orchestrator.graph.named import named

TOTALS, RAW = "model.shop.totals", "source.shop.raw.orders"


def folding(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def strict(one: str, other: str) -> bool:
    return one == other


@pytest.mark.parametrize(
    ("text", "node", "column"),
    [
        ("totals.total", TOTALS, "total"),
        ("TOTALS.Total", TOTALS, "total"),
        ("mart.totals.total", TOTALS, "total"),
        ("shop.mart.totals.total", TOTALS, "total"),
        ("model.shop.totals.total", TOTALS, "total"),
        ('totals."total"', TOTALS, "total"),
        ("raw.orders.amount_cents", RAW, "amount_cents"),
        ("source:raw.orders.amount_cents", RAW, "amount_cents"),
        ("orders.amount_cents", RAW, "amount_cents"),
        ("raw.people.undeclared", "source.shop.raw.people", "undeclared"),
    ],
)
def test_a_column_is_named_by_any_name_of_its_node(shop: Any, text: str, node: str, column: str) -> None:
    assert named(shop.graph, shop.meanings, text, folding) == (Point(node, column),)


@pytest.mark.parametrize("text", ["totals", "mart.totals", "model.shop.totals", "Totals"])
def test_a_table_stands_for_its_columns_and_its_rows(shop: Any, text: str) -> None:
    assert named(shop.graph, shop.meanings, text, folding) == tuple(Point(TOTALS, c) for c in ("customer", "email", "total", "r", ""))


def test_an_exposure_has_rows_only(shop: Any) -> None:
    assert named(shop.graph, shop.meanings, "board", folding) == (Point("exposure.shop.board"),)


@pytest.mark.parametrize(
    ("text", "code", "message", "hint"),
    [
        ("totls.total", "U035", "there is no model, seed, snapshot, source or exposure `totls.total`", "did you mean `totals`?"),
        ("xyz", "U035", "there is no model, seed, snapshot, source or exposure `xyz`", "`orc ls` lists them all"),
        ("totals.totl", "U036", "`totals` has no column `totl`", "did you mean `total`?"),
        ("totals.xyz", "U036", "`totals` has no column `xyz`", "it has: customer, email, total, r"),
        ("board.x", "U036", "an exposure has no columns: `board`", "ask for `board`"),
    ],
)
def test_a_name_that_means_nothing_gets_a_hint(shop: Any, text: str, code: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        named(shop.graph, shop.meanings, text, folding)
    assert (caught.value.first.code, caught.value.first.message, caught.value.first.hint) == (code, message, hint)


def test_a_name_with_two_meanings_lists_them(shop: Any) -> None:
    twin = replace(shop.graph.nodes[TOTALS], id="model.other.totals", package="other", fqn=("other", "mart", "totals"))
    graph = Graph({**shop.graph.nodes, twin.id: twin}, shop.graph.bodies)
    with pytest.raises(UsageError, match=r"U037.*`totals` can mean `model.shop.totals` and `model.other.totals`"):
        named(graph, shop.meanings, "totals", folding)
    assert named(graph, shop.meanings, "shop.mart.totals.r", folding) == (Point(TOTALS, "r"),)


def test_where_case_tells_columns_apart_it_is_asked_only_when_it_must_be(shop: Any) -> None:
    meanings = {**shop.meanings, TOTALS: Meaning((Output("Id"), Output("id"), Output("Name")))}
    assert named(shop.graph, meanings, "totals.id", strict) == (Point(TOTALS, "id"),)
    assert named(shop.graph, meanings, "totals.name", strict) == (Point(TOTALS, "Name"),)
    with pytest.raises(UsageError, match="U036"):
        named(shop.graph, meanings, "totals.ID", strict)
