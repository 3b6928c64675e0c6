"""Schedules, ticks and launches, wherever the state is kept: in a file or on a server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from orchestrator.adapters.postgres.state import SCHEMA, PostgresState
from orchestrator.core.errors import StoreError
from orchestrator.core.schedule import Decision, Launch, Tick, Watch
from orchestrator.record.timetable import Timetable

AT = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(params=["file", "server"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Timetable, Timetable]]:
    """Two schedulers' views of one state."""
    url = request.getfixturevalue("postgres_url") if request.param == "server" else ""
    place = PostgresState(url) if url else tmp_path / "state.db"
    both = (Timetable(place, pid=1, host="one"), Timetable(place, pid=2, host="two"))
    yield both
    for one in both:
        one.close()
    if url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"drop schema if exists {SCHEMA} cascade".encode())


def fired(minutes: int, launch: str) -> Decision:
    at = AT + timedelta(minutes=minutes)
    tick = Tick("nightly", at, "fired", "due", launch)
    return Decision((tick,), (Launch(launch, "nightly", "tick", at, due=at, vars={"day": "monday"}),), (Watch("nightly", "cron", AT, at),))


def test_of_two_that_fire_one_tick_one_makes_the_launch(pair: tuple[Timetable, Timetable]) -> None:
    one, other = pair
    assert len(one.commit(fired(1, "a"), AT)) == 1
    assert other.commit(fired(1, "b"), AT) == ()
    assert [launch.id for launch in one.launches()] == ["a"]
    assert other.launches()[0].vars == {"day": "monday"}
    assert [t.launch for t in other.ticks("nightly")] == ["a"]
    assert list(one.board().watches) == ["nightly"]


def test_a_launch_is_taken_once_and_ends_once(pair: tuple[Timetable, Timetable]) -> None:
    one, other = pair
    one.commit(fired(1, "a"), AT)
    assert (one.begin("a", "run1", AT), other.begin("a", "run2", AT)) == (True, False)
    found = other.launch("a")
    assert found is not None
    assert (found.status, found.runs, found.attempt) == ("running", ("run1",), 1)
    assert (one.end("a", "passed", AT, code=0), one.end("a", "failed", AT, code=1)) == (True, False)


def test_a_key_that_was_given_before_is_the_same_launch(pair: tuple[Timetable, Timetable]) -> None:
    one, other = pair
    assert one.ask(Launch("a", "nightly", "api", AT), "key").id == "a"
    assert other.ask(Launch("b", "nightly", "api", AT), "key").id == "a"


def test_who_does_not_lead_any_more_writes_nothing(pair: tuple[Timetable, Timetable]) -> None:
    one, other = pair
    first, second = one.lead(AT), other.lead(AT)
    assert second == first + 1
    with pytest.raises(StoreError):
        one.commit(fired(1, "a"), AT, first)
    assert other.launches() == ()
    assert (other.leader() or ())[:3] == ("two", 2, second)


def test_pauses_last(pair: tuple[Timetable, Timetable]) -> None:
    one, other = pair
    one.pause("nightly", "cron", AT, "ann")
    assert other.board().watches["nightly"].paused == AT
    assert (other.resume("nightly"), one.resume("nightly")) == (True, False)
