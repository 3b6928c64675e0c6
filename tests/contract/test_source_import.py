"""`orc source import` on every engine: columns and types in the engine's words, comments, and nothing that the project builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.core.names import Relation
from orchestrator.load.yaml import read_text

if TYPE_CHECKING:
    from tests.contract.shop import Shop


def test_tables_that_are_there_become_sources(shop: Shop) -> None:
    shop.write({"models/m.sql": "{{ config(materialized='table') }} select 1 as id"}).orc("run")
    with shop.session() as (warehouse, connection):
        dialect = warehouse.dialect
        relation = shop.relation("Wares 2")
        landing = Relation(relation.database, relation.schema, "landed")
        made = "select 1 as id, 'x' as " + dialect.quote("Full Name") + ", cast('2026-01-01' as date) as day"
        for sql in (
            dialect.create_table(landing, made, {}),
            *dialect.comment(landing, "table", "as it came", {"id": "the key"}),
            dialect.create_view(relation, f"select id from {dialect.relation(landing)}", {}),
        ):
            connection.execute(sql)
        columns = dict(connection.columns(landing))
    schema = str(relation.schema)
    shop.orc("source", "import", "raw", "--schema", schema, "--output", "models/sources.yml")
    (source,) = read_text("sources.yml", (shop.root / "models/sources.yml").read_text(encoding="utf-8")).data["sources"]
    tables = {table["name"]: table for table in source["tables"]}
    assert (source["name"], source["schema"], sorted(tables)) == ("raw", schema, ["Wares 2", "landed"])
    assert tables["landed"]["description"] == "as it came"
    assert {c["name"]: c["data_type"] for c in tables["landed"]["columns"]} == columns
    assert {c["name"] for c in tables["landed"]["columns"] if c.get("quote")} == {"Full Name"}
    assert tables["landed"]["columns"][0]["description"] == "the key"
    shop.write({"models/n.sql": "select id, day from {{ source('raw', 'landed') }}"}).orc("run", "-s", "n")
    assert shop.columns("n") == ["id", "day"]
