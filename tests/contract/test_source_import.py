"""`orc source import` on every engine: columns and types in the engine's words, comments, and nothing that the project builds."""

from __future__ import annotations

import json
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


def test_a_run_sees_the_columns_of_what_no_sql_tells(shop: Shop) -> None:
    python = "def model(ctx):\n    return ctx.ref('raw').df()\n"
    shop.write({"seeds/raw.csv": "id,v\n1,a\n", "models/frame.py": python, "models/m.sql": "select id from raw"}).orc("build")
    (file,) = (shop.root / ".orchestrator" / "observed").iterdir()
    seen = {name: [tuple(c) for c in columns] for _, _, name, columns in json.loads(file.read_text(encoding="utf-8"))["relations"]}
    with shop.session() as (_, connection):
        wanted = {name: list(connection.columns(shop.relation(name))) for name in ("raw", "frame")}
    assert seen == wanted
