from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.link.access import access

YAML = """
models:
  - name: orders
    {latest}
    columns: [{{name: id, data_tests: [not_null]}}, {{name: old}}]
    versions:
      - v: 1
        defined_in: orders_before
      - v: 2
        columns: [{{include: all, exclude: [old]}}]
"""
FILES = {"models/orders_before.sql": "select 1 as id, 2 as old", "models/orders_v2.sql": "select 1 as id"}


def versioned(latest: str = "", **models: str) -> dict[str, str]:
    return {**FILES, "models/m.yml": YAML.format(latest=latest), **{f"models/{name}.sql": sql for name, sql in models.items()}}


def test_versions_are_one_model_in_several_files(understand: Callable[..., Any]) -> None:
    found = understand(versioned())
    assert found.said() == []
    ids = {n.id: str(n.relation) for n in found.graph.nodes.values() if n.kind == "model"}
    assert {id_: where.rpartition(".")[2] for id_, where in ids.items()} == {
        "model.shop.orders.v1": "orders_v1",
        "model.shop.orders.v2": "orders_v2",
    }
    assert sorted(n.name for n in found.graph.nodes.values() if n.kind == "test") == ["not_null_orders_v1_id", "not_null_orders_v2_id"]
    columns = {id_: [c.name for c in found.graph.bodies[id_].docs.columns] for id_ in ids}
    assert columns == {"model.shop.orders.v1": ["id", "old"], "model.shop.orders.v2": ["id"]}


@pytest.mark.parametrize(
    ("latest", "sql", "means"),
    [
        ("", "select * from {{ ref('orders') }}", "v2"),
        ("latest_version: 1", "select * from {{ ref('orders') }}", "v1"),
        ("", "select * from {{ ref('orders', v=1) }}", "v1"),
        ("", "select * from {{ ref('shop', 'orders', version=2) }}", "v2"),
        ("", "select * from orders", "v2"),
        ("", "select * from orders_v1", "v1"),
    ],
)
def test_a_reference_means_the_latest_version_unless_it_says_which(
    understand: Callable[..., Any], latest: str, sql: str, means: str
) -> None:
    found = understand(versioned(latest, reader=sql))
    assert found.graph.nodes["model.shop.reader"].depends_on == (f"model.shop.orders.{means}",)


def test_a_version_that_does_not_exist_is_an_error_that_lists_those_that_do(understand: Callable[..., Any]) -> None:
    found = understand(versioned(reader="select * from {{ ref('orders', v=3) }}"))
    said = [(message, hint) for message, _, hint in found.said("L012")]
    assert said == [("model `reader` refers to version 3 of `orders`, which does not exist", "its versions are 1, 2")]


def governed(a: str, b: str) -> dict[str, str]:
    return {
        "models/a.sql": "select 1 as x",
        "models/b.sql": "select * from a",
        "models/m.yml": f"models:\n  - {{name: a, config: {a}}}\n  - {{name: b, config: {b}}}\n",
    }


@pytest.mark.parametrize(
    ("a", "b", "codes"),
    [
        ("{group: fin, access: private}", "{group: fin}", []),
        ("{group: fin, access: private}", "{group: ops}", ["L020"]),
        ("{group: fin, access: private}", "{}", ["L020"]),
        ("{group: fin, access: protected}", "{}", []),
        ("{group: fni}", "{}", ["L021"]),
    ],
)
def test_a_private_model_is_for_its_own_group(understand: Callable[..., Any], a: str, b: str, codes: list[str]) -> None:
    found = understand(governed(a, b))
    assert [p.code for p in access(found.graph.nodes, ["fin", "ops"])] == codes
