"""Promises about freshness in a project: what is looked at, what is built, and what is said about it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from orchestrator.app.fresh.keeping import Keeping
from orchestrator.core.event import plain
from orchestrator.core.ports import Reply
from orchestrator.core.promise import Facts, told
from orchestrator.core.schedule import Launch
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.spec import Spec
from orchestrator.schedule.world import arrived, built
from orchestrator.serve.scheduler import Scheduler
from tests.orchestration.test_auto import NOON, RIDES

if TYPE_CHECKING:
    from tests.orchestration.rides import Rides
    from tests.projects.conftest import Make, Project

FILES = {
    "models/sources.yml": """
        sources:
          - name: raw
            loaded_at_field: loaded_at
            tables: [{name: trips}]
        exposures:
          - name: board
            type: dashboard
            owner: {email: a@example.com}
            depends_on: [ref('mart_earnings')]
            config: {freshness: {by: "07:00", timezone: Europe/Berlin}}
    """,
    "models/stg_trips.sql": "{{ config(materialized='table') }} select * from {{ source('raw', 'trips') }}",
    "models/seen.sql": "select * from {{ ref('stg_trips') }}",
    "models/core_trips.sql": "{{ config(materialized='table') }} select id, fare from {{ ref('seen') }}",
    "models/mart_earnings.sql": "{{ config(materialized='table', freshness={'max_lag': '2s'}) }} select sum(fare) as fare from {{ ref('core_trips') }}",
    "models/mart_daily.sql": "{{ config(materialized='table') }} select count(*) as n from {{ ref('core_trips') }}",
}


def load(root: Path, number: int) -> None:
    with duckdb.connect(str(root / "warehouse.duckdb")) as connection:
        connection.execute("create schema if not exists raw")
        connection.execute("create table if not exists raw.trips (id int, fare int, loaded_at timestamptz)")
        connection.execute("insert into raw.trips values (?, 10, now())", [number])


def planned(project: Project) -> dict[str, dict[str, Any]]:
    found = json.loads(project.orc("freshness", "plan", "--output", "json").exits(0).stdout)
    return {each["name"]: each for each in found}


def test_0_13_new_rows_are_noticed_and_built_through_and_then_nothing_runs(rides: Rides) -> None:
    """The whole way once, with real processes: a source, looks at it, a run of what it changes and of nothing else."""
    from textwrap import dedent

    for path in (rides.root / "models").iterdir():
        path.unlink()
    for name, text in FILES.items():
        (rides.root / name).write_text(dedent(text), encoding="utf-8")
    load(rides.root, 1)
    rides.orc("freshness", "facts")
    rides.orc("build")
    assert "begins" not in rides.orc("schedule", "--once"), "nothing is new"
    load(rides.root, 2)
    time.sleep(2)
    said = rides.orc("schedule", "--once")
    assert "`mart_earnings`: " in said
    assert "passed" in said
    (launch,) = rides.launches("freshness")
    assert launch.nodes == ("rides.stg_trips", "rides.core_trips", "rides.mart_earnings")
    assert [r.node.split(".")[-1] for r in rides.history().results(launch.runs[0])] == ["stg_trips", "core_trips", "mart_earnings"]
    assert rides.rows("select fare from main.mart_earnings") == [(20,)]
    assert "begins" not in rides.orc("schedule", "--once")
    (found,) = [each for each in rides.json("freshness", "plan") if each["name"] == "mart_earnings"]
    assert (found["state"], found["age"], found["builds"]) == ("fresh", "kept", [])


def test_4_16_explain_prints_the_deadline_the_estimate_and_every_condition(project: Make) -> None:
    there = project(FILES)
    load(there.root, 1)
    said = there.orc("freshness", "explain", "mart_earnings").exits(0).stdout
    assert "mart_earnings: due: it was never built" in said
    assert "✓ builds are wanted: build: auto" in said
    assert "`core_trips`: takes 1m" in said
    found = json.loads(there.orc("freshness", "explain", "board", "--output", "json").exits(0).stdout)
    assert (found["promise"]["by"], found["state"]) == ("07:00", "due")
    assert {c["what"] for c in found["conditions"]} >= {"time to begin", "tries left", "fuse", "no pause"}
    assert "did you mean `mart_earnings`?" in there.orc("freshness", "explain", "mart_earning").exits(2).stderr


def test_the_plan_before_and_after_a_build(project: Make) -> None:
    there = project(FILES)
    load(there.root, 1)
    assert planned(there)["mart_earnings"]["builds"] == [
        "model.p.stg_trips",
        "model.p.seen",
        "model.p.core_trips",
        "model.p.mart_earnings",
    ]
    there.orc("freshness", "facts").exits(0)
    there.orc("run").exits(0)
    assert {name: each["state"] for name, each in planned(there).items()} == {"mart_earnings": "fresh", "board": "fresh"}
    load(there.root, 2)
    after = planned(there)
    assert after["mart_earnings"]["builds"] == ["model.p.stg_trips", "model.p.core_trips", "model.p.mart_earnings"]
    assert after["board"]["builds"] == after["mart_earnings"]["builds"]
    assert after["board"]["state"] == "planned"


def test_a_source_that_cannot_be_looked_at_is_unknown(project: Make) -> None:
    there = project(FILES)
    load(there.root, 1)
    there.orc("freshness", "facts").exits(0)
    there.orc("run").exits(0)
    with duckdb.connect(str(there.root / "warehouse.duckdb")) as connection:
        connection.execute("drop table raw.trips")
    assert planned(there)["mart_earnings"]["state"] == "unknown"


def test_a_simulation_builds_what_promises_ask_for(project: Make) -> None:
    """New rows every ten minutes for six hours, a dashboard that is never more than half an hour behind: a build for three changes."""
    there = project({**FILES, "models/mart_earnings.sql": FILES["models/mart_earnings.sql"].replace("2s", "30m"), "schedules.yml": ""})
    load(there.root, 1)
    words = ("schedule", "--simulate", "2026-01-01T12:00..2026-01-01T18:00", "--output", "json", "--changes")
    found = json.loads(there.orc(*words, "raw.trips=10m").exits(0).stdout)
    assert {t["schedule"] for t in found} == {"freshness"}
    assert 11 <= len(found) <= 13
    assert there.relations() == {"raw.trips": "BASE TABLE"}, "nothing was built"
    assert "did you mean `raw.trips`?" in there.orc(*words, "raw.trip=10m").exits(2).stderr


def test_1_8_a_model_that_two_schedules_want_at_the_same_minute_is_built_once(rides: Rides) -> None:
    for path in (rides.root / "models").iterdir():
        path.unlink()
    for name, text in {
        "shared": "select 1 as x",
        "a": "select x from {{ ref('shared') }}",
        "b": "select x + 1 as y from {{ ref('shared') }}",
    }.items():
        (rides.root / "models" / f"{name}.sql").write_text(f"{{{{ config(materialized='table') }}}} {text}", encoding="utf-8")
    rides.schedules(
        "schedules:\n  one: {cron: '* * * * *', select: +a, stale: true}\n  two: {cron: '* * * * *', select: +b, stale: true}\n"
    )
    with duckdb.connect(str(rides.root / "warehouse.duckdb")):
        pass  # a file that is there is held from the look at it to the end of a run
    rides.orc("schedule", "--once", "--since", "1m")
    history = rides.history()
    runs = [run for each in rides.launches() for run in each.runs]
    shared = [r.status.value for run in runs for r in history.results(run) if r.node.endswith(".shared")]
    assert sorted(shared) == ["passed", "reused"]
    assert sum(t.node.endswith(".shared") for run in runs for t in history.attempts(run)) == 1


@pytest.mark.parametrize("said", ["{'max_lag': 'soon'}", "{'by': '07:00', 'timezone': 'Europe/Berln'}", "{'max_lags': '1h'}"])
def test_a_promise_that_is_none_is_said_with_its_file(project: Make, said: str) -> None:
    there = project({"models/a.sql": f"{{{{ config(freshness={said}) }}}} select 1 as x"})
    wrong = there.orc("freshness", "plan").exits(2).stderr
    assert "U112" in wrong
    assert "models/a.sql" in wrong


# The daemon's side, with answers and a clock of our own


class Looking:
    """Answers with the facts of a world, and counts."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.now = NOON
        self.asked: list[datetime] = []
        self.waiting = False
        self.code = 0

    def ask(self, key: str, words: Sequence[str]) -> bool:
        self.asked.append(self.now)
        self.waiting = True
        return True

    def answers(self) -> Iterator[Reply]:
        if self.waiting:
            self.waiting = False
            from dataclasses import replace

            yield Reply("facts", self.code, json.dumps(plain(told(replace(self.facts, at=self.now)))), "error[W101]: in use")

    def close(self) -> None:
        pass


class Rig:
    """A scheduler that keeps promises in a world where builds pass (or fail) after three minutes."""

    def __init__(self, folder: Path, spec: Spec | None = None) -> None:
        self.looking = Looking(RIDES)
        self.lines: list[str] = []
        self.table = Timetable(folder / "state.db", pid=1, host="here")
        self.spec = spec or Spec(promised=True)
        self.keeping = Keeping(self.looking, self.table, self.lines.append)
        self.running: dict[str, tuple[Launch, datetime]] = {}
        self.code = 0
        self.scheduler = Scheduler(
            self.table, self, self, lambda: self.spec, lambda _s, _l, _r: {}, self.lines.append, host="here", promises=self.keeping
        )

    def now(self) -> datetime:
        return self.looking.now

    def monotonic(self) -> float:
        return self.looking.now.timestamp()

    def start(self, launch: Launch, order: Any, run: str) -> int:
        self.running[launch.id] = (launch, self.now() + timedelta(minutes=3))
        return 1

    def ended(self) -> Iterator[tuple[str, int]]:
        for id_, (launch, until) in tuple(self.running.items()):
            if until <= self.now():
                del self.running[id_]
                if not self.code:
                    self.looking.facts = built(self.looking.facts, launch.keys.keys(), self.now(), "r")
                yield id_, self.code

    def stop(self, id_: str, *, kill: bool = False) -> None:
        pass

    def go(self, minutes: float, step: float = 15) -> None:
        until = self.now() + timedelta(minutes=minutes)
        while self.now() < until:
            self.scheduler.turn()
            self.looking.now += timedelta(seconds=step)

    def arrive(self) -> None:
        self.looking.facts = arrived(self.looking.facts, "raw.trips", self.now())

    @property
    def launches(self) -> tuple[Launch, ...]:
        return tuple(reversed(self.table.launches("freshness")))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.table.close()


def test_a_daemon_looks_every_quarter_of_the_lag_and_builds_in_time(rig: Rig) -> None:
    rig.go(10)
    rig.arrive()
    came = rig.now()
    rig.go(70)
    (launch,) = rig.launches
    assert (launch.status, launch.nodes) == ("passed", ("stg_trips", "core_trips", "mart_earnings"))
    assert launch.finished is not None
    assert launch.finished <= came + timedelta(hours=1)
    assert not launch.late
    assert any(0 <= (looked - launch.finished).total_seconds() <= 30 for looked in rig.looking.asked), "at once when a run has ended"
    pauses = [(b - a).total_seconds() for a, b in pairwise(rig.looking.asked)]
    assert all(pause <= 900 for pause in pauses)
    assert len(pauses) <= 8
    rig.go(300)
    assert len(rig.launches) == 1


def test_a_daemon_tries_again_with_pauses_and_gives_up_aloud(rig: Rig) -> None:
    rig.code = 1
    rig.go(1)
    rig.arrive()
    rig.go(300, step=60)
    assert [each.status for each in rig.launches] == ["failed"] * 3
    assert sum("is not built any more" in line for line in rig.lines) == 1
    assert any("is late" in line for line in rig.lines)
    rig.code = 0
    rig.arrive()
    rig.go(30, step=60)
    assert rig.launches[-1].status == "passed"
    assert any("is fresh again" in line for line in rig.lines)


def test_a_paused_daemon_builds_nothing_and_then_everything_once(rig: Rig) -> None:
    rig.go(1)
    rig.table.pause("freshness", rig.spec.freshness.timing, rig.now(), "me")
    for _ in range(5):
        rig.arrive()
        rig.go(60, step=60)
    assert rig.launches == ()
    rig.table.resume("freshness")
    rig.go(120, step=60)
    assert len(rig.launches) == 1


def test_a_look_that_fails_is_tried_again_and_decides_nothing(rig: Rig) -> None:
    rig.looking.code = 2
    rig.arrive()
    rig.go(20)
    assert rig.launches == ()
    assert 4 <= len(rig.looking.asked) <= 7
    assert sum("nobody knows how fresh" in line for line in rig.lines) == 1


def test_without_promises_nobody_looks(tmp_path: Path) -> None:
    rig = Rig(tmp_path, Spec())
    rig.go(60, step=60)
    assert rig.looking.asked == []
    rig.table.close()


def test_how_they_run_is_said_in_schedules_yml(tmp_path: Path) -> None:
    from orchestrator.app.schedules.scheduling import order, scheduling

    (tmp_path / "schedules.yml").write_text(
        "freshness: {pool: wh, threads: 3, target: prod, max_auto_runs_per_hour: 2, probe_every: 5m}\n", encoding="utf-8"
    )
    known = scheduling(tmp_path)
    assert (known.freshness.pool, known.limits.fuse, known.probe) == ("wh", 2, 300)
    launch = Launch("freshness@x.1", "freshness", "freshness", datetime(2026, 1, 1, tzinfo=UTC), nodes=("p.a", "p.b"))
    words = order(known.freshness, launch, "r")["words"]
    assert words == ["build", "--select", "p.a", "--select", "p.b", "--target", "prod", "--threads", "3", "--stale"]
