"""Alerts of whole runs, heard by a receiver on this machine: checks 0.19, 1.6, 4.4, 4.24 and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.orchestration.mailbox import Sink, sink
from tests.projects.conftest import ROOT, Make, Project

FLAKY = """
    import os
    from pathlib import Path

    def model(ctx):
        tries = Path(os.environ["TRIES"])
        tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
        print("looking for trips")
        if len(tries.read_text()) <= int(os.environ.get("FLAKY", "0")):
            raise ConnectionError("nobody there")
        if os.environ.get("BREAK") == "core_trips":
            raise ValueError("broken on purpose")
        return ctx.ref("stg_trips").df()
"""
RIDES = {
    "models/stg_trips.sql": "{{ config(materialized='table') }} select * from (values (1, {{ env_var('FARE', '10') }}), (2, 20)) as t (id, fare)",
    "models/core_trips.py": FLAKY,
    "models/mart_earnings.sql": "select sum(fare) as fare from core_trips",
    "models/schema.yml": "models: [{name: core_trips, config: {retries: {count: 2, delay: 0s}}, columns: [{name: fare, data_tests: [{dbt_utils.accepted_range: {arguments: {min_value: 0}}}]}]}]",
}


@pytest.fixture
def receiver() -> Iterator[Sink]:
    with sink() as found:
        yield found


def alerting(url: str, on: str, **more: str) -> str:
    rest = "".join(f"\n    {key}: {value}" for key, value in more.items())
    return f"base_url: http://127.0.0.1:8080\nalerts:\n  - name: oncall\n    on: [{on}]\n    to: {url}{rest}\n"


@pytest.fixture
def rides(project: Make, receiver: Sink, tmp_path: object) -> Project:
    made = project({**RIDES, "alerts.yml": alerting(receiver.url, "node_failed, node_retried")})
    made.environment["TRIES"] = str(made.root / "tries")
    return made


def test_0_19_a_retry_is_told_and_a_failure_once_after_the_last_attempt(rides: Project, receiver: Sink) -> None:
    rides.orc("build", env={"FLAKY": "1"}).exits(0)
    assert receiver.events == ["node_retried"]
    rides.remove("tries")
    rides.orc("build", env={"BREAK": "core_trips"}).exits(1)
    assert receiver.events == ["node_retried", "node_failed"]
    for letter, error in zip((r.json for r in receiver.requests), ("nobody there", "broken on purpose"), strict=True):
        assert letter["link"] == f"http://127.0.0.1:8080/runs/{letter['run']}"
        assert error in letter["error"]
        assert any("looking for trips" in line for line in letter["log"])
    assert "skipped because of it: mart_earnings" in receiver.requests[1].json["text"]
    assert "models/core_trips.py:11" in receiver.requests[1].json["text"]


def test_1_6_a_gate_that_fails_is_told_and_its_end(rides: Project, receiver: Sink) -> None:
    rides.remove("models/core_trips.py")
    rides.write(
        {
            "alerts.yml": alerting(receiver.url, "gate_failed"),
            "models/core_trips.sql": "{{ config(materialized='table') }} select * from stg_trips",
        }
    )
    rides.orc("build").exits(0)
    rides.orc("build", env={"FARE": "-1"}).exits(1)
    [letter] = receiver.of("gate_failed")
    assert "accepted_range" in letter["error"]
    rides.orc("build", env={"FARE": "-1"}).exits(1)
    rides.orc("build").exits(0)
    assert receiver.events == ["gate_failed", "recovered"]


def test_4_4_a_run_that_dies_before_any_node_starts_is_told(rides: Project, receiver: Sink) -> None:
    rides.write({"alerts.yml": alerting(receiver.url, "run_failed")})
    rides.write(
        {
            "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: /proc/nowhere/x.duckdb}}}\n",
            "pyproject.toml": "[tool.orchestrator]\nname = 'shop'\nprofile = 'shop'\n",
        }
    )
    rides.orc("build").exits(2)
    rides.remove("profiles.yml", "pyproject.toml")
    rides.write({"models/mart_earnings.sql": "select {{ nothing_like_that() }}"})
    rides.orc("run").exits(2)
    assert [letter["title"] for letter in receiver.of("run_failed")] == ["orc build failed", "orc run failed"]
    assert "/proc/nowhere" in receiver.requests[0].json["text"]
    assert "nothing_like_that" in receiver.requests[1].json["text"]
    assert "models/mart_earnings.sql:1" in receiver.requests[1].json["text"]
    rides.write(RIDES)
    rides.orc("build").exits(0)
    assert receiver.events == ["run_failed", "run_failed", "recovered"]


def test_4_24_the_log_of_a_letter_holds_no_secret(rides: Project, receiver: Sink) -> None:
    rides.write(
        {"models/stg_trips.sql": "{{ log(env_var('DBT_ENV_SECRET_KEY', ''), info=true) }}{{ log('reading', info=true) }} select nothing"}
    )
    rides.orc("build", env={"DBT_ENV_SECRET_KEY": "hunter2hunter2"}).exits(2)
    rides.write(
        {"models/stg_trips.sql": "{{ log('key is hunter2hunter2', info=true) }} select nothing as x from information_schema.tables"}
    )
    rides.orc("build", env={"DBT_ENV_SECRET_KEY": "hunter2hunter2"}).exits(1)
    [letter] = receiver.of("node_failed")
    assert b"hunter2" not in receiver.requests[0].body
    assert any("START sql view model" in line for line in letter["log"])


def test_a_receiver_that_is_away_fails_no_run_and_hears_later(rides: Project, receiver: Sink) -> None:
    receiver.answers = [503, 200]
    found = rides.orc("build", env={"BREAK": "core_trips"}).exits(1)
    assert "has not arrived: the receiver says 503" in found.stderr
    rides.orc("alerts", "send").exits(0)  # not before its time
    assert len(receiver.requests) == 1
    import sqlite3

    with sqlite3.connect(rides.root / ".orchestrator" / "state.db") as connection:
        connection.execute("update outbox set due = '2026-01-01T00:00:00.000000+00:00'")
    connection.close()
    assert "1 sent, 0 not" in rides.orc("alerts", "send").exits(0).stderr
    first, second = receiver.requests
    assert first.json["id"] == second.json["id"]


def test_rules_that_cannot_be_read_are_said_and_fail_no_run(rides: Project, receiver: Sink) -> None:
    rides.write({"alerts.yml": "alerts:\n  - name: oncall\n    onn: [node_failed]\n    to: json://x\n"})
    found = rides.orc("build").exits(0)
    assert "U096" in found.stderr
    assert "alerts.yml:3" in found.stderr
    assert "U096" in rides.orc("alerts", "list").exits(2).stderr


def test_who_selects_hears_of_what_is_selected(rides: Project, receiver: Sink) -> None:
    rides.write({"alerts.yml": alerting(receiver.url, "node_failed", where="{select: [mart_earnings]}")})
    rides.orc("build", env={"BREAK": "core_trips"}).exits(1)
    assert [letter["title"] for letter in receiver.of("node_failed")] == ["core_trips failed (dev)"]
    rides.write({"alerts.yml": alerting(receiver.url, "node_failed", where="{select: [stg_trips]}")})
    rides.orc("build", env={"BREAK": "core_trips"}).exits(1)
    assert len(receiver.requests) == 1


def test_4_21_the_command_tries_a_rule_and_lists_what_was_sent(rides: Project, receiver: Sink) -> None:
    assert "json://…  delivered" in rides.orc("alerts", "test", "oncall").exits(0).stdout
    assert receiver.events == ["test"]
    receiver.answers = [401]
    assert "the receiver says 401" in rides.orc("alerts", "test", "oncall").exits(1).stdout
    assert "U098" in rides.orc("alerts", "test", "nobody").exits(2).stderr
    rides.orc("build", env={"BREAK": "core_trips"}).exits(1)
    listed = rides.orc("alerts", "list").exits(0).stdout
    for word in ("oncall", "core_trips failed (dev)", "waiting", "the receiver says 401", "model."):
        assert word in listed
    import json

    told = json.loads(rides.orc("alerts", "list", "--output", "json").exits(0).stdout)
    assert [letter["event"] for letter in told["letters"]] == ["node_failed"]
    assert str(receiver.port) not in listed  # addresses may hold keys


def test_a_project_without_rules_makes_no_outbox(project: Make) -> None:
    made = project({"models/a.sql": "select 1 as x"})
    made.orc("build").exits(0)
    assert "no rules" in made.orc("alerts", "list").exits(0).stderr


def test_a_run_of_a_schedule_that_dies_at_once_is_told_once(rides: Project, receiver: Sink) -> None:
    rides.write(
        {
            "alerts.yml": alerting(receiver.url, "run_failed"),
            "schedules.yml": "schedules: {nightly: {cron: '0 2 * * *', select: stg_trips}}\n",
        }
    )
    rides.write({"models/stg_trips.sql": "select {{ nothing_like_that() }}"})
    there = {"PYTHONPATH": str(ROOT)}
    rides.orc("schedule", "run", "nightly", env=there).exits(2)
    [letter] = receiver.of("run_failed")
    assert letter["title"] == "nightly failed"
    assert "nothing_like_that" in letter["text"]
    rides.write(RIDES)
    rides.orc("schedule", "run", "nightly", env=there).exits(0)
    assert receiver.events == ["run_failed", "recovered"]


def test_3_3_a_source_that_is_too_old_is_told_and_its_end(project: Make, receiver: Sink) -> None:
    made = project(
        {
            "pyproject.toml": "[tool.orchestrator]\nname = 'p'\non-run-start = [\"create table if not exists trips as select {{ env_var('AT') }} as loaded\"]\n",
            "models/a.sql": "select * from {{ source('raw', 'trips') }}",
            "models/s.yml": """
                sources:
                  - name: raw
                    schema: main
                    tables:
                      - name: trips
                        loaded_at_field: loaded
                        config: {freshness: {error_after: {count: 2, period: hour}}}
            """,
            "alerts.yml": alerting(receiver.url, "freshness_breached, run_succeeded"),
        }
    )
    made.orc("build", env={"AT": "now()::timestamp - interval 3 hour"}).exits(0)
    made.orc("source", "freshness").exits(1)
    [letter] = receiver.of("freshness_breached")
    assert letter["title"] == "raw.trips is stale (dev)"
    assert "its newest rows are 3h" in letter["text"]
    import duckdb

    with duckdb.connect(str(made.root / "warehouse.duckdb")) as connection:
        connection.execute("update trips set loaded = now()::timestamp")
    made.orc("source", "freshness").exits(0)
    assert sorted(receiver.events) == ["freshness_breached", "recovered", "run_succeeded", "run_succeeded"]


def test_a_run_beside_production_is_nobodys_emergency_and_nobodys_new_data(project: Make, receiver: Sink) -> None:
    made = project(
        {
            "models/a.sql": f"{{{{ config(materialized='table', on_success={{'to': '{receiver.url}'}}) }}}} select 1 as x",
            "models/b.sql": "{{ config(on_failure={'command': 'touch paged'}) }} select nothing as x from (select 1 as y)",
            "alerts.yml": alerting(receiver.url, "node_failed, run_failed"),
        }
    )
    made.orc("build", "--environment", "pr_7").exits(1)
    assert (receiver.requests, (made.root / "paged").exists()) == ([], False)
    made.orc("build").exits(1)
    assert sorted(receiver.events) == ["exposure_updated", "run_failed"]
    assert (made.root / "paged").exists()


def test_a_run_from_python_alerts_too(rides: Project, receiver: Sink) -> None:
    from orchestrator.api import Project as Api

    rides.write({"models/stg_trips.sql": "select nothing as x from (select 1 as y)"})
    env = {**rides.environment, "PORT": str(receiver.port)}
    rides.write({"alerts.yml": alerting("\"json://127.0.0.1:{{ env_var('PORT') }}\"", "node_failed")})
    assert not Api(rides.root, env=env).run("stg_trips").ok
    assert receiver.events == ["node_failed"]


def test_a_backfill_that_fails_alerts_too(rides: Project, receiver: Sink) -> None:
    config = "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day', batch_size='day', begin='2026-01-01') }}"
    rides.write({"models/by_day.sql": f"{config} select nothing as x, timestamp '2026-01-01 10:00' as day from (select 1 as y)"})
    rides.orc("backfill", "by_day", "--start", "2026-01-01", "--end", "2026-01-02").exits(1)
    assert receiver.events == ["node_failed"]
