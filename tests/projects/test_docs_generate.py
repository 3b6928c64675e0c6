"""``orc docs generate``: what the warehouse holds, for readers of documentation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project

FILES = {
    "dbt_project.yml": "{name: p, asset-paths: [pictures, nowhere], models: {+persist_docs: {relation: true, columns: true}}}",
    "seeds/raw.csv": "id\n1\n",
    "models/big.sql": "{{ config(materialized='table', schema='marts') }} select id, 'x' as name from {{ ref('raw') }}",
    "models/seen.sql": "select name from {{ ref('big') }}",
    "models/inlined.sql": "{{ config(materialized='ephemeral') }} select 1 as n",
    "models/absent.sql": "select 1 as n",
    "models/s.yml": "models: [{name: big, description: All of them, columns: [{name: id, description: A number}]}]\n"
    "sources: [{name: main, tables: [{name: raw}]}]",
    "pictures/deep/a.txt": "picture",
}


def written(p: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(p.read("target/catalog.json"))
    return found


def test_the_catalog_says_what_is_there(project: Make) -> None:
    p = project(FILES)
    p.orc("build", "--exclude", "absent").exits(0)
    p.orc("docs", "generate").exits(0)
    catalog = written(p)
    assert sorted(catalog) == ["errors", "metadata", "nodes", "sources"]
    assert sorted(catalog["nodes"]) == ["model.p.big", "model.p.seen", "seed.p.raw"]
    assert sorted(catalog["sources"]) == ["source.p.main.raw"]
    big = catalog["nodes"]["model.p.big"]
    assert big["metadata"] == {
        "type": "BASE TABLE", "schema": "main_marts", "name": "big", "database": "warehouse", "comment": "All of them", "owner": None,
    }  # fmt: skip
    assert big["columns"] == {
        "id": {"type": "INTEGER", "index": 1, "name": "id", "comment": "A number"},
        "name": {"type": "VARCHAR", "index": 2, "name": "name", "comment": None},
    }
    assert catalog["nodes"]["model.p.seen"]["metadata"]["type"] == "VIEW"
    assert catalog["metadata"]["dbt_schema_version"].endswith("/catalog/v1.json")


def test_it_compiles_unless_told_not_to_and_copies_assets(project: Make) -> None:
    p = project(FILES)
    p.orc("docs", "generate", "--no-compile").exits(0)
    assert not (p.root / "target" / "manifest.json").exists()
    assert p.read("target/pictures/deep/a.txt") == "picture"
    manifest = p.orc("docs", "generate").exits(0).manifest
    assert manifest["nodes"]["model.p.seen"]["compiled_code"]
    assert written(p)["nodes"] == {}


def test_nothing_to_document_is_no_error(project: Make) -> None:
    p = project({"dbt_project.yml": "{name: p}"})
    p.orc("docs", "generate").exits(0)
    assert (written(p)["nodes"], written(p)["errors"]) == ({}, None)
