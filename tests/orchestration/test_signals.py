"""Signals: a launch waits until somebody else's work is there, visibly, and for a limited time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.core.ports import Reply
from orchestrator.core.schedule import Launch, Schedule
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.decide import asked
from orchestrator.schedule.spec import Spec
from orchestrator.serve.scheduler import Scheduler
from orchestrator.serve.signalling import NO, Signalling

if TYPE_CHECKING:
    from tests.projects.conftest import Make

START = datetime(2026, 1, 1, 2, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class Outside:
    """Answers questions at once: with the exit code that ``says`` has for a signal at the time, and remembers when it was asked."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.says: dict[str, int] = {}
        self.asked: list[tuple[str, datetime, list[str]]] = []
        self.left: list[Reply] = []

    def ask(self, key: str, words: Sequence[str]) -> bool:
        name = words[1]
        self.asked.append((name, self.clock.at, list(words)))
        self.left.append(Reply(key, self.says.get(name, NO), wrong="error[X101]: no such table" if self.says.get(name, NO) == 2 else ""))
        return True

    def answers(self) -> Iterator[Reply]:
        while self.left:
            yield self.left.pop(0)

    def close(self) -> None:
        pass


class Runs:
    """Launches that pass as soon as somebody looks."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.over: list[str] = []

    def start(self, launch: Launch, order: Any, run: str) -> int:
        self.begun.append(launch.id)
        self.over.append(launch.id)
        return 1

    def ended(self) -> list[tuple[str, int]]:
        found, self.over = self.over, []
        return [(id_, 0) for id_ in found]

    def stop(self, id_: str, *, kill: bool = False) -> None:
        pass


class Rig:
    """A scheduler with a clock of its own, and a schedule that waits for signals."""

    def __init__(self, folder: Path, **said: Any) -> None:
        self.clock = Clock()
        self.outside = Outside(self.clock)
        self.runs = Runs()
        self.table = Timetable(folder / "state.db", pid=1, host="here")
        self.schedule = Schedule("n", every=86_400, signals=("raw_ready",), **said)
        self.spec = Spec({"n": self.schedule})
        self.lines: list[str] = []
        self.scheduler = Scheduler(
            self.table,
            self.runs,
            self.clock,
            lambda: self.spec,
            lambda _s, _l, _r: {},
            self.lines.append,
            host="here",
            signals=Signalling(self.outside),
        )

    def launch(self) -> Launch:
        (found,) = self.table.launches()
        return found

    def go(self, seconds: float, step: float = 1.0) -> None:
        until = self.clock.at + timedelta(seconds=seconds)
        while self.clock.at < until:
            self.scheduler.turn()
            self.clock.at += timedelta(seconds=step)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.table.close()


def test_1_11_a_run_waits_for_its_signal_and_begins_when_it_says_yes(rig: Rig) -> None:
    rig.table.ask(asked(rig.schedule, "n@1", "manual", START))
    rig.go(170)
    waiting = rig.launch()
    assert (waiting.status, rig.runs.begun) == ("queued", [])
    assert (waiting.waits or "").startswith("waiting_signal: `raw_ready` (asked ")
    rig.outside.says["raw_ready"] = 0
    rig.go(70)
    assert rig.launch().status == "passed"
    assert rig.launch().waits is None
    assert rig.launch().started is not None
    assert START + timedelta(seconds=170) <= (rig.launch().started or START) <= START + timedelta(seconds=240)


def test_it_is_asked_less_and_less_often_but_at_least_every_minute(rig: Rig) -> None:
    rig.table.ask(asked(rig.schedule, "n@1", "manual", START))
    rig.go(600)
    times = [at for _, at, _ in rig.outside.asked]
    pauses = [(b - a).total_seconds() for a, b in pairwise(times)]
    assert pauses[0] < 10
    assert pauses == sorted(pauses)
    assert 60 <= pauses[-1] <= 62
    assert len(times) < 20
    assert sum("waits for" in line for line in rig.lines) == 1, "people are told once"


def test_a_signal_that_said_yes_is_not_asked_again_while_another_waits(rig: Rig) -> None:
    rig.spec = Spec({"n": Schedule("n", every=86_400, signals=("a", "b"), vars={"day": "x"})})
    rig.outside.says = {"a": 0}
    rig.table.ask(asked(rig.spec.schedules["n"], "n@1", "manual", START))
    rig.go(60)
    assert [name for name, _, _ in rig.outside.asked].count("a") == 1
    assert rig.outside.asked[0][2][:2] == ["signal", "a"]
    assert rig.outside.asked[0][2][-2:] == ["--vars", '{"day": "x"}']
    assert "`a`" not in (rig.launch().waits or "")
    rig.outside.says["b"] = 0
    rig.go(60)
    assert rig.launch().status == "passed"


def test_who_waits_too_long_has_timed_out(tmp_path: Path) -> None:
    rig = Rig(tmp_path, signal_timeout=300)
    rig.table.ask(asked(rig.schedule, "n@1", "manual", START))
    rig.go(299)
    assert rig.launch().status == "queued"
    rig.go(5)
    assert rig.launch().status == "timed_out"
    assert "signal_timeout is 5m" in rig.launch().reason
    assert rig.scheduler.worst == 1
    rig.table.close()


def test_a_signal_that_fails_is_no_yes_and_its_error_is_visible(rig: Rig) -> None:
    rig.outside.says["raw_ready"] = 2
    rig.table.ask(asked(rig.schedule, "n@1", "manual", START))
    rig.go(30)
    assert rig.launch().status == "queued"
    assert "no such table" in (rig.launch().waits or "")


def test_the_next_tick_joins_the_run_that_waits(rig: Rig) -> None:
    rig.scheduler.turn()
    rig.clock.at = START + timedelta(days=1, seconds=1)
    rig.go(10)
    rig.clock.at = START + timedelta(days=2, seconds=1)
    rig.go(10)
    assert [t.status for t in rig.table.ticks()] == ["coalesced", "fired"]
    assert rig.launch().status == "queued"


def test_a_run_that_was_interrupted_goes_on_without_asking(rig: Rig) -> None:
    rig.table.ask(asked(rig.schedule, "n@1", "manual", START))
    rig.table.begin("n@1", "r1", START)
    rig.table.hand_over("n@1", "its process is gone")
    rig.go(3)
    assert rig.launch().status == "passed"
    assert rig.outside.asked == []


def test_a_launch_that_waits_for_a_signal_takes_no_place_from_others(rig: Rig) -> None:
    from orchestrator.core.schedule import Limits

    other = Schedule("other", every=86_400)
    rig.spec = Spec({"n": rig.schedule, "other": other}, limits=Limits(max_runs=1))
    rig.table.ask(asked(rig.schedule, "n@1", "manual", START))
    rig.table.ask(asked(other, "other@1", "manual", START))
    rig.go(3)
    assert rig.runs.begun == ["other@1"]


FILES = {
    "models/a.sql": "{{ config(materialized='table') }} select 3 as x",
    "signals/ready.sql": "select count(*) > 0 from {{ ref('a') }} where x = {{ var('want', 3) }}",
    "signals/here.py": """
        def signal(ctx):
            print("looking")
            return ctx.rows("select x from {{ ref('a') }}") == [(ctx.var("want", 3),)]
    """,
    "signals/broken.py": """
        def signal():
            raise ValueError("nobody home")
    """,
    "signals/odd.py": "def signal(): return 1",
    "signals/empty.py": "x = 1",
}


def test_signals_are_queries_or_functions_and_can_be_asked_by_hand(project: Make) -> None:
    there = project(FILES)
    there.orc("run").exits(0)
    for name in ("ready", "here"):
        assert there.orc("signal", name).exits(0).stdout == "yes\n"
        assert there.orc("signal", name, "--vars", "{want: 4}").exits(NO).stdout == "no\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("broken", "signals/broken.py:2"),
        ("odd", "returned int instead of a bool"),
        ("empty", "no function `signal`"),
        ("redy", "did you mean `ready`?"),
    ],
)
def test_what_is_wrong_with_a_signal_is_said_with_its_place(project: Make, name: str, said: str) -> None:
    assert said in project(FILES).orc("signal", name).exits(2).stderr
