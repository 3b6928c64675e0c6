"""Schedules whose state is on a Postgres server: the same rows, and a lock that the server takes back."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg

from orchestrator.adapters.postgres.state import PostgresState
from orchestrator.core.schedule import Schedule
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.decide import decide
from orchestrator.schedule.spec import Spec

if TYPE_CHECKING:
    from tests.orchestration.rides import Rides

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_lock_is_had_by_one_and_ends_with_its_session(own_postgres: str) -> None:
    first, second = PostgresState(own_postgres).leading(), PostgresState(own_postgres).leading()
    assert first.take()
    assert first.take()
    assert not second.take()
    with psycopg.connect(own_postgres, autocommit=True) as admin:
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'orc serve'")
    deadline = time.monotonic() + 10
    while not second.take():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not first.take()
    second.leave()
    assert first.take()
    first.leave()


def test_a_tick_that_two_schedulers_decide_is_fired_by_one(own_postgres: str) -> None:
    spec = Spec({"s": Schedule("s", cron="@hourly", vars={"day": "x"}), "t": Schedule("t", after=("s",))})
    one, two = (Timetable(PostgresState(own_postgres), pid=n, host=f"h{n}") for n in (1, 2))
    try:
        one.commit(decide(spec, one.board(), NOW), NOW)
        later = NOW + timedelta(hours=1)
        seen = decide(spec, one.board(), later), decide(spec, two.board(), later)
        assert [t.status for t in one.commit(seen[0], later)] == ["fired"]
        assert two.commit(seen[1], later) == ()
        (launch,) = two.launches("s")
        assert (launch.vars, launch.due) == ({"day": "x"}, later)
        assert [table.begin(launch.id, "r", later) for table in (one, two)] == [True, False]
        one.process(launch.id, 7)
        assert two.hand_over(launch.id, "gone")
        assert two.begin(launch.id, "r2", later)
        assert two.end(launch.id, "passed", later, code=0)
        (ended,) = one.launches("s")
        assert (ended.status, ended.runs, ended.attempt, ended.host) == ("passed", ("r", "r2"), 2, "h2")
        assert [t.schedule for t in decide(spec, one.board(), later).ticks] == ["t"]
        one.pause("s", spec.schedules["s"].timing, later, "me")
        assert two.board().watches["s"].paused == later
        assert two.resume("s")
        assert two.lead(later) + 1 == one.lead(later)
        assert one.counts()["ticks"] == {("s", "fired"): 1}
        assert [t.at for t in two.ticks()] == [later]
    finally:
        one.close()
        two.close()


def test_a_standby_takes_over_from_a_leader_that_was_killed(rides: Rides, own_postgres: str) -> None:
    rides.variables["ORC_STATE_URL"] = own_postgres
    rides.schedules("schedules: {nightly: {cron: '@yearly'}}\n")
    table = Timetable(PostgresState(own_postgres), pid=1, host="test")
    try:
        leader = rides.start("serve", "--no-http", "--poll", "0.1", SLOW="60")
        rides.until(table.leader)
        rides.orc("schedule", "run", "nightly", "--no-wait")
        rides.until(lambda: "model main.core_trips" in rides.logs())
        rides.start("serve", "--no-http", "--poll", "0.1")
        os.kill(leader.pid, signal.SIGKILL)
        rides.until(lambda: table.launches()[0].over)
        (launch,) = table.launches()
        assert (launch.status, launch.attempt) == ("passed", 2)
        assert rides.rows("select count(*), count(distinct day) from main.mart_earnings") == [(2, 2)]
        assert not (rides.root / ".orchestrator" / "state.db").exists()
    finally:
        table.close()
