"""What is known of one model, told without the warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

FILES = {
    "models/all.yml": """
        version: 2
        sources:
          - name: raw
            tables:
              - name: trips
                columns: [{name: id, data_type: integer}, {name: seen, data_type: timestamp}]
                config: {loaded_at_field: seen, freshness: {warn_after: {count: 1, period: hour}, error_after: {count: 100000, period: day}}}
        models:
          - name: core
            config: {meta: {owner: Ann}}
            columns: [{name: trip, data_tests: [not_null]}, {name: seen, data_tests: [unique]}]
        """,
    "models/stg.sql": "{{ config(materialized='view') }} select id as trip, seen from raw.trips",
    "models/core.sql": "{{ config(materialized='table') }} select trip, seen from stg",
}


def test_4_17_an_asset_knows_its_lineage_age_and_tests(project: Callable[..., Any]) -> None:
    made = project(FILES)
    made.change("create schema raw; create table raw.trips as select 1 as id, timestamp '2026-01-01 10:00:00' as seen")

    def asked() -> dict[str, Any]:
        return json.loads(made.orc("asset", "core", "--output", "json").exits(0).stdout)  # type: ignore[no-any-return]

    before = asked()
    assert (before["data_time"], before["lag"], before["freshness_status"], before["runs"]) == (None, None, None, [])
    assert [t["last_status"] for t in before["tests"]] == [None, None]
    made.orc("build").exits(0)
    assert asked()["data_time"] is None, "nobody had looked at the source when it was read"
    made.orc("source", "freshness").exits(0)
    assert asked()["data_time"] is None, "a look after it was read says nothing of what was read"
    made.orc("build", "--full-refresh").exits(0)
    found = asked()
    assert found["data_time"].startswith("2026-01-01T10:00:00")
    assert found["lag"] > 3600
    assert found["freshness_status"] == "warn"
    assert [up.rpartition(".")[2] for up in found["upstream"]] == ["stg"]
    (trip, _) = found["columns"]
    assert [(h["from"]["node"].partition(".")[0], h["from"]["column"]) for h in trip["lineage"]] == [("model", "trip"), ("source", "id")]
    assert {(t["column"], t["last_status"]) for t in found["tests"]} == {("trip", "pass"), ("seen", "pass")}
    assert (found["owner"], len(found["runs"])) == ("Ann", 2)
    made.change("insert into raw.trips values (2, timestamp '2026-01-01 11:00:00')")
    made.orc("source", "freshness").exits(0)
    later = asked()
    assert later["data_time"] == found["data_time"], "newer rows are not in the model yet"
    told = made.orc("asset", "core").exits(0).stdout
    assert "freshness  warn" in told
    assert "  trip  " in told
    assert "raw.trips.id" in told


def test_4_17_an_unknown_asset_is_named_right(project: Callable[..., Any]) -> None:
    told = project(FILES).orc("asset", "cor").exits(2).stderr
    assert "U080" in told
    assert "did you mean `core`?" in told
