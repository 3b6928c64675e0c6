"""Learned order: what has the longest way still behind it runs first, as far as history knows (0.20, 3.1, 4.3)."""

from __future__ import annotations

import heapq
import io
import json
import random
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from orchestrator.adapters.postgres.state import SCHEMA, PostgresState
from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.event import NodeFinished, NodeStarted, RunFinished, RunStarted, Status, as_json
from orchestrator.core.interval import Interval
from orchestrator.core.plan import Plan, Task
from orchestrator.execute.execute import execute
from orchestrator.execute.frontier import Frontier
from orchestrator.graph.order import order, remaining
from orchestrator.graph.simulate import critical, simulate
from orchestrator.plan.forecast import forecast
from orchestrator.record.memory import Memory
from orchestrator.record.sqlite import Sqlite
from orchestrator.report.ahead import ahead
from orchestrator.report.lines import Style, lines
from orchestrator.report.live import Live
from orchestrator.report.story import Story
from tests.projects.conftest import Make, Project
from tests.unit.execute.conftest import FakeConnection, FakeDialect, table, workshop

AT = datetime(2026, 1, 1, 9, tzinfo=UTC)
Needs = Mapping[str, tuple[str, ...]]
Seconds = Mapping[str, float]


def layered(count: int, seed: int, layers: int = 8) -> tuple[Needs, Seconds]:
    """A project of the usual shape: layers, most models read one to three of the layer above, few take long."""
    chance = random.Random(seed)
    level = {f"m{n:03}": n * layers // count for n in range(count)}
    needs: dict[str, tuple[str, ...]] = {}
    for name, depth in level.items():
        above = [other for other, its in level.items() if its == depth - 1]
        needs[name] = tuple(chance.sample(above, k=min(len(above), chance.randint(1, 3)))) if above else ()
    return needs, {name: chance.lognormvariate(0, 1) for name in needs}


def driven(needs: Needs, seconds: Seconds, threads: int, *, learned: bool) -> tuple[float, list[tuple[float, float, str]]]:
    """A run of the executor's own state machine on a clock of paper: its makespan, and when each task began and ended."""
    frontier = Frontier([Task(name, "model", name, (), of) for name, of in needs.items()], seconds if learned else None)
    running: list[tuple[float, float, str]] = []
    told: list[tuple[float, float, str]] = []
    now = 0.0
    while True:
        while len(running) < threads and (task := frontier.take()) is not None:
            heapq.heappush(running, (now + seconds[task.node], now, task.node))
        if not running:
            return now, told
        now, began, name = heapq.heappop(running)
        told.append((began, now, name))
        frontier.succeed(name)


shapes = st.tuples(st.integers(1, 60), st.integers(0, 10_000), st.integers(1, 8))
"""What :func:`layered` makes a graph of: a graph itself takes long to draw on a busy machine."""


@settings(deadline=None)
@given(shapes, st.integers(1, 9))
def test_0_12_nothing_begins_before_what_it_needs_has_ended(shape: tuple[int, int, int], threads: int) -> None:
    needs, seconds = layered(*shape)
    makespan, told = driven(needs, seconds, threads, learned=True)
    ends = {name: end for _, end, name in told}
    assert set(ends) == set(needs)
    assert all(ends[parent] <= began for began, _, name in told for parent in needs[name])
    paper = simulate(needs, seconds, threads)
    assert paper.makespan == pytest.approx(makespan)  # what `orc plan --simulate` says is what the executor does
    assert paper.least <= makespan + 1e-6
    assert makespan <= sum(seconds.values()) + 1e-6


@settings(deadline=None)
@given(shapes)
def test_order_is_deterministic_and_parents_come_first(shape: tuple[int, int, int]) -> None:
    needs, seconds = layered(*shape)
    found = order(needs, seconds)
    assert found == order(dict(needs), dict(seconds))
    place = {name: n for n, name in enumerate(found)}
    assert all(place[parent] < place[name] for name, of in needs.items() for parent in of)
    assert sum(seconds[name] for name in critical(needs, seconds)) == pytest.approx(max(remaining(needs, seconds).values()), abs=0.1)


def test_tasks_without_duration_keep_their_order_and_parents_come_first() -> None:
    assert order({"b": ("z",), "a": (), "z": ()}, {}) == ("z", "b", "a")


@pytest.mark.parametrize("threads", [4, 8])
def test_0_20_a_learned_run_of_200_models_is_near_the_least_possible(threads: int) -> None:
    ratios, before = [], []
    for seed in range(20):
        needs, seconds = layered(200, seed)
        least = simulate(needs, seconds, threads).least
        learned, old = (driven(needs, seconds, threads, learned=known)[0] for known in (True, False))
        ratios.append(learned / least)
        before.append(old / least)
    assert max(ratios) <= 1.10
    assert mean(ratios) < mean(before)
    assert sum(new <= old + 1e-9 for new, old in zip(ratios, before, strict=True)) >= 18


def test_history_that_is_off_by_a_factor_still_orders_well() -> None:
    """Durations vary from run to run; what was learned yesterday has to serve today."""
    found = []
    for seed in range(10):
        needs, today = layered(200, seed)
        chance = random.Random(seed)
        yesterday = {name: s * chance.uniform(0.6, 1.6) for name, s in today.items()}
        found.append(simulate(needs, today, 4, order(needs, yesterday)).makespan / simulate(needs, today, 4).least)
    assert max(found) <= 1.12


def test_a_task_nobody_knows_is_taken_for_a_middling_one_of_its_kind() -> None:
    tasks = [Task(f"model.p.{n}", "model", n, ()) for n in "abc"] + [Task("test.p.t", "test", "t", ()), Task("test.p.u", "test", "u", ())]
    past = {"model.p.a": (10.0, 30.0, 20.0), "model.p.b": (40.0,), "test.p.t": (1.0,)}
    found = forecast(tasks, past)
    assert dict(found.seconds) == {"model.p.a": 20.0, "model.p.b": 40.0, "model.p.c": 30.0, "test.p.t": 1.0, "test.p.u": 1.0}
    assert found.known == 3
    assert not forecast(tasks, {})


def test_what_is_ahead_shrinks_as_time_passes_and_counts_what_waits() -> None:
    tasks = [Task("a", "model", "a", ()), Task("b", "model", "b", (), ("a",)), Task("c", "model", "c", ())]
    found = forecast(tasks, {"a": (4.0,), "b": (6.0,), "c": (3.0,)})
    assert ahead(found, (), {}, 2) == 10.0
    assert ahead(found, (), {"a": 1.0, "c": 1.0}, 2) == 9.0
    assert ahead(found, ("a", "c"), {"b": 2.0}, 2) == 4.0
    assert ahead(found, ("a", "c", "b"), {}, 2) == 0.0
    assert ahead(found, (), {}, 1) == 13.0


def test_the_live_view_says_what_history_says() -> None:
    tasks = [Task("model.p.a", "model", "a", ()), Task("model.p.b", "model", "b", (), ("model.p.a",))]
    found = forecast(tasks, {"model.p.a": (60.0,), "model.p.b": (540.0,)})
    began = RunStarted(AT, "r1", "build", "0.1", "dev", 4, 2, forecast=found)
    now = [AT]
    live = Live(io.StringIO(), Style(zone=UTC), lambda: now[0], console=Console(file=io.StringIO(), width=80, height=24))

    def shown() -> str:
        paper = Console(file=io.StringIO(), width=80, height=24, color_system=None)
        with paper.capture() as captured:
            paper.print(live._view())
        return captured.get().splitlines()[-1]

    live.hear(began)
    assert shown().endswith("0 of 2  0:00  eta 10:00")
    live.hear(NodeStarted(AT, "model.p.a", "model", "a", 1, "T"))
    now[0] = AT + timedelta(seconds=30)
    assert shown().endswith("0 of 2  0:30  eta 9:30")
    live.hear(NodeFinished(now[0], "model.p.a", "model", "a", 1, Status.PASSED, 30.0, "T"))
    now[0] = AT + timedelta(seconds=32)
    assert shown().endswith("1 of 2  0:32  eta 9:00")
    live.close()
    assert "forecast" not in as_json(began)  # the log of a run says what happens


# What history is asked


@pytest.fixture(params=["file", "server", "memory"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "memory":
        yield Memory()
        return
    place: Any = tmp_path / "state.db"
    if request.param == "server":
        place = PostgresState(request.getfixturevalue("postgres_url"))
    yield Sqlite(place, pid=1, host="elsewhere")
    if request.param == "server":
        import psycopg

        with psycopg.connect(request.getfixturevalue("postgres_url"), autocommit=True) as connection:
            connection.execute(f"drop schema if exists {SCHEMA} cascade".encode())


def kept(history: Any, run: int, took: Mapping[str, float], status: Status = Status.PASSED, target: str = "dev", **arguments: Any) -> None:
    at = AT + timedelta(hours=run)
    history.hear(RunStarted(at, f"r{run}", "build", "0.1", target, 4, len(took), arguments=arguments, planned=tuple(took)))
    for node, seconds in took.items():
        history.hear(NodeFinished(at + timedelta(seconds=seconds), node, "model", node, 1, status, seconds, "T"))
    history.hear(RunFinished(at + timedelta(minutes=1), f"r{run}", 60.0))
    history.close()


def test_durations_are_those_of_the_last_good_builds_on_the_target(history: Any) -> None:
    assert history.durations("dev", ["model.p.a"]) == {}
    for run in range(12):
        kept(history, run, {"model.p.a": float(run), "model.p.b": 1.0})
    kept(history, 20, {"model.p.a": 100.0}, Status.FAILED)
    kept(history, 21, {"model.p.a": 200.0}, Status.REUSED)
    kept(history, 22, {"model.p.a": 300.0}, target="prod")
    kept(history, 23, {"model.p.a": 400.0}, empty=True)
    kept(history, 24, {"model.p.a": 500.0}, sample=0.01)
    found = history.durations("dev", ["model.p.a", "model.p.new"])
    assert found == {"model.p.a": tuple(float(n) for n in range(11, 1, -1))}
    assert history.durations("prod", ["model.p.a"]) == {"model.p.a": (300.0,)}


def test_the_newest_result_of_each_node_in_the_last_runs(history: Any) -> None:
    assert history.newest("dev", 5) == ()
    kept(history, 1, {"model.p.a": 1.0, "model.p.gone": 1.0}, Status.FAILED)
    kept(history, 2, {"model.p.a": 2.0, "model.p.b": 2.0})
    kept(history, 3, {"model.p.b": 3.0}, Status.CRASHED)
    kept(history, 4, {"model.p.a": 9.0}, target="prod")
    assert [(run, r.node, r.status) for run, r in history.newest("dev", 2)] == [
        ("r2", "model.p.a", Status.PASSED),
        ("r3", "model.p.b", Status.CRASHED),
    ]
    assert [r.node for _, r in history.newest("dev", 3)] == ["model.p.a", "model.p.b", "model.p.gone"]


def test_the_question_goes_by_the_index_and_not_through_all_results(tmp_path: Path) -> None:
    from orchestrator.record import rows

    kept(Sqlite(tmp_path / "state.db", pid=1, host="elsewhere"), 1, {"model.p.a": 1.0})
    with sqlite3.connect(tmp_path / "state.db") as connection:
        steps = [row[3] for row in connection.execute("explain query plan " + rows.durations(2), ("a", "b", 40, "dev", 10))]
    connection.close()
    assert any("SEARCH r USING INDEX results_by_node (node=? AND finished>?)" in step for step in steps), steps
    assert not any(step.startswith(("SCAN x", "SCAN u")) for step in steps), steps


# A project, twice

CHAIN = {
    "models/a_quick.sql": "select 1 as x",
    "models/b_quick.sql": "select 1 as x",
    "models/y_first.sql": "select 1 as x",
    "models/z_second.sql": "select x from {{ ref('y_first') }}",
}


def began(project: Project) -> list[str]:
    with sqlite3.connect(project.root / ".orchestrator" / "state.db") as connection:
        last = connection.execute("select id from runs order by started desc limit 1").fetchone()[0]
        rows = connection.execute("select node from events where run = ? and event = 'NodeStarted' order by number", (last,)).fetchall()
    connection.close()
    return [row[0].rpartition(".")[2] for row in rows]


def took(project: Project, seconds: Mapping[str, float]) -> None:
    with sqlite3.connect(project.root / ".orchestrator" / "state.db") as connection:
        for name, each in seconds.items():
            connection.execute("update results set seconds = ? where node like ?", (each, f"%.{name}"))
    connection.close()


def test_0_20_the_second_run_begins_with_the_critical_path(project: Make) -> None:
    p = project(CHAIN)
    p.orc("run", "--threads", "1").exits(0)
    assert began(p) == ["a_quick", "b_quick", "y_first", "z_second"]
    took(p, {"a_quick": 1.0, "b_quick": 2.0, "y_first": 1.5, "z_second": 30.0})
    p.orc("run", "--threads", "1").exits(0)
    assert began(p) == ["y_first", "z_second", "b_quick", "a_quick"]


def test_plan_says_how_long_it_will_take_and_simulates_threads(project: Make) -> None:
    p = project(CHAIN)
    assert "Nothing is known" in p.orc("plan", "--simulate", "threads=16").exits(0).stderr
    p.orc("run").exits(0)
    took(p, {"a_quick": 10.0, "b_quick": 20.0, "y_first": 15.0, "z_second": 30.0})
    told = p.orc("plan", "--simulate", "threads=16,1", "--threads", "2", "--output", "json").exits(0)
    found = json.loads(told.stdout)
    assert [(r["threads"], r["makespan"], round(r["utilisation"], 2)) for r in found["runs"]] == [
        (1, 75.0, 1.0),
        (2, 45.0, 0.83),
        (16, 45.0, 0.1),
    ]
    assert [step["node"].rpartition(".")[2] for step in found["critical_path"]] == ["y_first", "z_second"]
    text = p.orc("plan", "--simulate", "threads=16", "--threads", "2").exits(0).stdout
    assert "|      16 | 45.0s | 10%  | +0%" in text
    assert "Critical path 45.0s: y_first 15.0s → z_second 30.0s" in text
    assert "With 2 threads about 45.0s" in p.orc("plan", "--threads", "2").exits(0).stdout
    assert "threads=16" in p.orc("plan", "--simulate", "sixteen").exits(2).stderr


# 3.1 and 4.3: what the executor does with it


class Together:
    """A warehouse whose first statements wait for each other: they only go on when so many run at once."""

    def __init__(self, parties: int, broken: str = "") -> None:
        self.dialect: Any = FakeDialect()
        self.barrier, self.left = threading.Barrier(parties), parties
        self.guard, self.now, self.most, self.broken = threading.Lock(), 0, 0, broken

    def connect(self) -> Any:
        connection, send = FakeConnection(), FakeConnection.execute

        def execute(sql: str) -> Any:
            if not sql.startswith("make"):
                return send(connection, sql)
            with self.guard:
                self.left -= 1
                waits = self.left >= 0
                self.now += 1
                self.most = max(self.most, self.now)
            if waits:
                self.barrier.wait(30)
            with self.guard:
                self.now -= 1
            if sql == f"make {self.broken}":
                raise ExecuteError(Problem("X100", "broken on purpose"))
            return send(connection, sql)

        connection.execute = execute  # type: ignore[method-assign]
        return connection

    def close(self) -> None:
        pass


def events_of(tasks: Sequence[Task], warehouse: Any, threads: int, seconds: Seconds | None = None) -> list[Any]:
    plan = Plan("build", tuple(tasks), threads=threads, forecast=forecast(tasks, {k: (v,) for k, v in (seconds or {}).items()}))
    shop = workshop(tasks)
    return list(execute(plan, shop.graph, warehouse, shop, RunStarted(AT, "r1", "build", "0", "dev", threads, plan.total)))


def test_3_1_eight_threads_work_at_200_models_and_the_counts_add_up() -> None:
    needs, seconds = layered(200, 1)
    warehouse = Together(8)  # hangs, and then fails, when not all threads are used
    tasks = [table(name, (), of) for name, of in needs.items()]
    events = events_of(tasks, warehouse, 8, seconds)
    assert warehouse.most == 8
    story = reduce(lambda story, event: story.apply(event), events, Story())
    assert sum(story.counts.values()) == story.total == 200
    last = next(line for line in lines(events[-1], story, Style(zone=UTC)) if "TOTAL" in line)
    told = {word: int(n) for word, _, n in (part.partition("=") for part in last.split("Done. ")[1].split())}
    assert sum(n for word, n in told.items() if word != "TOTAL") == told["TOTAL"] == 200


def test_4_3_branches_run_side_by_side_and_only_what_is_below_a_failure_stops() -> None:
    tasks = [
        table("a"),
        table("a2", (), ("a",)),
        table("a3", (), ("a2",)),
        table("b"),
        table("b2", (), ("b",)),
        table("end", (), ("a3", "b2")),
    ]
    warehouse = Together(2, broken="a2")
    ends = {e.node: e.status for e in events_of(tasks, warehouse, 2) if isinstance(e, NodeFinished)}
    assert warehouse.most == 2
    assert {name for name, status in ends.items() if status is Status.PASSED} == {"a", "b", "b2"}
    assert {name for name, status in ends.items() if status is Status.SKIPPED} == {"a3", "end"}
    assert ends["a2"] is Status.FAILED


def test_3_8_a_node_that_does_nothing_costs_less_than_50_milliseconds() -> None:
    needs, seconds = layered(1000, 3)
    begun = time.process_time()
    events = events_of([table(name, (), of) for name, of in needs.items()], Together(1), 4, seconds)
    assert sum(isinstance(e, NodeFinished) for e in events) == 1000
    assert (time.process_time() - begun) / 1000 < 0.05


def test_3_8_a_year_in_weeks_is_53_batches() -> None:
    from orchestrator.app.schedules.backfilling import pieces

    assert len(pieces(Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)), "7d")) == 53
