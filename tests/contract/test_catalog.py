"""`orc docs generate`: what the engine's own catalog says, in the shape readers of dbt's artifacts know."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contract.shop import Shop


def test_the_catalog_says_what_is_really_there(shop: Shop) -> None:
    shop.write(
        {
            "seeds/raw.csv": "id,v\n1,a\n",
            "models/t.sql": "{{ config(materialized='table') }} select id, v from {{ ref('raw') }}",
            "models/w.sql": "select id from {{ ref('t') }}",
            "models/never.sql": "select 1 as x",
            "models/props.yml": """
                models: [{name: t, description: it's all, columns: [{name: id, description: the key}]}]
                sources: [{name: wares, schema: "{{ target.schema }}", tables: [{name: t}, {name: nowhere}]}]
                """,
        }
    ).orc("build", "--exclude", "never")
    shop.orc("docs", "generate")
    catalog = json.loads((shop.root / "target" / "catalog.json").read_text(encoding="utf-8"))
    nodes = {id_.split(".")[-1]: entry for id_, entry in catalog["nodes"].items()}
    assert set(nodes) == {"raw", "t", "w"}
    assert set(catalog["sources"]) == {"source.shop.wares.t"}
    assert (nodes["t"]["metadata"]["type"], nodes["w"]["metadata"]["type"]) == ("BASE TABLE", "VIEW")
    assert nodes["t"]["metadata"]["comment"] == "it's all"
    assert [(c["index"], c["name"], c["comment"]) for c in nodes["t"]["columns"].values()] == [(1, "id", "the key"), (2, "v", None)]
    assert all(c["type"] for c in nodes["t"]["columns"].values())
    manifest = json.loads((shop.root / "target" / "manifest.json").read_text(encoding="utf-8"))
    assert "select id" in manifest["nodes"]["model.shop.w"]["compiled_code"]
