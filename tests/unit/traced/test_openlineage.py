"""OpenLineage's facets, held against the published schema of the facet, version 1-2-0."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

import pytest

from orchestrator.adapters import registry
from orchestrator.core.meaning import UseKind
from orchestrator.core.project import Target
from orchestrator.graph.physical import physical
from orchestrator.publish.openlineage import TRANSFORMATIONS, openlineage

TOTALS, BIG, CUSTOMERS, STG, CHAINS = (f"model.shop.{n}" for n in ("totals", "orders_big", "customers", "stg_orders", "chains"))
URI = "uri"

TRANSFORMATION = {"type": str, "subtype?": str, "description?": str, "masking?": bool}
INPUT = {"namespace": str, "name": str, "field": str, "transformations?": [TRANSFORMATION]}
FACET = {"_producer": URI, "_schemaURL": URI, "fields": {"*": {"inputFields": [INPUT]}}, "dataset?": [INPUT]}
"""The facet as the spec has it; a question mark is what may be missing. (The spec allows further keys, we write none.)"""


def faults(value: Any, shape: Any, at: str = "") -> list[str]:
    """Where a value is not of a shape."""
    match shape:
        case dict():
            if not isinstance(value, Mapping):
                return [f"{at}: not an object"]
            if "*" in shape:
                return [f for k, v in value.items() for f in faults(v, shape["*"], f"{at}.{k}")]
            missing = [f"{at}.{k}: missing" for k in shape if not k.endswith("?") and k not in value]
            known = {k.rstrip("?"): s for k, s in shape.items()}
            strange = [f"{at}.{k}: unknown" for k in value if k not in known]
            return [*missing, *strange, *(f for k, v in value.items() if k in known for f in faults(v, known[k], f"{at}.{k}"))]
        case list():
            return (
                [f for i, v in enumerate(value) for f in faults(v, shape[0], f"{at}[{i}]")]
                if isinstance(value, list)
                else [f"{at}: no list"]
            )
        case "uri":
            return [] if isinstance(value, str) and ":" in value.partition("/")[0] else [f"{at}: no URI"]
        case _:
            return [] if isinstance(value, shape) else [f"{at}: not {shape.__name__}"]


def facet(shop: Any, id_: str) -> dict[str, Any]:
    (dataset,) = openlineage(shop.graph, shop.meanings, [id_], "duckdb:///shop.duckdb")
    found: dict[str, Any] = dataset["facets"]["columnLineage"]
    return found


def test_the_schema_notices_what_is_wrong() -> None:
    assert faults({"_producer": "x", "fields": {"a": {"inputFields": [{"name": 1}]}}}, FACET) == [
        "._schemaURL: missing",
        "._producer: no URI",
        ".fields.a.inputFields[0].namespace: missing",
        ".fields.a.inputFields[0].field: missing",
        ".fields.a.inputFields[0].name: not str",
    ]


@pytest.mark.parametrize("id_", [TOTALS, BIG, CUSTOMERS])
def test_a_facet_is_what_the_spec_says(shop: Any, id_: str) -> None:
    found = json.loads(json.dumps(facet(shop, id_)))
    assert faults(found, FACET) == []
    used = [t for f in found["fields"].values() for i in f["inputFields"] for t in i["transformations"]]
    used += [t for i in found["dataset"] for t in i["transformations"]]
    direct, indirect = {"IDENTITY", "TRANSFORMATION", "AGGREGATION"}, {"JOIN", "GROUP_BY", "FILTER", "SORT", "WINDOW", "CONDITIONAL"}
    assert all(t["subtype"] in (direct if t["type"] == "DIRECT" else indirect) for t in used)


def test_every_kind_of_use_has_a_word_of_the_spec() -> None:
    kinds = {kind for group in get_args(UseKind) for kind in (get_args(group) or (group,))}
    assert set(TRANSFORMATIONS) == kinds


def test_ephemeral_models_are_seen_through_and_are_no_datasets(shop: Any) -> None:
    (total,) = facet(shop, TOTALS)["fields"]["total"]["inputFields"]
    assert total == {
        "namespace": "duckdb:///shop.duckdb",
        "name": "db.raw.orders",
        "field": "amount_cents",
        "transformations": [{"type": "DIRECT", "subtype": "AGGREGATION", "description": "sum(o.amount)"}],
    }
    assert openlineage(shop.graph, shop.meanings, [STG], "x") == []


def test_what_decides_about_rows_is_said_of_the_whole_dataset(shop: Any) -> None:
    rows = {(i["name"], i["field"]): [t["subtype"] for t in i["transformations"]] for i in facet(shop, TOTALS)["dataset"]}
    assert rows == {
        ("db.raw.orders", "person"): ["JOIN"],
        ("db.mart.customers", "customer"): ["JOIN", "GROUP_BY"],
        ("db.mart.customers", "email"): ["GROUP_BY"],
        ("db.mart.customers", "country"): ["GROUP_BY"],
    }
    assert facet(shop, TOTALS)["fields"]["r"]["inputFields"][0]["transformations"][0]["type"] == "INDIRECT"


def test_what_is_unknown_is_left_out(shop: Any) -> None:
    (dataset,) = openlineage(shop.graph, shop.meanings, [CHAINS], "x")
    assert list(dataset["facets"]) == ["schema"]


def test_the_rows_of_an_ephemeral_model_are_the_rows_of_its_reader(shop: Any) -> None:
    from dataclasses import replace

    from orchestrator.core.meaning import Use

    stg = replace(shop.meanings[STG], rows=(Use("source.shop.raw.orders", "id", "filter", 3, 5),))
    found = physical(shop.graph, {**shop.meanings, STG: stg}, BIG)
    assert [(u.node, u.column, u.kind) for u in found.rows] == [
        ("source.shop.raw.orders", "amount_cents", "filter"),
        ("source.shop.raw.orders", "id", "filter"),
    ]


@pytest.mark.parametrize(
    ("type_", "settings", "name"),
    [
        ("duckdb", {"path": "w.duckdb"}, "duckdb:///shop/w.duckdb"),
        ("postgres", {"host": "db.example.com", "password": "hunter2", "user": "u"}, "postgres://db.example.com:5432"),
        ("postgres", {"host": "/run/postgresql", "port": 5433}, "postgres://localhost:5433"),
        ("bigquery", {"project": "shop-dw"}, "bigquery"),
    ],
)
def test_each_engine_has_the_namespace_of_the_naming_spec(type_: str, settings: dict[str, Any], name: str) -> None:
    assert registry.namespace(Target("p", "dev", type_, None, "main", 1, settings), "/shop") == name
