"""A task runs while it has its relation's lease, and returns it however it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.event import NodeFinished, Noted, Status
from orchestrator.execute.lease import Leasing
from orchestrator.execute.task import run_task

CLAIM = "claim m me"


class Holders:
    """Who has the lease, ask by ask; the last one for ever."""

    def __init__(self, connection: Any, *holders: tuple[str, int]) -> None:
        self._connection, self._holders = connection, list(holders)
        connection.on[CLAIM] = self.next

    def next(self) -> None:
        run, fence = self._holders.pop(0) if len(self._holders) > 1 else self._holders[0]
        self._connection.answers[CLAIM] = ((run, fence, None),)


def run(bench: Any, connection: Any, **leasing: Any) -> tuple[Any, list[Any]]:
    task = replace(bench.table("m", ("t",)), leased=True)
    shop = replace(bench.workshop([task]), leasing=Leasing("me", **leasing))
    told: list[Any] = []
    outcome = run_task(task, connection, shop, told.append)
    return outcome, [*told, *outcome.events]


@pytest.fixture
def connection(bench: Any) -> Any:
    made = bench.connection()
    Holders(made, ("me", 1))
    return made


def test_it_is_taken_before_the_transaction_and_returned_with_the_publish(bench: Any, connection: Any) -> None:
    outcome, _ = run(bench, connection)
    assert outcome.ok
    wanted = [CLAIM, "begin", "make m", "count t", "swap m", "publish under 1", "write m r1", "commit", "read m"]
    assert connection.said == wanted


def test_a_task_that_is_not_published_returns_it_too(bench: Any, connection: Any) -> None:
    connection.answers["count t"] = ((3,),)
    outcome, _ = run(bench, connection)
    assert not outcome.ok
    assert connection.said[-1] == "return m 1"


def test_a_task_that_breaks_returns_it_too(bench: Any, connection: Any) -> None:
    connection.fails[3] = ExecuteError(Problem("X102", "no such column"))
    _, events = run(bench, connection)
    assert connection.said[-1] == "return m 1"
    assert events[-1].problem.code == "X102"


def test_who_waits_says_for_whom_and_goes_on(bench: Any) -> None:
    connection = bench.connection()
    Holders(connection, ("another-run", 4), ("another-run", 4), ("another-run", 4), ("me", 5))
    outcome, events = run(bench, connection)
    assert outcome.ok
    notes = [e for e in events if isinstance(e, Noted)]
    assert [n.message for n in notes] == ["waiting for run another-, which builds `s.m`"]
    assert "publish under 5" in connection.said


@pytest.mark.parametrize(
    ("leasing", "status", "code"),
    [
        ({"on_conflict": "fail"}, Status.FAILED, "X331"),
        ({"seconds": 0}, Status.FAILED, "X331"),
        ({"seconds": 2}, Status.FAILED, "X331"),
        ({"on_conflict": "skip"}, Status.SKIPPED, None),
    ],
)
def test_who_does_not_wait_builds_nothing(bench: Any, leasing: dict[str, Any], status: Status, code: str | None) -> None:
    connection = bench.connection()
    Holders(connection, ("another-run", 4))
    outcome, events = run(bench, connection, **leasing)
    assert not outcome.ok
    assert "begin" not in connection.said
    assert not [s for s in connection.said if s.startswith("return")]  # it is not ours
    ends = {e.node: e for e in events if isinstance(e, NodeFinished)}
    assert (ends["m"].status, ends["t"].status) == (status, Status.SKIPPED)
    assert (ends["m"].problem.code if ends["m"].problem else None) == code
    assert "another-" in ends["m"].message


def test_a_second_try_has_the_next_fence(bench: Any) -> None:
    connection = bench.connection(fails={3: ExecuteError(Problem("X105", "conflict"), transient=True)})
    Holders(connection, ("me", 1), ("me", 2))
    outcome, _ = run(bench, connection)
    assert outcome.ok
    assert connection.said.count(CLAIM) == 2
    assert "publish under 2" in connection.said


def test_a_second_try_after_somebody_else_had_it_ends(bench: Any) -> None:
    """What the other one built may rest on data that ours does not: nobody knows, so nobody overwrites it."""
    connection = bench.connection(fails={3: ExecuteError(Problem("X108", "lost"), transient=True)})
    Holders(connection, ("me", 1), ("me", 3))
    outcome, events = run(bench, connection)
    assert not outcome.ok
    assert events[-1].problem.code == "X330"
    assert "return m 3" in connection.said
    assert connection.said.count("begin") == 1


def test_an_error_that_comes_of_being_overtaken_says_so(bench: Any, connection: Any) -> None:
    connection.fails[3] = ExecuteError(Problem("X102", "there is no m__orc_stage"))
    connection.fails[5] = ExecuteError(Problem("X330", "the lease was taken over"))  # claim, begin, make, rollback, return
    outcome, events = run(bench, connection)
    assert not outcome.ok
    assert events[-1].problem.code == "X330"


@pytest.mark.parametrize("ours", [True, False])
def test_a_ledger_row_of_another_run_proves_nothing_once_the_lease_has_gone_on(bench: Any, ours: bool) -> None:
    """What was committed must not be done again because somebody else was quick to publish the next version."""
    connection = bench.connection(lies=True, ledger={"m": "another-run"})
    Holders(connection, ("me", 1), ("me", 2))
    connection.answers["who has m"] = (("me", 1, None) if ours else ("another-run", 2, None),)
    connection.on["who has m"] = lambda: setattr(connection, "lies", False)
    outcome, events = run(bench, connection)
    assert outcome.ok is ours
    assert (events[-1].problem.code if events[-1].problem else None) == (None if ours else "X330")
    assert connection.said.count("begin") == (2 if ours else 1)
