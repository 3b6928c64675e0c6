from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.errors import ExecuteError, Problem, WarehouseError
from orchestrator.core.event import Event, NodeFinished, Noted, RunFinished, RunStarted, Status
from orchestrator.core.plan import Plan, Statement, Step, Task
from orchestrator.execute.execute import execute

AT = datetime(2026, 1, 1, tzinfo=UTC)


def refused(*, cancelled: bool = False, transient: bool = False) -> ExecuteError:
    return ExecuteError(Problem("X100", "no"), cancelled=cancelled, transient=transient)


def started(plan: Plan) -> RunStarted:
    return RunStarted(AT, "r1", plan.command, "0", "dev", plan.threads, plan.total)


def run(bench: Any, plan: Plan, warehouse: Any, shop: Any = None) -> list[Event]:
    shop = shop or bench.workshop([*plan.tasks, *plan.before, *plan.after])
    events = list(execute(plan, shop.graph, warehouse, shop, started(plan)))
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    return events


def ends(events: list[Event]) -> dict[str, Status]:
    found = [e for e in events if isinstance(e, NodeFinished)]
    assert len({e.node for e in found}) == len(found)
    return {e.node: e.status for e in found}


def hook(name: str) -> Task:
    return Task(name, "operation", name, (Step("hook", name, "hook", (Statement(f"hook {name}"),)),))


class Barrier:
    """A statement that takes until it is cancelled."""

    def __init__(self, connection: Any) -> None:
        self.reached, self.cancelled = threading.Event(), threading.Event()
        before = connection.cancel

        def cancel() -> None:
            before()
            self.cancelled.set()

        connection.cancel = cancel

    def __call__(self) -> None:
        self.reached.set()
        assert self.cancelled.wait(10)
        raise refused(cancelled=True)


def test_children_run_after_their_parents_and_results_are_numbered_as_they_start(bench: Any) -> None:
    tasks = (bench.table("a", ("t",)), bench.table("b", needs=("a",)), bench.lone("u", ("b",)))
    events = run(bench, Plan("build", tasks, threads=3), bench.warehouse())
    assert list(ends(events)) == ["t", "a", "b", "u"]
    assert [e.index for e in events if isinstance(e, NodeFinished)] == [2, 1, 3, 4]


def test_a_failed_one_skips_exactly_its_descendants(bench: Any) -> None:
    tasks = (bench.table("a"), bench.table("b", ("t",), ("a",)), bench.table("c", needs=("b",)), bench.lone("u", ("b",)), bench.table("d"))
    connection = bench.connection(answers={"count t": ((1,),)})
    events = run(bench, Plan("build", tasks), bench.warehouse([connection]))
    assert ends(events) == {
        "a": Status.PASSED,
        "t": Status.FAILED,
        "b": Status.FAILED,
        "c": Status.SKIPPED,
        "u": Status.SKIPPED,
        "d": Status.PASSED,
    }
    skipped = [(e.node, e.because, e.message) for e in events if isinstance(e, NodeFinished) and e.status is Status.SKIPPED]
    assert skipped == [("c", "b", "`b` failed"), ("u", "b", "`b` failed")]


def test_fail_fast_cancels_what_runs_skips_the_rest_and_still_runs_the_end_hooks(bench: Any) -> None:
    bad, slow = bench.connection(fails={2: refused()}), bench.connection()
    barrier = Barrier(slow)
    slow.on = {"make a": barrier, "make b": barrier}
    bad.on = {"make a": barrier.reached.wait, "make b": barrier.reached.wait}
    plan = Plan("run", (bench.table("a"), bench.table("b"), bench.table("c")), after=(hook("end"),), fail_fast=True, threads=2)
    warehouse = bench.warehouse([bad, slow])
    events = run(bench, plan, warehouse)
    assert sorted(ends(events).values()) == ["cancelled", "failed", "skipped"]
    assert ends(events)["c"] is Status.SKIPPED
    assert events[-1].cancelled is False  # type: ignore[union-attr]
    assert "hook end" in [*bad.said, *slow.said]


def test_without_a_warehouse_nothing_starts(bench: Any) -> None:
    plan = Plan("run", (bench.table("a"),), prepare=(Statement("make the ledger"),))
    shop = bench.workshop(plan.tasks)
    for broken in (bench.warehouse([WarehouseError(Problem("W100", "away"))]), bench.warehouse([bench.connection(fails={1: refused()})])):
        with pytest.raises((WarehouseError, ExecuteError)):
            next(execute(plan, shop.graph, broken, shop, started(plan)))


def test_a_thread_without_a_connection_ends_its_task_and_the_tests_it_carries(bench: Any) -> None:
    plan = Plan("run", (bench.table("a", ("t",)), bench.table("b", needs=("a",)), bench.lone("u")))
    events = run(bench, plan, bench.warehouse([WarehouseError(Problem("W100", "away")), bench.connection()]))
    assert ends(events) == {"t": Status.CRASHED, "a": Status.CRASHED, "b": Status.SKIPPED, "u": Status.PASSED}


def test_after_a_crash_the_next_task_gets_a_fresh_connection(bench: Any) -> None:
    first, second = bench.connection(fails={2: RuntimeError("broken pipe")}), bench.connection()
    plan = Plan("run", (bench.table("a"), bench.table("b")))
    assert ends(run(bench, plan, bench.warehouse([first, second]))) == {"a": Status.CRASHED, "b": Status.PASSED}
    assert first.closed
    assert second.closed


class TestHooks:
    def test_that_go_well_are_not_news(self, bench: Any) -> None:
        connection = bench.connection()
        events = run(bench, Plan("run", (bench.table("a"),), (hook("s1"), hook("s2")), (hook("e1"),)), bench.warehouse([connection]))
        assert list(ends(events)) == ["a"]
        assert [s for s in connection.said if s.startswith(("hook", "make"))] == ["hook s1", "hook s2", "make a", "hook e1"]

    def test_a_failed_start_skips_everything_but_the_end(self, bench: Any) -> None:
        connection = bench.connection(fails={2: refused()})
        events = run(
            bench, Plan("run", (bench.table("a", ("t",)),), (hook("s1"), hook("s2")), (hook("e1"),)), bench.warehouse([connection])
        )
        assert ends(events) == {"s1": Status.FAILED, "t": Status.SKIPPED, "a": Status.SKIPPED}
        assert "hook s2" not in connection.said
        assert "hook e1" in connection.said

    def test_a_failed_end_is_its_own(self, bench: Any) -> None:
        connection = bench.connection()
        connection.on = {"hook e1": _raise}
        events = run(bench, Plan("run", (bench.table("a"),), after=(hook("e1"), hook("e2"))), bench.warehouse([connection]))
        assert ends(events) == {"a": Status.PASSED, "e1": Status.FAILED}
        assert "hook e2" in connection.said


def _raise() -> None:
    raise refused()


class TestInterrupt:
    def interruptible(self, asked: list[Callable[[], None]]) -> Any:
        @contextmanager
        def during(ask: Callable[[], None]) -> Iterator[None]:
            asked.append(ask)
            yield
            asked.clear()

        return during

    def test_cancels_what_runs_and_reports_the_rest(self, bench: Any) -> None:
        connection = bench.connection()
        barrier = Barrier(connection)
        connection.on = {"make b": barrier}
        plan = Plan(
            "run",
            (bench.table("a"), bench.table("b", ("t",), ("a",)), bench.table("c", needs=("b",)), bench.lone("u")),
            after=(hook("end"),),
        )
        asked: list[Callable[[], None]] = []
        shop = replace(bench.workshop([*plan.tasks, *plan.after]), interruptible=self.interruptible(asked))

        def press() -> None:
            assert barrier.reached.wait(10)
            asked[0]()

        thread = threading.Thread(target=press)
        thread.start()
        events = run(bench, plan, bench.warehouse([connection]), shop)
        thread.join()
        assert ends(events) == {
            "a": Status.PASSED,
            "t": Status.CANCELLED,
            "b": Status.CANCELLED,
            "c": Status.CANCELLED,
            "u": Status.CANCELLED,
        }
        assert events[-1].cancelled is True  # type: ignore[union-attr]
        assert [e.message for e in events if isinstance(e, Noted)] == [
            "Interrupted: cancelling what runs; press Ctrl-C again to stop at once"
        ]
        assert "hook end" not in connection.said
        assert asked == []
        assert connection.closed

    def test_repeats_the_cancel_until_it_arrives_in_time(self, bench: Any) -> None:
        connection = bench.connection()

        def deaf_at_first() -> None:
            end = time.monotonic() + 10
            while connection.cancels < 2:
                assert time.monotonic() < end
                time.sleep(0.01)
            raise refused(cancelled=True)

        asked: list[Callable[[], None]] = []

        def asked_then_deaf() -> None:
            asked[0]()
            deaf_at_first()

        connection.on = {"make a": asked_then_deaf}
        plan = Plan("run", (bench.table("a"),))
        shop = replace(bench.workshop(plan.tasks), interruptible=self.interruptible(asked))
        assert ends(run(bench, plan, bench.warehouse([connection]), shop)) == {"a": Status.CANCELLED}

    def test_a_caller_that_leaves_early_cancels_what_runs(self, bench: Any) -> None:
        connection = bench.connection()
        barrier = Barrier(connection)
        connection.on = {"make a": barrier}
        plan = Plan("run", (bench.table("a"),))
        shop = bench.workshop(plan.tasks)
        stream: Any = execute(plan, shop.graph, bench.warehouse([connection]), shop, started(plan))
        assert isinstance(next(stream), RunStarted)
        next(stream)
        assert barrier.reached.wait(10)
        stream.close()
        assert barrier.cancelled.is_set()
        assert connection.closed


@given(data=st.data())
def test_whatever_fails_every_result_is_told_once(bench: Any, data: st.DataObject) -> None:
    names = [f"m{n}" for n in range(data.draw(st.integers(0, 6)))]
    tasks = []
    for number, name in enumerate(names):
        needs = tuple(sorted(data.draw(st.sets(st.sampled_from(names[:number]), max_size=2)))) if number else ()
        tests = tuple(f"{name}_t{n}" for n in range(data.draw(st.integers(0, 2))))
        tasks.append(bench.table(name, tests, needs))
    bad = data.draw(
        st.sets(
            st.sampled_from([t for task in tasks for t in (f"make {task.node}", f"swap {task.node}", *(f"count {x}" for x in task.tests))])
        )
        if names
        else st.just(set())
    )
    connection = bench.connection(on=dict.fromkeys(bad, _raise))
    plan = Plan("build", tuple(tasks), threads=data.draw(st.integers(1, 3)), fail_fast=data.draw(st.booleans()))
    events = run(bench, plan, bench.warehouse([connection, *(bench.connection(on=connection.on) for _ in range(2))]))
    found = ends(events)
    assert len(found) == plan.total
    numbers = {e.node: e.index for e in events if isinstance(e, NodeFinished)}
    assert sorted(numbers.values()) == list(range(1, plan.total + 1))
    for task in tasks:
        if found[task.node] is Status.PASSED:
            assert all(found[n] is Status.PASSED for n in (*task.needs, *task.tests))
