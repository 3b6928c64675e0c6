from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.core.errors import ExecuteError, PlanError, Problem
from orchestrator.core.event import Event, NodeFinished, NodeStarted, Status
from orchestrator.core.plan import Late, Step, Verdict
from orchestrator.execute.judge import judge
from orchestrator.execute.task import ATTEMPTS, run_task


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, _high: 0.0)


def refused(message: str = "no", *, transient: bool = False, cancelled: bool = False, position: int | None = None) -> ExecuteError:
    return ExecuteError(Problem("X100", message), transient=transient, cancelled=cancelled, position=position)


def run(bench: Any, task: Any, connection: Any, shop: Any = None) -> tuple[bool, dict[str, Status], list[NodeFinished]]:
    """How it ended, the status of each node and test, and the events; every one of them started and ended exactly once."""
    heard: list[Event] = []
    outcome = run_task(task, connection, shop or bench.workshop([task]), heard.append)
    ends = [e for e in (*heard, *outcome.events) if isinstance(e, NodeFinished)]
    expected = sorted([*task.tests, *([] if task.kind == "test" else [task.node])])
    assert sorted(e.node for e in ends) == expected
    started = [e.node for e in heard if isinstance(e, NodeStarted)]
    assert len(started) == len(set(started))
    return outcome.ok, {e.node: e.status for e in ends}, ends


class TestATable:
    def test_is_built_judged_swapped_and_proven_in_one_transaction(self, bench: Any) -> None:
        connection = bench.connection()
        ok, ends, _ = run(bench, bench.table("m", ("t",)), connection)
        assert connection.said == ["begin", "make m", "count t", "swap m", "write m r1", "commit", "read m"]
        assert (ok, ends) == (True, {"t": Status.PASSED, "m": Status.PASSED})

    def test_says_what_the_stage_answered(self, bench: Any) -> None:
        _, _, ends = run(bench, bench.table("m"), bench.connection())
        assert (ends[0].rows, ends[0].message, ends[0].response) == (7, "SELECT 7", {"rows_affected": 7})
        assert ends[0].sql == "begin transaction;\nmake m;\nswap m;\nwrite m r1;\ncommit"

    def test_is_not_published_when_a_gate_fails_and_keeps_its_stage(self, bench: Any) -> None:
        connection = bench.connection(answers={"count t": ((3,),)})
        ok, ends, events = run(bench, bench.table("m", ("t", "u")), connection)
        assert connection.said == ["begin", "make m", "count t", "count u", "commit"]
        assert (ok, ends) == (False, {"t": Status.FAILED, "u": Status.PASSED, "m": Status.FAILED})
        assert connection.ledger == {}
        test, _, model = events
        assert test.message == "Got 3 results, configured to fail if != 0"
        assert test.inspect == "rows t of m__orc_stage"
        assert model.message == "not published: 1 test failed (t)"
        assert model.inspect == "select * from m__orc_stage"
        assert model.problem is not None
        assert "m__orc_stage" in str(model.problem.hint)

    def test_warns_and_goes_on_and_shows_the_rows_where_they_are_now(self, bench: Any) -> None:
        task = bench.table("m", ("t",))
        steps = tuple(replace(s, verdicts=tuple(replace(v, severity="warn") for v in s.verdicts)) for s in task.steps)
        connection = bench.connection(answers={"count t": ((3,),)})
        ok, ends, events = run(bench, replace(task, steps=steps), connection)
        assert (ok, ends) == (True, {"t": Status.WARNED, "m": Status.PASSED})
        assert events[0].inspect == "rows t of m"

    @pytest.mark.parametrize("at", range(1, 7))
    def test_refused_at_any_statement_publishes_nothing(self, bench: Any, at: int) -> None:
        connection = bench.connection(fails={at: refused()})
        ok, ends, events = run(bench, bench.table("m", ("t",)), connection)
        assert connection.said[at:] == ["rollback"]
        assert connection.ledger == {}
        assert not ok
        assert ends["m"] is Status.FAILED
        said = ["begin", "make m", "count t", "swap m", "write m r1", "commit"][at - 1]
        assert ends["t"] is {"begin": Status.SKIPPED, "make m": Status.SKIPPED, "count t": Status.FAILED}.get(said, Status.PASSED)
        assert events[-1].message == ("not published: 1 test cannot run (t)" if said == "count t" else "no")

    def test_a_commit_that_did_not_happen_is_noticed_and_done_again(self, bench: Any) -> None:
        connection = bench.connection(lies=True)
        ok, ends, events = run(bench, bench.table("m", ("t",)), connection)
        assert not ok
        assert ends == {"t": Status.PASSED, "m": Status.CRASHED}
        assert "a commit that did not happen" in events[-1].message
        assert connection.said.count("make m") == ATTEMPTS

    def test_an_earlier_run_s_row_proves_nothing(self, bench: Any) -> None:
        connection = bench.connection(lies=True, ledger={"m": "r0"})
        assert run(bench, bench.table("m"), connection)[0] is False

    def test_whose_proof_cannot_be_read_is_not_built_twice(self, bench: Any) -> None:
        connection = bench.connection(fails={n: refused("connection lost", transient=True) for n in (6, 7)})
        ok, ends, events = run(bench, bench.table("m"), connection)
        assert (ok, ends) == (False, {"m": Status.CRASHED})
        assert connection.said == ["begin", "make m", "swap m", "write m r1", "commit", "read m", "read m", "rollback"]
        assert events[-1].message == "published, but not finished: connection lost"

    def test_whose_proof_is_interrupted_is_asked_for_again(self, bench: Any) -> None:
        connection = bench.connection(fails={6: refused("connection lost", transient=True)})
        ok, ends, _ = run(bench, bench.table("m"), connection)
        assert (ok, ends) == (True, {"m": Status.PASSED})
        assert connection.said.count("begin") == 1


class TestAConflict:
    @pytest.mark.parametrize("at", range(1, 6))
    def test_is_tried_again_from_the_start_and_tests_are_reported_once(self, bench: Any, at: int) -> None:
        connection = bench.connection(fails={at: refused(transient=True)}, answers={"count t": ((0,),)})
        ok, ends, _ = run(bench, bench.table("m", ("t",)), connection)
        assert connection.said[at:] == ["rollback", "begin", "make m", "count t", "swap m", "write m r1", "commit", "read m"]
        assert (ok, ends) == (True, {"t": Status.PASSED, "m": Status.PASSED})

    def test_that_does_not_go_away_ends_as_a_crash(self, bench: Any) -> None:
        connection = bench.connection(fails={2 + 3 * n: refused(transient=True) for n in range(ATTEMPTS)})
        ok, ends, _ = run(bench, bench.table("m", ("t",)), connection)
        assert (ok, ends) == (False, {"t": Status.SKIPPED, "m": Status.CRASHED})
        assert connection.said == ["begin", "make m", "rollback"] * ATTEMPTS

    def test_is_not_tried_again_when_somebody_wants_an_end(self, bench: Any) -> None:
        task = bench.table("m", ("t",))
        shop = bench.workshop([task])
        connection = bench.connection(fails={2: refused(transient=True)}, on={"make m": shop.cancelled.set})
        ok, ends, _ = run(bench, task, connection, shop)
        assert (ok, ends) == (False, {"t": Status.CANCELLED, "m": Status.CANCELLED})
        assert connection.said == ["begin", "make m", "rollback"]


class TestADelta:
    def test_is_staged_in_one_transaction_and_applied_in_the_next(self, bench: Any) -> None:
        connection = bench.connection()
        ok, ends, _ = run(bench, bench.delta("m", ("t",), ("w",)), connection)
        assert ok
        assert set(ends.values()) == {Status.PASSED}
        assert connection.said == [
            *("begin", "make m", "count t", "commit"),
            *("begin", "columns m__orc_stage", "columns m", "append m__orc_stage m", "count w", "drop m", "write m r1", "commit", "read m"),
        ]

    def test_with_bad_rows_is_never_applied(self, bench: Any) -> None:
        connection = bench.connection(answers={"count t": ((1,),)})
        ok, ends, _ = run(bench, bench.delta("m", ("t",), ("w",)), connection)
        assert (ok, ends) == (False, {"t": Status.FAILED, "w": Status.SKIPPED, "m": Status.FAILED})
        assert connection.said == ["begin", "make m", "count t", "commit"]

    def test_that_makes_the_table_bad_is_taken_back(self, bench: Any) -> None:
        connection = bench.connection(answers={"count w": ((1,),)})
        ok, ends, events = run(bench, bench.delta("m", ("t",), ("w",)), connection)
        assert (ok, ends) == (False, {"t": Status.PASSED, "w": Status.FAILED, "m": Status.FAILED})
        assert connection.said[-2:] == ["count w", "rollback"]
        assert connection.ledger == {}
        assert events[-1].inspect == "select * from m__orc_stage"

    def test_that_conflicts_is_staged_anew(self, bench: Any) -> None:
        connection = bench.connection()
        connection.fails = {8: refused(transient=True)}  # columns were asked between: this is the append
        ok, _, _ = run(bench, bench.delta("m"), connection)
        assert ok
        assert connection.said.count("make m") == 2
        assert connection.said.count("commit") == 3


class TestTheEnd:
    def test_before_the_first_statement(self, bench: Any) -> None:
        task = bench.table("m", ("t",))
        shop = bench.workshop([task])
        shop.cancelled.set()
        connection = bench.connection()
        assert run(bench, task, connection, shop)[1] == {"t": Status.CANCELLED, "m": Status.CANCELLED}
        assert connection.said == ["begin", "rollback"]

    def test_of_a_query_that_was_cancelled(self, bench: Any) -> None:
        connection = bench.connection(fails={2: refused(cancelled=True)})
        assert run(bench, bench.table("m"), connection)[1] == {"m": Status.CANCELLED}

    def test_after_the_commit_says_what_is_published(self, bench: Any) -> None:
        task = bench.table("m")
        hook = Step("hook", "m", "hook", task.steps[0].sql, ("promote",), transaction=None)
        shop = bench.workshop([task])
        connection = bench.connection(on={"read m": shop.cancelled.set})
        ok, ends, events = run(bench, replace(task, steps=(*task.steps, hook)), connection, shop)
        assert (ok, ends) == (False, {"m": Status.CANCELLED})
        assert events[0].message == "published, but not finished: cancelled"
        assert connection.ledger == {"m": "r1"}

    def test_of_a_task_that_we_broke(self, bench: Any) -> None:
        connection = bench.connection(fails={2: ValueError("oops")})
        ok, ends, events = run(bench, bench.table("m", ("t",)), connection)
        assert (ok, ends) == (False, {"t": Status.SKIPPED, "m": Status.CRASHED})
        assert connection.said == ["begin", "make m", "rollback"]
        assert events[-1].message == "ValueError: oops"
        assert events[-1].problem is not None
        assert events[-1].problem.code == "X900"

    def test_of_a_task_whose_late_text_does_not_come(self, bench: Any) -> None:
        connection = bench.connection(fails={2: PlanError(Problem("N022", "no such column"))})
        ok, ends, events = run(bench, bench.table("m", ("t",)), connection)
        assert (ok, ends) == (False, {"t": Status.SKIPPED, "m": Status.FAILED})
        assert events[-1].message == "no such column"

    def test_of_the_process_is_not_ours_to_report(self, bench: Any) -> None:
        connection = bench.connection(fails={2: KeyboardInterrupt()})
        task = bench.table("m")
        with pytest.raises(KeyboardInterrupt):
            run_task(task, connection, bench.workshop([task]), lambda _event: None)
        assert connection.said == ["begin", "make m", "rollback"]


class TestChecks:
    def test_alone(self, bench: Any) -> None:
        assert run(bench, bench.lone("t"), bench.connection()) == (True, {"t": Status.PASSED}, [*_any(1)])
        assert run(bench, bench.lone("t"), bench.connection(answers={"count t": ((2,),)}))[:2] == (False, {"t": Status.FAILED})
        assert run(bench, bench.lone("t"), bench.connection(fails={1: refused()}))[:2] == (False, {"t": Status.FAILED})

    @pytest.mark.parametrize("rows", [(), ((0,), (0,)), ((0, 0),), (("many",),), ((float("nan"),),), ((float("inf"),),)])
    def test_what_is_no_number_of_failures_is_not_passed(self, bench: Any, rows: Any) -> None:
        ok, ends, events = run(bench, bench.lone("t"), bench.connection(answers={"count t": rows}))
        assert (ok, ends) == (False, {"t": Status.FAILED})
        assert events[0].problem is not None
        assert events[0].problem.code == "X304"

    def test_null_counts_nothing(self, bench: Any) -> None:
        assert run(bench, bench.lone("t"), bench.connection(answers={"count t": ((None,),)}))[0]

    def test_a_shared_scan_is_judged_column_by_column_and_counted_exactly_where_it_must(self, bench: Any) -> None:
        task = bench.table("m", ("t", "u"))
        stage, _, _, promote = task.steps
        verdicts = (Verdict("t", exact="count exactly"), Verdict("u", exact="count not"))
        scan = replace(task.steps[1], id="scan", verdicts=verdicts)
        task = replace(task, steps=(stage, scan, replace(promote, needs=("stage", "scan"))))
        connection = bench.connection(answers={"count t": ((5, 0),), "count exactly": ((2,),)})
        ok, ends, events = run(bench, task, connection)
        assert (ok, ends) == (False, {"t": Status.FAILED, "u": Status.PASSED, "m": Status.FAILED})
        assert [e.failures for e in events] == [2, 0, None]
        assert connection.said == ["begin", "make m", "count t", "count exactly", "commit"]

    def test_an_error_in_a_shared_scan_is_the_test_s_it_stands_in(self, bench: Any) -> None:
        task = bench.table("m", ("t", "u"))
        stage, _, _, promote = task.steps
        scan = replace(task.steps[1], id="scan", verdicts=(Verdict("t", part=(0, 10)), Verdict("u", part=(10, 20))))
        task = replace(task, steps=(stage, scan, replace(promote, needs=("stage", "scan"))))
        at = bench.connection(fails={3: refused(position=12)})
        assert run(bench, task, at)[1] == {"t": Status.SKIPPED, "u": Status.FAILED, "m": Status.FAILED}
        somewhere = bench.connection(fails={3: refused()})
        assert run(bench, task, somewhere)[1] == {"t": Status.FAILED, "u": Status.FAILED, "m": Status.FAILED}

    def test_a_unit_test_that_fails_keeps_everything_from_being_sent(self, bench: Any) -> None:
        task = bench.table("m", ("t",))
        unit = Step("unit", "u", "check", Late("render", "u"), verdicts=(Verdict("u"),), transaction=None)
        steps = (unit, *(replace(s, needs=("unit", *s.needs)) for s in task.steps))
        connection = bench.connection(answers={"late unit": ((4,),)})
        ok, ends, _ = run(bench, replace(task, steps=steps, tests=("u", "t")), connection)
        assert (ok, ends) == (False, {"u": Status.FAILED, "t": Status.SKIPPED, "m": Status.FAILED})
        assert connection.said == ["late unit"]

    def test_a_late_test_shows_the_text_that_was_sent(self, bench: Any) -> None:
        task = replace(bench.lone("t"), steps=(replace(bench.lone("t").steps[0], sql=Late("render", "t")),))
        _, _, events = run(bench, task, bench.connection(answers={"late check t": ((1,),)}))
        assert events[0].inspect == "late check t"


def _any(count: int) -> list[Any]:
    class Anything:
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    return [Anything()] * count


@pytest.mark.parametrize(
    ("verdict", "failures", "status"),
    [
        (Verdict("t"), 0, Status.PASSED),
        (Verdict("t"), 1, Status.FAILED),
        (Verdict("t", "warn"), 1, Status.WARNED),
        (Verdict("t", "warn", ("!=", 0), ("!=", 0)), 0, Status.PASSED),
        (Verdict("t", "error", (">", 2), (">", 5)), 2, Status.PASSED),
        (Verdict("t", "error", (">", 2), (">", 5)), 3, Status.WARNED),
        (Verdict("t", "error", (">", 2), (">", 5)), 6, Status.FAILED),
        (Verdict("t", "error", (">", 9), (">", 5)), 6, Status.FAILED),  # error_if is looked at first
        (Verdict("t", "warn", (">", 2), (">", 5)), 6, Status.WARNED),
        (Verdict("t", "error", ("=", 0), ("<", 0)), 0, Status.WARNED),
        (Verdict("t", "error", ("<=", 1.5), ("<", -1)), 1.5, Status.WARNED),
        (Verdict("t", "error", (">=", 1), (">=", 1)), 0.5, Status.PASSED),
        (Verdict("t", "warn", warn_fails=True), 1, Status.FAILED),
        (Verdict("t", "warn", warn_fails=True), 0, Status.PASSED),
    ],
)
def test_a_verdict_follows_dbt_s_rule(verdict: Verdict, failures: float, status: Status) -> None:
    assert judge(verdict, failures) is status
