"""`orc perf` (3.6) and `orc status` (4.7): how long things take, and whether all is well."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.core.alert import Happening, Letter, Sealed
from orchestrator.core.freshness import Probe
from orchestrator.core.health import Finding
from orchestrator.core.pace import pace
from orchestrator.core.schedule import Board, Launch, Schedule, Tick, Watch
from orchestrator.record.outbox import Outbox, put
from orchestrator.record.probes import Probes
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.health import health
from orchestrator.schedule.spec import Spec
from tests.projects.conftest import Make, Project

FILES = {
    "models/stg_trips.sql": "select 1 as x",
    "models/core_trips.sql": "select x from {{ ref('stg_trips') }}",
    "models/checked.yml": "version: 2\nmodels:\n  - name: core_trips\n    columns: [{name: x, data_tests: [not_null]}]\n",
}


def took(project: Project, seconds: Mapping[str, float]) -> None:
    """The newest run, as if it had taken so long."""
    with sqlite3.connect(project.root / ".orchestrator" / "state.db") as connection:
        last = connection.execute("select id from runs order by started desc limit 1").fetchone()[0]
        for name, each in seconds.items():
            connection.execute("update results set seconds = ? where run = ? and node like ?", (each, last, f"%.{name}"))
    connection.close()


def asked(project: Project, verb: str, *words: str, code: int = 0) -> Any:
    return json.loads(project.orc(verb, *words, "--output", "json").exits(code).stdout)


class TestPerf:
    def test_3_6_a_model_that_took_over_three_times_its_p50_is_flagged(self, project: Make) -> None:
        p = project(FILES)
        assert "Nothing of it was ever built" in p.orc("perf").exits(0).stderr
        for seconds in (2.0, 1.0, 3.0, 2.0, 10.0):
            p.orc("run").exits(0)
            took(p, {"core_trips": seconds, "stg_trips": 1.0})
        [core, stg] = asked(p, "perf", "--last", "30")
        assert (core["name"], core["builds"], core["p50"], core["p95"], core["newest"], core["ratio"]) == (
            "core_trips",
            5,
            2.0,
            3.0,
            10.0,
            5.0,
        )
        assert core["slow"]
        assert (stg["name"], stg["slow"]) == ("stg_trips", False)
        line = next(line for line in p.orc("perf").exits(0).stdout.splitlines() if "core_trips" in line)
        assert "slow: 5.0x p50" in line
        assert [r["name"] for r in asked(p, "perf", "-s", "stg_trips")] == ["stg_trips"]
        assert asked(p, "perf", "--last", "2")[0]["p50"] == 2.0  # the newest one is compared with those before it
        told = asked(p, "status")
        assert any(f["what"] == "slow" and "core_trips (10.0s, usually 2.0s)" in f["detail"] for f in told["findings"])

    def test_failed_builds_do_not_count(self, project: Make) -> None:
        p = project(FILES)
        p.orc("run").exits(0)
        p.write({"models/core_trips.sql": "select nothing_here from {{ ref('stg_trips') }}"}).orc("run").exits(1)
        assert {r["name"]: r["builds"] for r in asked(p, "perf")} == {"core_trips": 1, "stg_trips": 2}

    @pytest.mark.parametrize(
        ("seconds", "slow"),
        [((3.1, 1.0, 1.0), True), ((3.0, 1.0, 1.0), False), ((0.4, 0.1, 0.1), False), ((9.0,), False), ((1.0, 9.0, 9.0), False)],
    )
    def test_slow_is_more_than_three_times_as_usual_and_more_than_a_blink(self, seconds: tuple[float, ...], slow: bool) -> None:
        assert pace(seconds).slow is slow


class TestStatus:
    def test_4_7_all_is_well(self, project: Make) -> None:
        p = project(FILES)
        assert asked(p, "status")["findings"][0]["detail"].startswith("nothing was ever run")
        assert not (p.root / ".orchestrator" / "state.db").exists()  # who only asks makes nothing
        p.orc("build").exits(0)
        told = p.orc("status").exits(0).stdout
        assert told.startswith("Everything is fine")
        assert "2 of 2 well when last run" in told
        assert len(told.splitlines()) <= 24

    def test_4_7_what_failed_stays_wrong_until_it_is_well_again(self, project: Make) -> None:
        p = project(FILES)
        p.write({"models/stg_trips.sql": "select nothing_here"}).orc("build").exits(1)
        p.write({"models/alone.sql": "select 1 as x"}).orc("run", "-s", "alone").exits(0)  # another run that passed does not hide it
        found = {f["detail"] for f in asked(p, "status", code=1)["findings"] if f["level"] == "bad"}
        assert any("stg_trips" in d and d.startswith("1 of 3 failed") for d in found), found
        assert any("core_trips" in d and "skipped" in d for d in found), found
        assert "things are wrong" in p.orc("status").exits(1).stdout
        p.write({"models/stg_trips.sql": "select 1 as x"}).orc("build").exits(0)
        assert asked(p, "status")["fine"]

    def test_4_7_what_is_no_longer_in_the_project_is_nobodys_trouble(self, project: Make) -> None:
        p = project({**FILES, "models/old.sql": "select nothing_here"})
        p.orc("run", "-s", "old").exits(1)
        p.orc("build", "--exclude", "old").exits(0)
        assert not asked(p, "status", code=1)["fine"]
        p.remove("models/old.sql")
        assert asked(p, "status")["fine"]

    def test_4_7_a_project_that_cannot_be_read_is_not_fine(self, project: Make) -> None:
        p = project(FILES)
        p.orc("build").exits(0)
        p.write({"models/core_trips.sql": "select x from {{ ref('nowhere') }}"})
        [bad] = [f for f in asked(p, "status", code=1)["findings"] if f["level"] == "bad"]
        assert bad["what"] == "project"
        assert "nowhere" in bad["detail"]

    def test_4_7_a_schedule_that_nobody_keeps(self, project: Make) -> None:
        p = project({**FILES, "schedules.yml": "schedules:\n  hourly: {every: 1h}\n"})
        p.orc("build").exits(0)
        assert asked(p, "status")["findings"][0]["what"] == "scheduler"
        p.orc("schedule", "--once").exits(0)
        assert asked(p, "status")["fine"]
        with sqlite3.connect(p.root / ".orchestrator" / "state.db") as connection:
            connection.execute("update schedules set seen = '2026-01-01T00:00:00.000000+00:00'")
        connection.close()
        [bad] = [f for f in asked(p, "status", code=1)["findings"] if f["level"] == "bad"]
        assert "hourly since 2026-01-01 01:00 UTC" in bad["detail"]
        assert "orc serve" in bad["hint"]

    def test_4_7_a_launch_that_failed(self, project: Make) -> None:
        p = project({**FILES, "schedules.yml": "schedules:\n  hourly: {every: 1h}\n"})
        p.orc("build").exits(0)
        p.orc("schedule", "--once").exits(0)
        now = datetime.now(UTC)
        table = Timetable(p.root / ".orchestrator" / "state.db", pid=os.getpid(), host="test")
        table.ask(Launch("hourly@1", "hourly", "schedule", now))
        table.begin("hourly@1", "0123456789", now)
        table.end("hourly@1", "failed", now, code=1)
        table.close()
        [bad] = [f for f in asked(p, "status", code=1)["findings"] if f["level"] == "bad"]
        assert (bad["what"], bad["detail"][:33]) == ("schedule hourly", "its last run failed, run 01234567")

    def test_4_7_sources_that_were_too_old_and_alerts_that_nobody_got(self, project: Make) -> None:
        day = "{count: 1, period: day}"
        sources = f"version: 2\nsources:\n  - name: raw\n    freshness: {{warn_after: {day}}}\n    loaded_at_field: at\n    tables: [{{name: trips}}]\n"
        p = project({**FILES, "models/sources.yml": sources})
        p.orc("build").exits(0)
        state, now = p.root / ".orchestrator" / "state.db", datetime.now(UTC)
        trips = next(n for n in json.loads(p.read("target/manifest.json"))["sources"])

        def seen(hours: int, error: str = "") -> dict[str, str]:
            data = now - timedelta(hours=hours)
            Probes(state).add("dev", [Probe(trips, datetime.now(UTC), None, data, "field", error)])
            told = asked(p, "status", code=1 if error else 0)
            return {f["what"]: f["level"] for f in told["findings"]}

        assert seen(1)["sources"] == "ok"
        assert seen(30)["sources"] == "note"
        assert seen(1, "no such table")["sources"] == "bad"
        outbox = Outbox(state)
        about = Happening(frozenset({"node_failed"}), "model.p.a", "a", now, "it failed")
        with outbox._writing() as connection:
            put(connection, Sealed("l1", "always", "to 0", Letter("node_failed", "t", "b", {}), now, now), about)
        outbox.returned("l1", "no such host", None)
        outbox.close()
        assert seen(1)["alerts"] == "note"


NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
DAILY = Schedule("daily", cron="0 2 * * *")


def judged(watch: Watch | None = None, *launches: Launch, ticks: tuple[Tick, ...] = (), last: Launch | None = None) -> list[Finding]:
    board = Board({"daily": watch} if watch else {}, launches)
    return list(health(Spec({"daily": DAILY}), board, {"daily": last} if last else {}, ticks, NOW))


class TestHealthOfSchedules:
    seen = Watch("daily", DAILY.timing, NOW - timedelta(days=9), NOW - timedelta(hours=10))

    def test_decided_ticks_are_fine(self) -> None:
        assert [f.level for f in judged(self.seen)] == ["ok"]

    def test_a_tick_that_nobody_decided(self) -> None:
        [found] = judged(replace(self.seen, seen=NOW - timedelta(hours=34)))
        assert (found.level, "daily since 2026-01-10 02:00 UTC" in found.detail) == ("bad", True)
        assert judged(replace(self.seen, seen=NOW - timedelta(hours=34), paused=NOW))[0].level == "ok"  # it need not be decided

    def test_paused_and_missed_are_worth_knowing_and_a_missed_deadline_is_bad(self) -> None:
        late = Launch("daily@1", "daily", "schedule", NOW, status="running", late=True)
        tick = Tick("daily", NOW - timedelta(hours=10), "missed", "nobody was there")
        old = replace(tick, at=NOW - timedelta(days=3))
        found = judged(replace(self.seen, paused=NOW), late, ticks=(tick, old))
        assert [(f.level, f.what) for f in found] == [
            ("ok", "scheduler"),
            ("bad", "schedule daily"),
            ("note", "schedules"),
            ("note", "ticks"),
        ]
        assert "1 missed" in found[-1].detail

    def test_without_schedules_there_is_nothing_to_say(self) -> None:
        assert list(health(Spec(), Board(), {}, (), NOW)) == []
