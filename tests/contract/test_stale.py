"""Freshness on each engine: sources looked at, versions kept beside the data, nothing built twice."""

from __future__ import annotations

import json

from orchestrator.adapters.ansi import LEDGER
from orchestrator.core.freshness import made
from tests.contract.shop import Shop
from tests.contract.test_two_runs import TABLE as GATED
from tests.contract.test_two_runs import Shop as Pair
from tests.contract.test_two_runs import ended, until
from tests.contract.test_two_runs import shop as pair

__all__ = ["pair"]

TABLE = "{{ config(materialized='table') }} "
MODELS = {
    "models/stg.sql": "select * from {{ source('raw', 'trips') }}",
    "models/core.sql": TABLE + "select id, v from {{ ref('stg') }}",
    "models/mart.sql": TABLE + "select count(*) as n from {{ ref('core') }}",
    "models/alone.sql": TABLE + "select 1 as x",
    "models/p.yml": "models: [{name: core, columns: [{name: id, data_tests: [unique]}]}]",
}


def trips(shop: Shop, *days: int) -> None:
    """The source's table, one row a day."""
    rows = " union all ".join(f"select {d} as id, 'a' as v, timestamp '2026-01-{d:02} 00:00:00' as loaded_at" for d in days)
    with shop.session() as (warehouse, connection):
        table = shop.relation("trips")
        connection.execute(warehouse.dialect.create_schema(table))
        name = warehouse.dialect.relation(table)
        for sql in (f"create table if not exists {name} as {rows}", f"delete from {name} where true", f"insert into {name} {rows}"):
            connection.execute(sql)


def files(shop: Shop, more: str = "loaded_at_field: loaded_at, ") -> dict[str, str]:
    source = f"sources: [{{name: raw, schema: {shop.target.schema}, tables: [{{{more}name: trips}}]}}]\n"
    return {**MODELS, "models/s.yml": source}


def statuses(shop: Shop, *words: str, code: int = 0) -> dict[str, str]:
    return {name: found["status"] for name, found in shop.orc(*words, code=code).items()}


def test_only_what_is_stale_is_built(shop: Shop) -> None:
    trips(shop, 1)
    shop.write(files(shop))
    statuses(shop, "build", "--stale")
    assert set(statuses(shop, "build", "--stale").values()) == {"reused"}
    trips(shop, 1, 2)
    found = statuses(shop, "run", "--stale")
    assert found == {"stg": "success", "core": "success", "mart": "success", "alone": "reused", "unique_core_id": "pass"}
    assert shop.rows("mart") == [(2,)]
    with shop.session() as (warehouse, _):
        rows = warehouse.snapshot([shop.relation("x")]).ledger
    said = made(rows["model.shop.core"].made)
    assert said is not None
    assert str(said.data_time) == "2026-01-02 00:00:00+00:00"
    assert len(said.gates) == 1


def test_equal_rows_stop_a_build_where_comparing_them_costs_nothing(shop: Shop) -> None:
    trips(shop, 1)
    shop.write(files(shop))
    statuses(shop, "run", "--stale")
    shop.write({"models/core.sql": TABLE + "select id, lower(v) as v from {{ ref('stg') }}"})
    found = statuses(shop, "run", "--stale")
    assert (found["core"], found["mart"]) == ("success", "success" if shop.engine == "bigquery" else "reused")
    shop.write({"models/core.sql": TABLE + "select id, upper(v) as v from {{ ref('stg') }}"})
    assert statuses(shop, "run", "--stale")["core"] == "success"
    assert set(statuses(shop, "run", "--stale").values()) == {"reused"}


def test_a_ledger_of_an_older_version_is_read_and_widened(shop: Shop) -> None:
    shop.write({"models/alone.sql": MODELS["models/alone.sql"]})
    statuses(shop, "run")
    with shop.session() as (warehouse, connection):
        connection.execute(f"alter table {warehouse.dialect.relation(LEDGER)} drop column {warehouse.dialect.quote('made')}")
    assert statuses(shop, "run", "--stale") == {"alone": "success"}
    assert statuses(shop, "run", "--stale") == {"alone": "reused"}


def test_a_source_is_as_old_as_its_newest_row(shop: Shop) -> None:
    trips(shop, 1)
    shop.write(files(shop, "loaded_at_field: loaded_at, freshness: {error_after: {count: 1, period: hour}}, "))
    shop.orc("source", "freshness", code=1)
    [found] = json.loads((shop.root / "target/sources.json").read_text())["results"]
    assert (found["status"], found["max_loaded_at"]) == ("error", "2026-01-01T00:00:00.000000Z")


def test_what_the_engine_knows_of_a_table_by_itself(shop: Shop) -> None:
    trips(shop, 1)
    shop.write(files(shop, "freshness: {error_after: {count: 1, period: hour}}, "))
    keeps = shop.engine == "bigquery"
    shop.orc("source", "freshness", code=0 if keeps else 1)
    [found] = json.loads((shop.root / "target/sources.json").read_text())["results"]
    assert found["status"] == ("pass" if keeps else "runtime error")
    if keeps:
        statuses(shop, "run", "--stale")
        assert set(statuses(shop, "run", "--stale").values()) == {"reused"}
        trips(shop, 1, 2)
        assert statuses(shop, "run", "--stale")["core"] == "success"


def test_1_8_a_model_that_two_runs_want_is_built_once(pair: Pair) -> None:
    """The second waits for the first, finds its work to be what it would have done, and reuses it."""
    pair.write(shared=GATED.replace("{{ var('who', 'nobody') }}", "both"), below="select * from {{ ref('shared') }}")
    with pair.closed():
        first = pair.start("build", "--stale")
        until(pair.stands)
        second = pair.start("build", "--stale")
        pair.waits(second)
    ended(first)
    said = ended(second)
    assert "REUSED=2" in said, said
    runs = json.loads(pair.orc("runs", "--output", "json"))
    assert sorted(sum(r["counts"].values()) for r in runs) == [2, 2]
    assert {tuple(sorted(r["counts"])) for r in runs} == {("passed",), ("reused",)}
