"""0.29 in miniature: a day of twenty schedules with faults and killed schedulers, on a clock that a test turns."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.errors import Problem, StoreError
from orchestrator.core.schedule import Launch, Limits, Schedule
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.cron import instants
from orchestrator.schedule.spec import Spec
from orchestrator.serve.scheduler import CRASHES, Scheduler

DAY = datetime(2026, 3, 28, 12, tzinfo=UTC)  # Berlin's clocks are changed in the middle
NOBODY = 4_000_000  # above any process number of Linux


class Turned:
    """A clock that is set by hand."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class Pretended:
    """Processes that take a while and end well, with an error, or of a signal; the random numbers are the test's."""

    def __init__(self, clock: Turned, dice: random.Random, faults: float) -> None:
        self.clock, self.dice, self.faults = clock, dice, faults
        self.running: dict[str, tuple[datetime, int]] = {}
        self.begun: Counter[str] = Counter()

    def start(self, launch: Launch, order: Mapping[str, Any], run: str) -> int:
        assert not any(id_.split("@")[0] == launch.schedule for id_ in self.running), "two runs of one schedule at once"
        if self.dice.random() < self.faults / 5:
            raise OSError("no more processes")
        self.begun[launch.id] += 1
        code = self.dice.choice([1, 2, -9, -11]) if self.dice.random() < self.faults else 0
        self.running[launch.id] = (self.clock.at + timedelta(seconds=self.dice.expovariate(1 / 200)), code)
        return NOBODY

    def ended(self) -> Iterator[tuple[str, int]]:
        for id_, (at, code) in sorted(self.running.items()):
            if at <= self.clock.at:
                del self.running[id_]
                yield id_, code

    def stop(self, id_: str, *, kill: bool = False) -> None:
        if id_ in self.running:
            self.running[id_] = (self.clock.at, -9 if kill else 143)


class Shaky(Timetable):
    """A state database that is busy now and then, before or after it has written."""

    dice: random.Random
    faults: float

    def commit(self, *arguments: Any, **named: Any) -> Any:
        self._shake()
        found = super().commit(*arguments, **named)
        self._shake()
        return found

    def begin(self, *arguments: Any, **named: Any) -> Any:
        self._shake()
        return super().begin(*arguments, **named)

    def _shake(self) -> None:
        if self.dice.random() < self.faults / 10:
            raise StoreError(Problem("S003", "busy"))


def project() -> Spec:
    found = {}
    policies: tuple[Any, ...] = ("latest", "skip", "all")
    overlaps: tuple[Any, ...] = ("queue", "skip", "cancel_running")
    timings: tuple[dict[str, Any], ...] = (
        {"every": 600},
        {"cron": "*/15 * * * *"},
        {"cron": "5 * * * *"},
        {"cron": "30 2 * * *"},
        {"every": 21_600},
    )
    for n in range(18):
        name = f"s{n}"
        zone = ("UTC", "Europe/Berlin", "America/New_York")[n % 3]
        found[name] = Schedule(
            name, **timings[n % 5], zone=zone, missed=policies[n % 3], overlap=overlaps[n // 3 % 3], timeout=1800 if n % 2 else None
        )
    found["then"] = Schedule("then", after=("s0", "s2"), on="any")
    found["trouble"] = Schedule("trouble", after=("s1",), on="failure")
    return Spec(found, {}, Limits(max_runs=8))


@pytest.mark.parametrize("seed", [1])
def test_0_29_every_tick_of_a_bad_day_ends_in_exactly_one_final_row(tmp_path: Path, seed: int) -> None:
    dice, clock, faults = random.Random(seed), Turned(DAY), 0.05
    spec = project()
    table = Shaky(tmp_path / "state.db", pid=1, host="here")
    table.dice, table.faults = dice, faults
    with table._writing():
        pass
    assert table._connection is not None
    table._connection.execute("pragma synchronous = off")  # no power will be cut here

    def led() -> tuple[Scheduler, Pretended]:
        launcher = Pretended(clock, dice, faults)
        fence = table.lead(clock.at)
        return Scheduler(table, launcher, clock, lambda: spec, lambda *_: {}, lambda _: None, host="here", fence=fence), launcher

    scheduler, launcher = led()
    kills = sorted(DAY + timedelta(seconds=dice.randrange(1000, 86_000)) for _ in range(10))
    begun: Counter[str] = Counter()

    def turn() -> None:
        try:
            scheduler.recover()
            scheduler.turn()
        except StoreError:
            return

    while clock.at < DAY + timedelta(days=1):
        clock.at += timedelta(seconds=dice.choice([1, 20, 45, 100]))
        if kills and clock.at >= kills[0]:
            kills.pop(0)
            begun += launcher.begun
            clock.at += timedelta(seconds=dice.choice([0, 30, 2000]))  # the standby was quick, or there was none
            scheduler, launcher = led()
        turn()
    table.faults = launcher.faults = 0
    last = clock.at
    rest = Spec(
        {n: Schedule(**{**{f: getattr(s, f) for f in s.__dataclass_fields__}, "enabled": False}) for n, s in spec.schedules.items()},
        {},
        spec.limits,
    )
    scheduler.turn()
    spec = rest
    while scheduler.waiting or not scheduler.idle:
        clock.at += timedelta(seconds=60)
        turn()
        assert clock.at < last + timedelta(days=1), "something waits for ever"

    ticks = table.ticks(limit=100_000)
    launches = {each.id: each for each in table.launches(limit=100_000)}
    for name, schedule in project().schedules.items():
        if schedule.after:
            continue
        due = list(takewhile(lambda at: at <= last, instants(schedule, table.board().watches[name].since)))
        assert sorted(t.at for t in ticks if t.schedule == name) == due, name
    assert len({(t.schedule, t.at) for t in ticks}) == len(ticks) > 900
    assert {t.launch for t in ticks if t.status == "fired"} == set(launches)
    assert all(each.over for each in launches.values())
    assert {t.launch for t in ticks if t.status == "coalesced"} <= set(launches)
    followers = [t for t in ticks if t.schedule in ("then", "trouble")]
    assert len(followers) > 50
    begun += launcher.begun
    assert max(begun.values()) <= CRASHES + 1
    statuses = Counter(each.status for each in launches.values())
    assert statuses["passed"] > 600
    assert statuses["failed"] > 5
    table.close()
