"""Materialized views: refreshed while their query stays, rebuilt when it changes, published only when their tests pass."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.contract.project import Built, Make

MV = "{{ config(materialized='materialized_view'%s) }} select id, v from {{ ref('raw') }}%s"
RAW = {"seeds/raw.csv": "id,v\n1,a\n2,b\n"}
TESTED = "models: [{name: mv, description: the view, columns: [{name: id, description: the key, data_tests: [unique]}]}]\n"


ENGINES_WITH = ["postgres", "bigquery"]
on_postgres = pytest.mark.parametrize("project", ["postgres"], indirect=True)
with_them = pytest.mark.parametrize("project", ENGINES_WITH, indirect=True)


def identity(shop: Built) -> Any:
    """What differs when a relation is another one of the same name."""
    if shop.engine == "postgres":
        return shop.query("select '{mv}'::regclass::oid")
    return catalog(shop, "TABLES", "creation_time")


def descriptions(shop: Built) -> Any:
    if shop.engine == "postgres":
        return shop.query("select obj_description('{mv}'::regclass), col_description('{mv}'::regclass, 1)")[0]
    (said,) = [value for name, value in catalog(shop, "TABLE_OPTIONS", "option_name, option_value") if name == "description"]
    return said.strip('"'), catalog(shop, "COLUMN_FIELD_PATHS", "description")[0][0]


def refreshed(shop: Built) -> Any:
    """What differs when a view was refreshed. On BigQuery its rows do not tell: they are always the query's."""
    if shop.engine == "postgres":
        return shop.query("select count(*) from {mv}")
    return catalog(shop, "MATERIALIZED_VIEWS", "last_refresh_time")


def catalog(shop: Built, view: str, columns: str) -> list[tuple[Any, ...]]:
    return shop.query(f"select {columns} from {{INFORMATION_SCHEMA}}.{view} where table_name = 'mv'")


def test_an_engine_without_them_says_so_before_anything_runs(project: Make) -> None:
    shop = project({**RAW, "models/mv.sql": MV % ("", "")})
    if shop.engine != "duckdb":
        shop.orc("build")
        return
    assert shop.orc("build", code=2) == {}
    assert "error[N302]" in shop.told
    assert "does not exist on duckdb" in shop.told


@with_them
def test_the_same_query_is_refreshed_in_place_and_a_new_one_takes_its_place(project: Make) -> None:
    made = project({**RAW, "models/mv.sql": MV % ("", ""), "models/mv.yml": TESTED})
    made.orc("build")
    first, before = identity(made), refreshed(made)
    found = made.find("mv")
    assert found is not None
    assert found.kind == "materialized_view"
    assert descriptions(made) == ("the view", "the key" if made.engine == "postgres" else None)  # BigQuery has no place for a column's
    made.query("insert into {raw} values (3, 'c')")
    made.orc("run", "-s", "mv")
    assert identity(made) == first
    assert refreshed(made) != before
    assert len(made.query("select * from {mv}")) == 3
    made.write({"models/mv.sql": MV % ("", " where id > 1")})
    made.orc("run", "-s", "mv")
    assert identity(made) != first
    assert len(made.query("select * from {mv}")) == 2
    again = identity(made)
    made.orc("run", "-s", "mv", "--full-refresh")
    assert identity(made) != again
    assert made.find("mv__orc_stage") is None


@with_them
def test_a_failed_check_keeps_the_view_from_being_refreshed(project: Make) -> None:
    made = project({**RAW, "models/mv.sql": MV % ("", ""), "models/mv.yml": TESTED})
    made.orc("build")
    before = refreshed(made)
    made.query("insert into {raw} values (2, 'again')")
    results = made.orc("build", "-s", "mv", code=1)
    assert results["unique_mv_id"]["status"] == "fail"
    assert refreshed(made) == before
    rows = [(1, "a"), (2, "b")]  # BigQuery adds what the tables have by now, whether it was refreshed or not
    assert sorted(made.query("select * from {mv}")) == (rows if made.engine == "postgres" else [*rows[:1], (2, "again"), (2, "b")])
    made.query("delete from {raw} where v = 'again'")
    made.orc("build", "-s", "mv")
    assert refreshed(made) == before if made.engine == "postgres" else refreshed(made) != before
    assert made.find("mv__orc_stage") is None


@with_them
def test_a_failed_check_of_a_new_query_leaves_the_stage_for_inspection(project: Make) -> None:
    made = project({**RAW, "models/mv.sql": MV % ("", ""), "models/mv.yml": TESTED})
    made.orc("build")
    first = identity(made)
    made.write({"models/mv.sql": "{{ config(materialized='materialized_view') }} select 1 as id, v from {{ ref('raw') }}"})
    made.orc("build", "-s", "mv", code=1)
    assert sorted(made.query("select * from {mv}")) == [(1, "a"), (2, "b")]
    assert identity(made) == first
    assert sorted(made.query("select * from {mv__orc_stage}")) == [(1, "a"), (1, "b")]
    made.write({"models/mv.sql": MV % ("", " where id = 2")})
    made.orc("build", "-s", "mv")
    assert made.query("select * from {mv}") == [(2, "b")]


KINDS = (
    "materialized_view",
    "table",
    "view",
    "incremental",
    "materialized_view",
    "view",
    "materialized_view",
    "incremental",
    "materialized_view",
)


@with_them
def test_kinds_change_in_every_direction_under_a_view_that_stays(project: Make) -> None:
    made = project({**RAW, "models/mv.sql": MV % ("", ""), "models/over.sql": "select id from {{ ref('mv') }}"})
    made.orc("build")
    for number, kind in enumerate(KINDS, start=3):
        made.write({"models/mv.sql": f"{{{{ config(materialized='{kind}') }}}} select distinct {number} as id from {{{{ ref('raw') }}}}"})
        made.orc("run", "-s", "mv", "--full-refresh")
        found = made.find("mv")
        assert found is not None
        assert found.kind == kind.replace("incremental", "table")
        assert made.query("select id from {over}") == [(number,)]


INDEXES = "select indexdef from pg_indexes where schemaname = 'wares' and tablename = 'mv' order by indexdef"


@on_postgres
def test_indexes_follow_the_configuration_without_a_rebuild(project: Make) -> None:
    made = project({**RAW, "models/mv.sql": MV % (", indexes=[{'columns': 'id', 'unique': true}]", "")})
    made.orc("build")
    first = identity(made)
    before = made.query(INDEXES)
    assert "UNIQUE INDEX mv_id__orc_" in before[0][0]
    made.query("create index by_hand on {mv} (v)")
    made.orc("run", "-s", "mv")
    assert len(made.query(INDEXES)) == 2
    made.write({"models/mv.sql": MV % (", indexes=[{'columns': ['v', 'id']}, {'columns': 'id', 'type': 'hash'}]", "")})
    made.orc("run", "-s", "mv")
    assert identity(made) == first
    defs = " ".join(d for (d,) in made.query(INDEXES))
    assert "UNIQUE" not in defs
    assert "by_hand" in defs
    assert "(v, id)" in defs
    assert "USING hash (id)" in defs
    now = made.query(INDEXES)
    made.write({"models/mv.sql": MV % (", indexes=[{'columns': ['v', 'id']}, {'columns': 'id', 'type': 'hash'}]", " where id > 0")})
    made.orc("run", "-s", "mv")
    assert identity(made) != first
    assert made.query(INDEXES) == now  # a rebuild has the same


OPTIONS = {
    "postgres": (", indexes=[{'columns': 'id'}]", ", indexes=[{'columns': 'v'}]"),
    "bigquery": (", refresh_interval_minutes=60", ", refresh_interval_minutes=90"),
}


def configured(shop: Built) -> Any:
    found = shop.find("mv")
    return shop.query(INDEXES) if shop.engine == "postgres" else found and found.settings


@with_them
def test_a_changed_configuration_may_be_left_or_refused(project: Make) -> None:
    made = project(RAW)
    old, new = OPTIONS[made.engine]
    made.write({"models/mv.sql": MV % (old, "")}).orc("build")
    before, first, then = configured(made), identity(made), refreshed(made)
    made.query("insert into {raw} values (3, 'c')")
    made.write({"models/mv.sql": MV % (f", on_configuration_change='continue'{new}", "")})
    made.orc("run", "-s", "mv")
    assert "N316" in made.told
    assert (configured(made), identity(made), refreshed(made)) == (before, first, then)
    made.write({"models/mv.sql": MV % (f", on_configuration_change='fail'{new}", "")})
    results = made.orc("run", "-s", "mv", code=1)
    assert "on_configuration_change: fail" in results["mv"]["message"]
    assert (configured(made), identity(made)) == (before, first)
    made.write({"models/mv.sql": MV % (f", on_configuration_change='apply'{new}", "")})
    made.orc("run", "-s", "mv")
    assert configured(made) != before
    assert (identity(made), refreshed(made) != then) == (first, True)
    made.write({"models/mv.sql": MV % (", on_configuration_change='skip'", "")})
    made.orc("run", "-s", "mv", code=2)
    assert "error[N315]" in made.told


@on_postgres
def test_readers_need_not_wait_for_a_refresh_with_a_unique_index(project: Make) -> None:
    slow = "{{ config(materialized='materialized_view', indexes=[{'columns': 'id', 'unique': true}]) }} select id, v, pg_sleep(0.4)::text as s from {{ ref('raw') }}"
    made = project({**RAW, "models/mv.sql": slow})
    made.orc("build")
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            seen.append(made.query("set statement_timeout = '300ms'; select count(*) from {mv}")[0][0])

    made.query("insert into {raw} values (3, 'c')")
    reader = threading.Thread(target=read)
    reader.start()
    made.orc("run", "-s", "mv")
    done.set()
    reader.join()
    assert set(seen) == {2, 3} or set(seen) == {2}
    assert len(made.query("select * from {mv}")) == 3


@with_them
def test_a_contract_holds_a_materialized_view_to_its_columns(project: Make) -> None:
    yml = "models: [{name: mv, config: {contract: {enforced: true}}, columns: [{name: id, data_type: bigint}, {name: v, data_type: %s}]}]\n"
    made = project({**RAW, "models/mv.sql": MV % ("", ""), "models/mv.yml": yml % "text"})
    made.orc("build")
    made.write({"models/mv.yml": yml % "int"})
    assert "data type mismatch" in made.orc("run", "-s", "mv", code=1)["mv"]["message"]


@with_them
def test_a_parent_built_anew_takes_the_materialized_view_along(project: Make) -> None:
    indexed = ", indexes=[{'columns': 'id', 'unique': true}]"
    made = project(RAW)
    made.write({"models/mv.sql": MV % (indexed if made.engine == "postgres" else "", "")}).orc("build")
    made.write({"seeds/raw.csv": "id,v\n5,e\n"})
    made.orc("build")
    assert made.query("select * from {mv}") == [(5, "e")]
    if made.engine == "postgres":
        assert len(made.query(INDEXES)) == 1
