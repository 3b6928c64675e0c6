"""What `schedules.yml` says, what it may not say, and what the commands around it show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.core.errors import ConfigError
from orchestrator.load.schedules import read_schedules
from orchestrator.schedule.spec import Spec, spec

if TYPE_CHECKING:
    from tests.orchestration.rides import Rides


def read(text: str) -> Spec:
    return spec(read_schedules(text.encode()))


def wrong(text: str) -> list[tuple[str, int, str]]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [(p.code, p.span.line if p.span else 0, p.hint or "") for p in caught.value.problems]


def test_everything_is_read() -> None:
    found = read("""
schedules:
  nightly:
    cron: "0 2 * * *"
    timezone: Europe/Berlin
    select: [tag:daily, +mart]
    missed: all
    catch_up_window: 2d
    overlap: cancel_running
    timeout: 1h30m
    deadline: 08:00
    priority: -3
    vars: {day: 2026-01-01}
  then: {after: nightly, on: any, command: test}
triggers:
  loaded: {select: a+, debounce: 1m, vars: {n: 1}}
pools: {wh: 2}
max_runs: 1
drain_timeout: 10s
""")
    nightly = found.schedules["nightly"]
    assert (nightly.zone, nightly.select, nightly.window, nightly.timeout, nightly.deadline, nightly.priority) == (
        "Europe/Berlin",
        ("tag:daily", "+mart"),
        172_800,
        5400,
        "08:00",
        -3,
    )
    assert (found.schedules["then"].after, found.schedules["then"].on, found.schedules["then"].command) == (("nightly",), "any", "test")
    assert (found.triggers["loaded"].debounce, found.limits.pools, found.limits.max_runs, found.limits.drain) == (60, {"wh": 2}, 1, 10)
    assert read("") == Spec()


@pytest.mark.parametrize(
    ("text", "code", "line", "hint"),
    [
        ("schedules:\n  n:\n    crn: x\n    every: 1h", "U086", 3, "`cron`"),
        ("schedule: {}", "U086", 1, "`schedules`"),
        ("schedules:\n  n: {cron: '@daily', every: 1h}", "U085", 2, "one of"),
        ("schedules:\n  n: {select: a}", "U085", 2, "one of"),
        ("schedules:\n  n: {cron: '@daily', overlap: que}", "U085", 2, "`queue`"),
        ("schedules:\n  n: {cron: '@daily', priority: high}", "U085", 2, ""),
        ("schedules:\n  a b: {cron: '@daily'}", "U085", 2, "letters"),
        ("schedules: [1]", "U085", 1, ""),
        ("schedules:\n  n: {cron: '@daily'}\ntriggers:\n  n: {select: a}", "U085", 4, "rename"),
        ("schedules:\n  n: {cron: '0 2 * *'}", "U087", 2, ""),
        ("schedules:\n  n: {cron: '0 0 30 2 *'}", "U087", 2, ""),
        ("schedules:\n  n: {cron: '@dayly'}", "U087", 2, "`@daily`"),
        ("schedules:\n  n:\n    cron: '@daily'\n    timezone: Europe/Berln", "U087", 4, "`Europe/Berlin`"),
        ("schedules:\n  n: {every: 7h}", "U087", 2, "divides a day"),
        ("schedules:\n  n: {every: 10s}", "U087", 2, "divides a day"),
        ("schedules:\n  n: {every: soon}", "U087", 2, ""),
        ("schedules:\n  n: {cron: '@daily', deadline: '25:00'}", "U087", 2, ""),
        ("schedules:\n  n: {cron: '@daily'}\n  m: {after: nn}", "U088", 3, "`n`"),
        ("schedules:\n  n: {after: m}\n  m: {after: n}", "U088", 2, "take one"),
        ("schedules:\n  n: {after: n}", "U088", 2, "take one"),
    ],
)
def test_what_cannot_be_is_refused_at_its_line(text: str, code: str, line: int, hint: str) -> None:
    found = wrong(text)
    assert (found[0][0], found[0][1]) == (code, line)
    assert hint in found[0][2]


def test_0_4_a_week_of_nights_in_berlin(rides: Rides) -> None:
    rides.schedules("schedules: {nightly: {cron: '0 2 * * *', timezone: Europe/Berlin}}\n")
    found = rides.json("schedule", "--simulate", "2026-01-01..2026-01-08")
    assert [t["local"] for t in found] == [f"2026-01-0{day}T02:00+01:00" for day in range(1, 8)]
    assert {t["status"] for t in found} == {"fired"}


def test_1_9_the_nights_on_which_new_yorks_clocks_are_changed(rides: Rides) -> None:
    rides.schedules(
        "schedules: {n: {cron: '30 2 * * *', timezone: America/New_York}, m: {cron: '30 1 * * *', timezone: America/New_York}}\n"
    )
    spring = [t["local"] for t in rides.json("schedule", "--simulate", "2026-03-07T05:00..2026-03-10T04:00") if t["schedule"] == "n"]
    assert spring == ["2026-03-07T02:30-05:00", "2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"]
    autumn = [t["local"] for t in rides.json("schedule", "--simulate", "2026-11-01T04:00..2026-11-02T05:00") if t["schedule"] == "m"]
    assert autumn == ["2026-11-01T01:30-04:00"]


def test_1_10_a_restart_shifts_no_interval(rides: Rides) -> None:
    rides.schedules("schedules: {often: {every: 10m}}\n")
    found = rides.json("schedule", "--simulate", "2026-01-01T00:00..2026-01-01T01:00", "--down", "2026-01-01T00:25..2026-01-01T00:26")
    assert [t["at"][11:16] for t in found] == ["00:00", "00:10", "00:20", "00:30", "00:40", "00:50"]


def test_0_11_schedules_are_listed_paused_resumed_run_and_foretold(rides: Rides) -> None:
    rides.schedules("schedules: {n: {every: 1d, select: mart_daily}, m: {cron: '@hourly', enabled: false}}\n")
    assert {s["schedule"]: s["state"] for s in rides.json("schedule", "list")} == {"n": "enabled", "m": "disabled"}
    assert len(rides.json("schedule", "next", "-n", "3")) == 3
    rides.orc("schedule", "pause", "n")
    assert rides.json("schedule", "next") == []
    rides.orc("schedule", "run", "n")  # a person may, whatever the schedule says
    assert [(each.trigger, each.status) for each in rides.launches()] == [("manual", "passed")]
    rides.orc("schedule", "resume", "n")
    assert "not paused" in rides.orc("schedule", "resume", "n")
    assert "did you mean" in rides.orc("schedule", "run", "nn", code=2)


def test_running_one_schedule_now_changes_nothing_for_the_others(rides: Rides) -> None:
    rides.schedules(
        "schedules: {n: {every: 1d, select: mart_daily}, m: {every: 1d, select: mart_daily}, after_n: {after: n, select: mart_daily}}\n"
    )
    rides.orc("schedule", "--once")
    before = rides.timetable().board().watches
    rides.orc("schedule", "run", "n")
    assert rides.timetable().board().watches == before
    assert rides.ticks() == ()
    rides.orc("schedule", "--once")  # what follows it is still to be done
    assert [t.schedule for t in rides.ticks()] == ["after_n"]


def test_models_times_that_are_not_known_yet_are_not_gone(rides: Rides) -> None:
    (rides.root / "models" / "hourly.sql").write_text("{{ config(cron='@hourly') }}\nselect 1 as x", encoding="utf-8")
    rides.orc("schedule", "--once")
    (rides.root / "models" / "hourly.sql").write_text("{{ config(cron='@hourly') }}\nselect 1 as x from {{ nothing }}", encoding="utf-8")
    rides.orc("schedule", "--once")
    assert rides.timetable().board().watches["models:@hourly"].removed is None


def test_3_12_what_is_taken_out_of_the_file_stops(rides: Rides) -> None:
    rides.schedules("schedules: {n: {cron: '* * * * *', select: mart_daily}}\n")
    rides.orc("schedule", "--once", "--since", "1m")
    rides.schedules("schedules: {}\n")
    rides.orc("schedule", "--once")
    assert rides.timetable().board().watches["n"].removed is not None
    assert rides.json("schedule", "list") == []


@pytest.mark.parametrize(
    "words",
    [
        ("--simulate", "2026-01-08..2026-01-01"),
        ("--simulate", "tomorrow"),
        ("--simulate", "2026-01-01..2026-01-02", "--takes", "n=long"),
        ("--once", "--since", "ever"),
    ],
)
def test_times_on_the_command_line_that_are_none(rides: Rides, words: tuple[str, ...]) -> None:
    rides.schedules("schedules: {n: {every: 1d}}\n")
    assert "U090" in rides.orc("schedule", *words, code=2)
