from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.core.errors import UsageError
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import Column, Docs, Node, Query, SqlBody
from orchestrator.core.project import Secret
from orchestrator.graph.listing import listing

MODEL = Node(
    "model.shop.orders",
    "model",
    "orders",
    "shop",
    "models/mart/orders.sql",
    ("shop", "mart", "orders"),
    {"materialized": "table", "tags": ["nightly"], "meta": {"key": Secret("hunter2"), "at": {2, 1}}},
    relation=Relation("db", "mart", "orders_v"),
    depends_on=("source.shop.raw.orders",),
)
NODES = (
    MODEL,
    replace(MODEL, id="model.shop.dim.v2", name="dim", fqn=("shop", "dim", "v2"), config={"version": 2}),
    Node("source.shop.raw.orders", "source", "orders", "shop", "models/s.yml", ("shop", "raw", "orders"), {}, source_name="raw"),
    Node("exposure.shop.board", "exposure", "board", "shop", "models/e.yml", ("shop", "board"), {}, depends_on=(MODEL.id,)),
    Node(
        "unit_test.shop.orders.adds",
        "unit_test",
        "adds",
        "shop",
        "models/u.yml",
        ("shop", "mart", "orders", "adds"),
        {},
        depends_on=(MODEL.id,),
    ),
    Node("test.shop.unique_orders_id.1", "test", "unique_orders_id", "shop", "models/s.yml", ("shop", "mart", "unique_orders_id"), {}),
    Node("seed.shop.c", "seed", "c", "shop", "seeds/c.csv", ("shop", "c"), {}),
)
GRAPH = Graph(
    {n.id: n for n in NODES},
    {MODEL.id: SqlBody("select 1", Query(""), docs=Docs("All orders.", (Column("id", "Key."),)), macros=("macro.shop.m",))},
)


@pytest.mark.parametrize(
    ("output", "lines"),
    [
        (
            "selector",
            [
                "exposure:shop.board",
                "shop.dim.v2",
                "shop.mart.orders",
                "shop.c",
                "source:shop.raw.orders",
                "shop.mart.unique_orders_id",
                "unit_test:shop.adds",
            ],
        ),
        ("name", ["board", "dim.v2", "orders", "c", "raw.orders", "unique_orders_id", "adds"]),
        (
            "path",
            [
                "models/e.yml",
                "models/mart/orders.sql",
                "models/mart/orders.sql",
                "seeds/c.csv",
                "models/s.yml",
                "models/s.yml",
                "models/u.yml",
            ],
        ),
    ],
)
def test_lines_are_in_order_of_id(output: str, lines: list[str]) -> None:
    assert list(listing(GRAPH, reversed(list(GRAPH.nodes)), output)) == lines


def shown(id_: str, *keys: str) -> dict[str, Any]:
    (line,) = listing(GRAPH, [id_], "json", keys)
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def test_json_has_the_usual_keys() -> None:
    assert shown(MODEL.id) == {
        "alias": "orders_v",
        "name": "orders",
        "package_name": "shop",
        "depends_on": {"macros": ["macro.shop.m"], "nodes": ["source.shop.raw.orders"]},
        "tags": ["nightly"],
        "config": {"materialized": "table", "tags": ["nightly"], "meta": {"key": "****", "at": [1, 2]}},
        "resource_type": "model",
        "original_file_path": "models/mart/orders.sql",
        "unique_id": "model.shop.orders",
    }
    assert set(shown("source.shop.raw.orders")) == {
        "name",
        "package_name",
        "tags",
        "config",
        "resource_type",
        "source_name",
        "original_file_path",
        "unique_id",
    }
    assert shown("seed.shop.c")["depends_on"] == {"macros": []}


def test_keys_choose_and_reach_inside() -> None:
    assert shown(MODEL.id, "config.materialized", "name config.meta.nothing") == {"config.materialized": "table", "name": "orders"}
    assert shown(MODEL.id, "raw_code", "description", "source_name") == {"raw_code": "select 1", "description": "All orders."}
    assert shown(MODEL.id, "columns.id.description", "relation_name") == {
        "columns.id.description": "Key.",
        "relation_name": "db.mart.orders_v",
    }


def test_wrong_options_are_errors_before_the_first_line() -> None:
    with pytest.raises(UsageError, match="no node has a key `nmae`") as caught:
        listing(GRAPH, [], "json", ["nmae"])
    assert caught.value.first.hint == "did you mean `name`?"
    with pytest.raises(UsageError, match="--output"):
        listing(GRAPH, [], "yaml")
