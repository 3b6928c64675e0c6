"""1.1 and 4.12: an application hears once that its data is new, when it was built and nothing that tests it failed. 4.9: and not otherwise."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

import pytest

from tests.orchestration.mailbox import Sink, sink
from tests.projects.conftest import Make, Project

RIDES = {
    "models/stg_trips.sql": "{{ config(materialized='table') }} select {{ env_var('BREAK', '1') }} as id, {{ env_var('FARE', '10') }} as fare, timestamp '2026-01-01 10:00' as day",
    "models/mart_earnings.sql": """
        {{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day', batch_size='day', begin='2026-01-01') }}
        select * from {{ ref('stg_trips') }}
    """,
    "models/mart_daily.sql": "select 1 as x",
}
DAYS = ("--event-time-start", "2026-01-01", "--event-time-end", "2026-01-03")


def properties(to: str, more: str = "") -> dict[str, str]:
    return {
        "models/schema.yml": f"""
            models:
              - name: stg_trips
                config: {{event_time: day}}
              - name: mart_earnings
                columns: [{{name: fare, data_tests: [accepted_values: {{arguments: {{values: [10]}}}}]}}]
            exposures:
              - name: accounting
                type: application
                owner: {{name: Ann, email: ann@example.com}}
                url: https://accounting.example
                depends_on: [ref('mart_earnings')]
                config: {{on_success: {{to: "{to}"{more}}}}}
        """
    }


@pytest.fixture
def receiver() -> Iterator[Sink]:
    with sink() as found:
        yield found


@pytest.fixture
def rides(project: Make, receiver: Sink) -> Project:
    return project({**RIDES, **properties(receiver.url)})


def test_1_1_one_event_with_table_interval_and_rows_after_the_tests_passed(rides: Project, receiver: Sink) -> None:
    rides.orc("build", *DAYS).exits(0)
    [event] = [r.json for r in receiver.requests]
    assert (event["event"], event["exposure"], event["target"], event["owner"], event["url"]) == (
        "exposure_updated",
        "accounting",
        "dev",
        {"name": "Ann", "email": "ann@example.com"},
        "https://accounting.example",
    )
    assert (event["table"], event["rows"]) == ("warehouse.main.mart_earnings", 1)
    assert event["interval"] == {"start": "2026-01-01T00:00:00Z", "end": "2026-01-03T00:00:00Z"}
    assert event["tests"] == {"passed": 1, "warned": 0}
    assert len(event["tables"]) == 1
    assert event["run"]
    assert event["id"]


def test_4_9_none_when_a_gate_fails_and_what_was_published_stays(rides: Project, receiver: Sink) -> None:
    rides.orc("build", *DAYS).exits(0)
    rides.orc("build", *DAYS, env={"FARE": "-1"}).exits(1)
    assert len(receiver.requests) == 1
    import duckdb

    with duckdb.connect(str(rides.root / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute("select fare from mart_earnings").fetchall() == [(10,)]


def test_4_9_none_when_something_before_it_fails(rides: Project, receiver: Sink) -> None:
    rides.orc("build", *DAYS, env={"BREAK": "nothing_like_that"}).exits(1)
    assert receiver.requests == []


def test_none_when_the_run_has_nothing_to_do_with_it(rides: Project, receiver: Sink) -> None:
    rides.orc("build", "-s", "mart_daily").exits(0)
    rides.orc("build", "--empty").exits(0)
    assert receiver.requests == []


def test_none_when_tests_that_come_after_fail(rides: Project, receiver: Sink) -> None:
    rides.orc("build", "--no-gates", *DAYS, env={"FARE": "-1"}).exits(1)
    assert receiver.requests == []


def test_it_can_be_signed_and_the_key_is_in_no_byte_we_write(rides: Project, receiver: Sink) -> None:
    rides.write(properties("json://127.0.0.1:" + "{{ env_var('PORT') }}/hook", ", secret: \"{{ env_var('ORC_SECRET_HOOK') }}\""))
    rides.orc("build", *DAYS, env={"PORT": str(receiver.port), "ORC_SECRET_HOOK": "hunter2hunter2"}).exits(0)
    [got] = receiver.requests
    signed = got.headers["x-timestamp"].encode() + b"." + got.body
    assert got.headers["x-signature-256"] == f"sha256={hmac.new(b'hunter2hunter2', signed, hashlib.sha256).hexdigest()}"
    files = [p for folder in (".orchestrator", "target") for p in (rides.root / folder).rglob("*") if p.is_file()]
    assert files
    assert not [p for p in files if b"hunter2" in p.read_bytes()]


def test_only_of_targets_that_count(rides: Project, receiver: Sink) -> None:
    rides.write(properties(receiver.url, ", target: prod"))
    rides.orc("build", *DAYS).exits(0)
    assert receiver.requests == []


def test_an_application_that_is_away_hears_later(rides: Project, receiver: Sink) -> None:
    import sqlite3

    receiver.answers = [503, 200]
    rides.orc("build", *DAYS).exits(0)
    with sqlite3.connect(rides.root / ".orchestrator" / "state.db") as connection:
        connection.execute("update outbox set due = '2026-01-01T00:00:00.000000+00:00'")
    connection.close()
    rides.orc("alerts", "send").exits(0)
    assert [r.json["event"] for r in receiver.requests] == ["exposure_updated"] * 2
    assert receiver.requests[0].json["id"] == receiver.requests[1].json["id"]


def test_a_model_can_say_so_itself(project: Make, receiver: Sink) -> None:
    made = project({"models/a.sql": f"{{{{ config(materialized='table', on_success={{'to': '{receiver.url}'}}) }}}} select 1 as x"})
    made.orc("run").exits(0)
    [event] = [r.json for r in receiver.requests]
    assert (event["exposure"], event["rows"], event["interval"]) == ("a", 1, None)


@pytest.mark.parametrize(("said", "code"), [("{too: json://x}", "U096"), ("json://x", "U095"), ("{secret: x}", "U095")])
def test_what_cannot_be_is_said_and_fails_no_run(project: Make, said: str, code: str) -> None:
    made = project({"models/a.sql": "select 1 as x", "models/a.yml": f"models: [{{name: a, config: {{on_success: {said}}}}}]"})
    found = made.orc("build").exits(0)
    assert code in found.stderr
    assert "no application is told" in found.stderr
