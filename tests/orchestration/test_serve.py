"""`orc serve` as a process: leaders that die, standbys that take over, ends in good order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.orchestration.rides import Rides

SOON = "schedules: {nightly: {cron: '0 2 * * *', catch_up_window: 2d}}\n"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"


BEGAN = "model main.core_trips"


def test_0_17_recovery_after_kill_9_of_the_leader_in_the_middle_of_a_model(rides: Rides) -> None:
    """The standby goes on within ten seconds: what succeeded is not built again, nothing is there twice."""
    rides.schedules(SOON)
    leader = rides.start("serve", "--no-http", "--poll", "0.1", SLOW="60")
    rides.until((rides.root / ".orchestrator" / "serve.lock").exists)
    rides.orc("schedule", "run", "nightly", "--no-wait")
    standby = rides.start("serve", "--no-http", "--poll", "0.1", SLOW="0")
    rides.until(lambda: BEGAN in rides.logs())
    (before,) = rides.launches()
    rides.until(lambda: len(rides.history().results(before.runs[0])) == 2)
    os.kill(leader.pid, signal.SIGKILL)
    killed = time.monotonic()
    rides.until(lambda: rides.launches()[0].attempt == 2)
    assert time.monotonic() - killed < 10
    assert not alive(before.pid)
    rides.until(lambda: rides.launches()[0].over)
    (after,) = rides.launches()
    assert (after.status, after.code, after.attempt) == ("passed", 0, 2)
    first, second = after.runs
    history = rides.history()
    assert {r.node.split(".")[-1]: r.status.value for r in history.results(first)} == {"stg_trips": "passed", "mart_daily": "passed"}
    assert {r.node.split(".")[-1]: r.status.value for r in history.results(second)} == {
        "stg_trips": "reused",
        "mart_daily": "reused",
        "core_trips": "passed",
        "mart_earnings": "passed",
    }
    assert rides.rows("select count(*), count(distinct day) from main.mart_earnings") == [(2, 2)]
    assert len({r.id for r in history.runs()}) == 2
    os.kill(standby.pid, signal.SIGTERM)
    assert standby.wait(20) == 0


def test_what_was_published_is_not_built_again_though_history_forgot_it(rides: Rides) -> None:
    """A killed process loses its last moments of history; the ledger in the warehouse knows better."""
    import sqlite3

    rides.schedules(SOON)
    rides.orc("build")
    run = rides.history().runs()[0].id
    with sqlite3.connect(rides.root / ".orchestrator" / "state.db") as connection:
        connection.execute("delete from results where run = ?", (run,))
        connection.execute("update runs set status = 'interrupted', finished = null where id = ?", (run,))
    order: dict[str, object] = {"words": ["build"], "shared": [], "run": "again", "before": [run], "when": None, "vars": "{}", "told": {}}
    script = f"from orchestrator.cli.launching import launching; import contextlib; raise SystemExit(launching({order!r}, contextlib.nullcontext))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=rides.root, env=rides.env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert rides.rows("select count(*) from main.mart_earnings") == [(2,)]


def test_only_one_leads_and_a_tick_of_two_daemons_runs_once(rides: Rides) -> None:
    rides.schedules("schedules: {often: {cron: '* * * * *', select: mart_daily}}\n")
    rides.orc("schedule", "--once", "--since", "1m")
    for _ in range(2):
        rides.orc("schedule", "--once")
    assert len(rides.ticks("often")) == len({t.at for t in rides.ticks("often")})
    assert len(rides.launches("often")) == sum(t.status == "fired" for t in rides.ticks("often"))


def test_1_20_a_daemon_that_is_asked_to_stop_lets_its_runs_end(rides: Rides) -> None:
    rides.schedules(SOON)
    daemon = rides.start("serve", "--no-http", "--poll", "0.1", SLOW="2")
    rides.until((rides.root / ".orchestrator" / "serve.lock").exists)
    rides.orc("schedule", "run", "nightly", "--no-wait")
    rides.until(lambda: BEGAN in rides.logs())
    daemon.send_signal(signal.SIGTERM)
    said, _ = daemon.communicate(timeout=30)
    assert daemon.returncode == 0
    assert "nothing new begins" in said
    assert [each.status for each in rides.launches()] == ["passed"]


def test_1_20_what_does_not_end_in_time_goes_on_under_the_next_daemon(rides: Rides) -> None:
    rides.schedules(SOON + "drain_timeout: 0s\n")
    daemon = rides.start("serve", "--no-http", "--poll", "0.1", SLOW="60")
    rides.until((rides.root / ".orchestrator" / "serve.lock").exists)
    rides.orc("schedule", "run", "nightly", "--no-wait")
    rides.until(lambda: BEGAN in rides.logs())
    daemon.send_signal(signal.SIGTERM)
    daemon.communicate(timeout=30)
    assert [(each.status, each.attempt) for each in rides.launches()] == [("queued", 1)]
    rides.start("serve", "--no-http", "--poll", "0.1")
    rides.until(lambda: rides.launches()[0].over)
    (after,) = rides.launches()
    assert (after.status, after.attempt) == ("passed", 2)
    assert rides.rows("select count(*) from main.mart_earnings") == [(2,)]


def test_a_run_that_takes_too_long_is_ended_and_says_so(rides: Rides) -> None:
    rides.schedules("schedules: {nightly: {cron: '@yearly', timeout: 3s}}\n")
    rides.orc("schedule", "run", "nightly", code=1, SLOW="60")
    (launch,) = rides.launches()
    assert launch.status == "timed_out"
    assert "timeout of 3s" in launch.reason


def test_a_failure_is_the_worst_exit_code_and_stops_what_follows(rides: Rides) -> None:
    rides.schedules(
        "schedules:\n  often: {cron: '* * * * *'}\n  after_often: {after: often}\n  on_trouble: {after: often, on: failure, select: mart_daily}\n"
    )
    rides.orc("schedule", "--once", "--since", "1m", code=1, BREAK="core_trips")
    assert {each.schedule: each.status for each in rides.launches()} == {"often": "failed", "on_trouble": "passed"}


def test_schedules_are_read_again_when_their_file_changes_and_a_broken_file_changes_nothing(rides: Rides) -> None:
    rides.schedules("schedules: {}\n")
    daemon = rides.start("serve", "--no-http", "--poll", "0.1")
    rides.until((rides.root / ".orchestrator" / "serve.lock").exists)
    rides.schedules("schedules: {often: {cron: '* * * *'}}\n")
    time.sleep(0.5)
    rides.schedules("schedules: {often: {cron: '* * * * *', select: mart_daily}}\n")
    rides.until(lambda: rides.timetable().board().watches.get("often"))
    daemon.send_signal(signal.SIGTERM)
    said, _ = daemon.communicate(timeout=30)
    assert "is not taken over" in said
    assert "five fields" in said
    assert "1 schedules" in said


@pytest.mark.parametrize(("answer", "status"), [("true", "passed"), ("false", "skipped")])
def test_0_15_a_condition_is_asked_when_the_run_begins(rides: Rides, answer: str, status: str) -> None:
    rides.schedules(f"schedules: {{n: {{cron: '@yearly', select: mart_daily, when: select {answer}}}}}\n")
    rides.orc("schedule", "run", "n")
    assert [each.status for each in rides.launches()] == [status]


def test_a_run_asked_for_beside_a_daemon_is_run_once_and_waited_for(rides: Rides) -> None:
    rides.schedules("schedules: {n: {cron: '@yearly', select: core_trips stg_trips}}\n")
    rides.start("serve", "--no-http", "--poll", "0.05", BREAK="core_trips")
    rides.until((rides.root / ".orchestrator" / "serve.lock").exists)
    for _ in range(3):
        rides.orc("schedule", "run", "n", code=1, BREAK="core_trips")
    assert [(each.status, each.attempt) for each in rides.launches()] == [("failed", 1)] * 3


def test_a_paused_schedule_waits(rides: Rides) -> None:
    rides.schedules("schedules: {often: {cron: '* * * * *', select: mart_daily}}\n")
    rides.orc("schedule", "pause", "often")
    rides.orc("schedule", "--once", "--since", "1m")
    assert rides.ticks() == ()
    (listed,) = rides.json("schedule", "list")
    assert (listed["state"], listed["next"]) == ("paused", None)
    rides.orc("schedule", "resume", "often")
    assert "no schedule `oftn`" in rides.orc("schedule", "pause", "oftn", code=2)


def test_3_2_a_model_that_says_its_own_time_is_due_then(rides: Rides) -> None:
    (rides.root / "models" / "hourly.sql").write_text("{{ config(cron='@hourly') }}\nselect 1 as x", encoding="utf-8")
    rides.schedules("schedules: {daily: {cron: '@daily'}}\n")
    found = rides.json("schedule", "--simulate", "2026-01-01..2026-01-02")
    assert Counter(t["schedule"] for t in found) == {"models:@hourly": 24, "daily": 1}
    daemon = rides.start("serve", "--no-http", "--poll", "0.1")
    rides.until(lambda: rides.timetable().board().watches.get("models:@hourly"))
    (rides.root / "models" / "hourly.sql").write_text("{{ config(cron='* * * * *') }}\nselect 1 as x", encoding="utf-8")
    rides.until(lambda: rides.timetable().board().watches.get("models:* * * * *"))
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(20) == 0
    (rides.root / "models" / "hourly.sql").write_text("{{ config(cron='*/2 * * * *') }}\nselect 1 as x", encoding="utf-8")
    rides.orc("schedule", "--once", "--since", "5m")
    assert rides.launches("models:*/2 * * * *")[0].status == "passed"
    (rides.root / "models" / "hourly.sql").write_text("{{ config(cron='* * *') }}\nselect 1 as x", encoding="utf-8")
    assert "five fields" in rides.orc("schedule", "list")
