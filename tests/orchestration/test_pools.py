"""Pools: limits that runs, and the nodes of runs, share by name; set while they run, and halved when an engine has no room."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.event import Event, NodeFinished, Noted, RunStarted, Status
from orchestrator.core.patience import Patience, Retries
from orchestrator.core.plan import Plan
from orchestrator.core.pool import Pool, crowded, wide
from orchestrator.core.schedule import Board, Launch, Limits, Schedule
from orchestrator.execute.execute import execute
from orchestrator.record.measures import Measured
from orchestrator.record.pools import Pools
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.decide import admit
from orchestrator.schedule.spec import Spec
from orchestrator.serve.metrics import metrics
from tests.unit.execute.conftest import FakeConnection, FakeWarehouse, bench

if TYPE_CHECKING:
    from tests.projects.conftest import Make

__all__ = ["bench"]

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Clock:
    """The machine's, moved by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead.total_seconds()


@pytest.fixture
def pools(tmp_path: Path) -> Any:
    made: list[Pools] = []

    def make(run: str, *, clock: Any = None, pid: int | None = None, host: str = "here", wh: int = 2) -> Pools:
        made.append(Pools(tmp_path / "state.db", clock or Clock(), {"wh": wh}, run=run, pid=pid or os.getpid(), host=host))
        return made[-1]

    yield make
    for each in made:
        each.close()


class Gauge:
    """How many are at something at once, and the most there ever were."""

    def __init__(self) -> None:
        self.one = threading.Lock()
        self.now = self.most = self.total = 0

    def __call__(self) -> None:
        with self.one:
            self.now += 1
            self.total += 1
            self.most = max(self.most, self.now)
        time.sleep(0.02)
        with self.one:
            self.now -= 1


def plan(bench: Any, names: list[str], pool: str | None = "wh", retries: Retries | None = None) -> Plan:
    tasks = tuple(replace(bench.table(name), pool=pool, patience=Patience(retries)) for name in names)
    return Plan("run", tasks, threads=len(names))


def warehouse(connections: list[FakeConnection]) -> Any:
    return FakeWarehouse([*connections])


def run(bench: Any, plan: Plan, connections: list[FakeConnection], own: Any, run_id: str = "r1") -> list[Event]:
    shop = replace(bench.workshop([*plan.tasks]), pools=own)
    return list(
        execute(plan, shop.graph, warehouse([*connections]), shop, RunStarted(NOON, run_id, "run", "0", "dev", plan.threads, plan.total))
    )


def counting(gauge: Callable[[], None], names: list[str]) -> list[FakeConnection]:
    return [FakeConnection(on={f"make {name}": gauge for name in names}) for _ in names]


def statuses(events: list[Event]) -> dict[str, Status]:
    return {e.node: e.status for e in events if isinstance(e, NodeFinished)}


def test_0_7_of_two_runs_with_six_models_each_never_more_than_two_are_in_the_pool(bench: Any, pools: Any) -> None:
    gauge, ends = Gauge(), {}

    def one(run_id: str) -> None:
        names = [f"{run_id}_{n}" for n in range(6)]
        ends[run_id] = statuses(run(bench, plan(bench, names), counting(gauge, names), pools(run_id), run_id))

    threads = [threading.Thread(target=one, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {s for found in ends.values() for s in found.values()} == {Status.PASSED}
    assert (gauge.total, gauge.most) == (12, 2)


def test_models_without_a_pool_are_not_held_up_by_those_that_wait(bench: Any, pools: Any) -> None:
    other = pools("other", wh=1)
    assert other.take("wh", "x")
    names = ["a", "b"]
    both = plan(bench, names)
    both = replace(both, tasks=(both.tasks[0], replace(both.tasks[1], pool=None)), threads=1)
    gauge = Gauge()
    connection = FakeConnection(on={"make b": lambda: other.leave("wh", "x"), "make a": gauge})
    events = run(bench, both, [connection], pools("mine", wh=1))
    assert [e.node for e in events if isinstance(e, NodeFinished)] == ["b", "a"]
    assert [e.message for e in events if isinstance(e, Noted)] == ["`a` waits for a place in the pool `wh`"]


def test_0_28_a_narrower_pool_ends_nothing_that_runs_and_begins_nothing_new(pools: Any, tmp_path: Path) -> None:
    mine = pools("r1", wh=4)
    assert [mine.take("wh", n) for n in "abcd"] == [True] * 4
    table = Timetable(tmp_path / "state.db", pid=1, host="here")
    table.widen("wh", 1, datetime.now(UTC), "me")
    assert table.taken() == {"wh": 4}, "nobody is put out"
    other = pools("r2", wh=4)
    for node in "abc":
        assert not other.take("wh", "x")
        mine.leave("wh", node)
    assert not other.take("wh", "x")
    mine.leave("wh", "d")
    assert other.take("wh", "x")
    assert not mine.take("wh", "e")
    table.widen("wh", None, datetime.now(UTC), "me")
    assert mine.take("wh", "e")
    table.close()


def test_0_28_runs_that_wait_begin_by_what_a_pool_is_now() -> None:
    spec = Spec({"n": Schedule("n", every=600, pool="wh", overlap="allow")}, limits=Limits(pools={"wh": 4}, max_runs=9))
    running = tuple(Launch(f"n@{i}", "n", "schedule", NOON, status="running", pool="wh") for i in range(3))
    waiting = Launch("n@9", "n", "schedule", NOON, pool="wh")
    assert admit(spec, Board(launches=(*running, waiting)), NOON)[0] == ("n@9",)
    narrow = Board(launches=(*running, waiting), pools={"wh": Pool("wh", width=1)})
    assert admit(spec, narrow, NOON) == ((), {"n@9": "the pool `wh`"})
    assert admit(spec, replace(narrow, launches=(waiting,)), NOON)[0] == ("n@9",)
    assert 'orc_pool_limit{pool="wh"} 1' in metrics(spec, narrow, {}, Measured(), NOON, leads=True, version="1")


def refusals(names: list[str], how: str) -> list[FakeConnection]:
    """Each model is refused the first time: the engine has no connection left, or no quota."""
    seen: set[str] = set()

    def refuse(name: str) -> None:
        if name not in seen:
            seen.add(name)
            raise ExecuteError(Problem("X107", how), transient=True)

    return [FakeConnection(on={f"make {name}": partial(refuse, name) for name in names}) for _ in names]


def test_0_28_quota_errors_halve_a_pool_which_recovers_later(bench: Any, pools: Any, tmp_path: Path) -> None:
    names = [f"m{n}" for n in range(4)]
    clock = Clock()
    mine = pools("r1", wh=8, clock=clock)
    retries = Retries(2, delay=0.0, jitter=0.0)
    events = run(bench, plan(bench, names, retries=retries), refusals(names, "sorry, too many clients already (53300)"), mine)
    assert set(statuses(events).values()) == {Status.PASSED}
    assert [e.message for e in events if isinstance(e, Noted) and e.level == "warn"][:1] == [
        "the engine has no room for more: the pool `wh` is 4 wide for now"
    ]
    table = Timetable(tmp_path / "state.db", pid=1, host="here")
    spec = Spec(limits=Limits(pools={"wh": 8}))

    def gauge(minutes: float) -> str:
        said = metrics(spec, table.board(), {}, Measured(), clock.now() + timedelta(minutes=minutes), leads=True, version="1")
        return next(line for line in said.splitlines() if line.startswith('orc_pool_limit{pool="wh"}'))

    assert [gauge(m).split()[-1] for m in (0, 5, 60)] == ["4", "6", "8"]
    table.close()


def test_other_failures_do_not_halve_a_pool(bench: Any, pools: Any, tmp_path: Path) -> None:
    connection = FakeConnection(on={"make a": lambda: (_ for _ in ()).throw(ExecuteError(Problem("X107", "out of memory")))})
    assert statuses(run(bench, plan(bench, ["a"]), [connection], pools("r1", wh=8))) == {"a": Status.FAILED}
    table = Timetable(tmp_path / "state.db", pid=1, host="here")
    assert (table.board().pools, table.taken()) == ({}, {})
    table.close()


def test_refusals_that_come_together_halve_once_and_never_below_one() -> None:
    first = crowded(8, None, "wh", NOON)
    assert crowded(8, first, "wh", NOON + timedelta(seconds=5)) == first
    second = crowded(8, first, "wh", NOON + timedelta(seconds=40))
    assert wide(8, second, NOON + timedelta(seconds=40)) == 2
    least = second
    for minute in range(1, 9):
        least = crowded(8, least, "wh", NOON + timedelta(minutes=minute))
    assert wide(8, least, NOON + timedelta(minutes=8)) == 1
    assert wide(8, replace(first, width=3), NOON + timedelta(hours=1)) == 3


def test_the_dead_have_no_places(pools: Any) -> None:
    gone = pools("gone", pid=2**22 - 1, wh=1)
    assert gone.take("wh", "a")
    assert pools("r2", wh=1).take("wh", "b"), "a process of this host that is not there"


def test_a_run_on_another_host_that_says_nothing_loses_its_places_and_one_that_lives_keeps_them(pools: Any) -> None:
    clock = Clock()
    far = pools("far", clock=clock, host="elsewhere", wh=1)
    here = pools("here", clock=clock, wh=1)
    assert far.take("wh", "a")
    for _ in range(6):
        clock.ahead += timedelta(seconds=60)
        far.beat()
        assert not here.take("wh", "b")
    clock.ahead += timedelta(seconds=130)
    assert here.take("wh", "b")


def test_who_waits_when_the_run_is_ended_never_begins(bench: Any, pools: Any) -> None:
    other = pools("other", wh=1)
    assert other.take("wh", "x")
    tasks = plan(bench, ["a"])
    ended: list[Callable[[], None]] = []

    @contextmanager
    def interruptible(call: Callable[[], None]) -> Iterator[None]:
        ended.append(call)
        threading.Timer(0.3, call).start()
        yield

    shop = replace(bench.workshop([*tasks.tasks]), pools=pools("mine", wh=1), interruptible=interruptible)
    events = list(execute(tasks, shop.graph, warehouse([FakeConnection()]), shop, RunStarted(NOON, "r1", "run", "0", "dev", 1, 1)))
    assert statuses(events) == {"a": Status.CANCELLED}


def test_pools_are_listed_and_set_and_models_are_in_them(project: Make) -> None:
    there = project(
        {
            "models/a.sql": "{{ config(materialized='table', pool='wh') }} select 1 as x",
            "models/b.sql": "{{ config(pool='narrow') }} select * from {{ ref('a') }}",
            "schedules.yml": "pools: {wh: 3}\n",
        }
    )
    assert there.orc("build").exits(0).statuses == {"a": "success", "b": "success"}
    assert "wh: 3 → 1" in there.orc("pools", "set", "wh", "1").exits(0).stderr
    (row,) = json.loads(there.orc("pools", "list", "--output", "json").exits(0).stdout)
    assert (row["pool"], row["limit"], row["declared"], row["nodes"], row["lowered"]) == ("wh", 1, 3, 0, False)
    assert there.orc("build").exits(0).statuses == {"a": "success", "b": "success"}
    assert "wh: 1 → 3" in there.orc("pools", "reset", "wh").exits(0).stderr
    assert "pool.set" in there.orc("audit", "list").exits(0).stdout
    assert "N368" in project({"models/a.sql": "{{ config(pool=3) }} select 1 as x"}, "q").orc("build").exits(2).stderr


def test_pools_and_what_launches_wait_for_are_kept_on_a_server_too(own_postgres: str) -> None:
    from orchestrator.adapters import registry

    place = registry.state(own_postgres)
    table = Timetable(place, pid=1, host="here")
    launch = Launch("freshness@1", "freshness", "freshness", NOON, nodes=("p.a",), keys={"model.p.a": "k"})
    table.ask(launch)
    table.waiting({launch.id: "waiting_signal: `x`"})
    assert table.launches() == (replace(launch, waits="waiting_signal: `x`"),)
    runs = [Pools(place, Clock(), {"wh": 1}, run=name, pid=os.getpid(), host="here") for name in ("a", "b")]
    assert [each.take("wh", "n") for each in runs] == [True, False]
    table.widen("wh", 2, datetime.now(UTC), "me")
    assert runs[1].take("wh", "n")
    assert runs[0].crowded("wh") == 1
    assert (table.taken(), table.board().pools["wh"].width) == ({"wh": 2}, 2)
    for each in (*runs, table):
        each.close()
