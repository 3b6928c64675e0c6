"""How old sources are: what is asked, what is judged, and who is told."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from orchestrator.app.fresh.freshness import sentence
from orchestrator.core.freshness import Limits, Probe, limits
from orchestrator.record.probes import Probes
from tests.projects.conftest import Make, Project

SOURCES = """
version: 2
sources:
  - name: raw
    loaded_at_field: loaded_at
    freshness: {warn_after: {count: 1, period: hour}, error_after: {count: 1, period: day}}
    tables:
      - name: trips
      - name: users
"""


MODEL = {"models/alone.sql": "select 1 as x"}


def loaded(made: Project, **ages: str) -> None:
    """Tables with one row each, so old."""
    made.change("create schema if not exists raw")
    for name, age in ages.items():
        made.change(f"create or replace table raw.{name} as select 1 as id, now()::timestamp - interval '{age}' as loaded_at")


def asked(made: Project, *words: str, code: int = 0) -> dict[str, dict[str, Any]]:
    found = json.loads(made.orc("source", "freshness", "--output", "json", *words).exits(code).stdout)
    return {one["source"].split(".", 2)[2]: one for one in found}


def artifact(made: Project) -> dict[str, dict[str, Any]]:
    told = json.loads(made.read("target/sources.json"))
    assert told["metadata"]["dbt_schema_version"] == "https://schemas.getdbt.com/dbt/sources/v3.json"
    return {r["unique_id"].split(".", 2)[2]: r for r in told["results"]}


def test_each_source_is_judged_by_its_limits_and_the_worst_is_the_exit_code(project: Make) -> None:
    made = project({"models/s.yml": SOURCES, **MODEL})
    loaded(made, trips="1 minute", users="2 hours")
    assert {k: v["status"] for k, v in asked(made).items()} == {"raw.trips": "pass", "raw.users": "warn"}
    loaded(made, users="2 days")
    done = made.orc("source", "freshness").exits(1)
    assert "PASS freshness of raw.trips" in done.stderr
    assert "ERROR STALE freshness of raw.users" in done.stderr
    assert "`raw.users` is stale: its newest rows are 2d" in done.stderr
    assert "models/s.yml:8" in done.stderr


def test_sources_json_is_what_readers_of_dbt_s_expect(project: Make) -> None:
    made = project({"models/s.yml": SOURCES, **MODEL})
    loaded(made, trips="30 minutes", users="2 hours")
    asked(made)
    told = artifact(made)
    assert {k: r["status"] for k, r in told.items()} == {"raw.trips": "pass", "raw.users": "warn"}
    trips = told["raw.trips"]
    assert set(trips) == {
        "unique_id", "max_loaded_at", "snapshotted_at", "max_loaded_at_time_ago_in_s", "status", "criteria", "adapter_response", "timing",
        "thread_id", "execution_time",
    }  # fmt: skip
    assert trips["criteria"] == {"warn_after": {"count": 1, "period": "hour"}, "error_after": {"count": 1, "period": "day"}, "filter": None}
    assert 1800 <= trips["max_loaded_at_time_ago_in_s"] < 1900
    age = datetime.fromisoformat(trips["snapshotted_at"]) - datetime.fromisoformat(trips["max_loaded_at"])
    assert age.total_seconds() == pytest.approx(trips["max_loaded_at_time_ago_in_s"])


def test_what_cannot_be_looked_at_is_an_error_of_its_own_and_the_others_are_judged(project: Make) -> None:
    made = project({"models/s.yml": SOURCES, **MODEL})
    loaded(made, trips="1 minute")
    assert {k: v["status"] for k, v in asked(made, code=1).items()} == {"raw.trips": "pass", "raw.users": "runtime error"}
    assert artifact(made)["raw.users"] == {
        "unique_id": "source.p.raw.users", "error": "Table with name users does not exist!", "status": "runtime error",
    }  # fmt: skip


def test_a_source_without_rows_is_as_stale_as_can_be(project: Make) -> None:
    made = project({"models/s.yml": SOURCES, **MODEL})
    loaded(made, trips="1 minute", users="1 minute")
    made.change("delete from raw.users")
    assert asked(made, code=1)["raw.users"]["status"] == "error"
    assert artifact(made)["raw.users"]["max_loaded_at"] == "0001-01-01T00:00:00.000000Z"


def test_a_table_may_say_otherwise_than_its_source(project: Make) -> None:
    tables = """
      - {name: strict, freshness: {warn_after: {count: 1, period: minute}, error_after: {count: 10, period: minute}}}
      - {name: hours, freshness: {error_after: {count: 2, period: day}}}
      - {name: unlimited, freshness: null}
      - {name: asked, loaded_at_query: "select max(loaded_at) + interval 2 hour from {{ this }}"}
      - {name: filtered, freshness: {filter: id > 1}}
      - {name: days, loaded_at_field: "cast(loaded_at as date)", freshness: {warn_after: null, error_after: {count: 30, period: day}}}
"""
    made = project({"models/s.yml": SOURCES[: SOURCES.index("      - name: trips")] + tables, **MODEL})
    loaded(made, strict="1 hour", hours="2 hours", unlimited="1 year", asked="2 hours", filtered="1 minute", days="1 hour")
    found = asked(made, code=1)
    assert {k.partition(".")[2]: v["status"] for k, v in found.items()} == {
        "strict": "error", "hours": "warn", "asked": "pass", "filtered": "error", "days": "pass",
    }  # fmt: skip
    assert found["raw.hours"]["error_after"] == 2 * 86_400
    assert {v["method"] for v in found.values()} == {"field", "query"}


def test_only_what_was_selected_is_looked_at(project: Make) -> None:
    made = project({"models/s.yml": SOURCES, "models/m.sql": "select * from {{ source('raw', 'users') }}"})
    loaded(made, trips="2 days", users="1 minute")
    assert list(asked(made, "-s", "source:raw.users")) == ["raw.users"]
    assert list(asked(made, "-s", "+m")) == ["raw.users"]
    assert "Nothing to do" in made.orc("source", "freshness", "-s", "m").exits(0).stderr


def test_an_engine_that_keeps_no_times_wants_a_field(project: Make) -> None:
    made = project({"models/s.yml": SOURCES.replace("    loaded_at_field: loaded_at\n", ""), **MODEL})
    loaded(made, trips="1 minute", users="1 minute")
    said = made.orc("source", "freshness").exits(1).stderr
    assert "error[X370]: duckdb does not say when `warehouse.raw.trips` changed last" in said
    assert "`loaded_at_field` is the column" in said


def test_a_file_that_is_attached_changed_when_it_was_written(project: Make) -> None:
    import duckdb

    profile = "p: {target: dev, outputs: {dev: {type: duckdb, path: warehouse.duckdb, attach: [{path: loader.duckdb, alias: loader, read_only: true}]}}}"
    made = project(
        {
            **MODEL,
            "profiles.yml": profile,
            "models/s.yml": """
                sources: [{name: raw, database: loader, schema: main, freshness: {error_after: {count: 1, period: hour}}, tables: [{name: trips}]}]
                """,
        }
    )
    with duckdb.connect(str(made.root / "loader.duckdb")) as connection:
        connection.execute("create table trips as select 1 as id")
    before = asked(made)["raw.trips"]
    assert (before["status"], before["method"]) == ("pass", "metadata")
    assert asked(made)["raw.trips"]["version"] == before["version"]
    with duckdb.connect(str(made.root / "loader.duckdb")) as connection:
        connection.execute("insert into trips values (2)")
    assert asked(made)["raw.trips"]["version"] != before["version"]


def test_what_is_no_time_is_said_so(project: Make) -> None:
    made = project({"models/s.yml": SOURCES.replace("loaded_at_field: loaded_at", "loaded_at_field: id"), **MODEL})
    loaded(made, trips="1 minute", users="1 minute")
    assert "error[X371]: `loaded_at_field` is of the type int" in made.orc("source", "freshness").exits(1).stderr


def test_looks_are_remembered_and_the_run_is_in_history(project: Make) -> None:
    made = project({"models/s.yml": SOURCES, **MODEL})
    loaded(made, trips="1 minute", users="2 days")
    asked(made, code=1)
    kept = Probes(made.root / ".orchestrator/state.db").latest("dev")
    assert list(kept) == ["source.p.raw.trips", "source.p.raw.users"]
    assert (kept["source.p.raw.trips"].version or "").endswith(", 1 rows")
    [run] = json.loads(made.orc("runs", "--output", "json").stdout)
    assert (run["command"], run["status"]) == ("source freshness", "failed")
    assert made.orc("retry").stderr.startswith("Nothing to retry")


def test_dbt_s_selection_of_fresher_sources_reads_it(project: Make) -> None:
    made = project({"models/s.yml": SOURCES, "models/m.sql": "select * from {{ source('raw', 'users') }}"})
    loaded(made, trips="10 minutes", users="10 minutes")
    asked(made)
    made.orc("parse").exits(0)
    for name in ("sources.json", "manifest.json"):
        made.write({f"before/{name}": made.read(f"target/{name}")})
    loaded(made, users="1 minute")
    asked(made)
    listed = made.orc("ls", "-s", "source_status:fresher+", "--state", str(made.root / "before"), "--output", "name").exits(0).stdout
    assert set(listed.split()) == {"m", "raw.raw.users"}


def test_ages_in_words() -> None:
    at = datetime.fromisoformat("2026-01-01T12:00:00+00:00")
    one = Probe("s", at, "v", datetime.fromisoformat("2026-01-01T10:30:00+00:00"), "field")
    assert sentence(one, Limits(3600, 7200)) == "its newest rows are 1h30m old, and warn is after 1h"
    assert sentence(Probe("s", at, "no rows", None, "field"), Limits(3600)) == "it has no rows"
    assert limits({"warn_after": {"count": 12, "period": "hour"}, "filter": "x"}) == Limits(43_200.0, None, "x")
