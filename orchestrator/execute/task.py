"""One task on one connection: transactions, steps, verdicts; publishes only what passed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from orchestrator.core.errors import ExecuteError, OrcError, Problem, WarehouseError
from orchestrator.core.event import Event, NodeFinished, NodeRetried, NodeStarted, Noted, Status
from orchestrator.core.patience import Cause
from orchestrator.core.plan import Task
from orchestrator.core.ports import Connection
from orchestrator.core.snapshot import Lease
from orchestrator.execute.again import Failure
from orchestrator.execute.attempt import Attempt
from orchestrator.execute.deadline import Deadline
from orchestrator.execute.ends import finished, test_end
from orchestrator.execute.lease import Occupied, lease, returned
from orchestrator.execute.run_steps import run_steps
from orchestrator.execute.sparing import spared
from orchestrator.execute.workshop import Workshop

ATTEMPTS = 4
"""How often a task whose transaction was rolled back by a conflict is tried."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended, and the events that say so. ``ok`` decides whether its children may run.

    ``crash`` says that it was neither the author's doing nor ours to judge: the connection may not be trusted any more. ``word`` is
    what its children are told of it; ``declined`` says that it was left out on purpose, ``excused`` that it failed and may. ``failure``
    is what decides about another attempt, and ``retry`` says that there is one.
    """

    task: Task
    ok: bool
    events: tuple[Event, ...] = ()
    crash: bool = False
    word: str = "failed"
    failure: Failure | None = None
    retry: NodeRetried | None = None
    declined: bool = False
    excused: bool = False

    @classmethod
    def crashed(cls, task: Task, error: BaseException, shop: Workshop) -> Outcome:
        """The end of a task that never began: no connection, or a bug of ours."""
        problem = error.first if isinstance(error, OrcError) else _bug(error)
        ends = [test_end(t, shop, Status.CRASHED, problem.message, problem, None) for t in task.tests]
        if task.kind not in ("test", "unit_test"):
            ends.append(finished(task, shop, Status.CRASHED, 0.0, message=problem.message, problem=problem))
        gone = isinstance(error, WarehouseError)
        failure = Failure(Cause(problem.code, problem.message, transient=gone), problem, Status.CRASHED, shop.clock.now())
        return cls(task, ok=False, events=tuple(ends), crash=True, failure=failure)


def _bug(error: BaseException) -> Problem:
    return Problem("X900", f"{type(error).__name__}: {error}", None, "this is a bug in orc; please report it with --debug output")


@dataclass(slots=True)
class Holding:
    """A lease that outlasts one call of :func:`run_task`: each takes it anew, and whoever made this returns it."""

    lease: Lease | None = None


def run_task(
    task: Task,
    connection: Connection,
    shop: Workshop,
    hear: Callable[[Event], None],
    holding: Holding | None = None,
    number: int = 1,
) -> Outcome:
    """Run one task to its end. A conflict with another session rolls back and tries again; nothing else is tried twice here.

    A task with ``retries`` is tried once: whoever called decides about attempt ``number + 1``, and until then nobody hears of tests.
    Raises nothing for what goes wrong inside: it is in the outcome. Every test of the task ends exactly once.
    """
    begin, started = shop.clock.monotonic(), shop.clock.now()
    connection.about(task.node)
    if task.kind not in ("test", "unit_test"):
        hear(NodeStarted(started, task.node, task.kind, task.label, 0, threading.current_thread().name, number))
    tries = ATTEMPTS if task.patience.retries is None else 1
    held = holding.lease if holding else None
    for tried in range(1, tries + 1):
        attempt = Attempt()
        limit = task.patience.timeout
        deadline = Deadline(limit, connection, *(shop.dialect.time_limit(limit) if limit is not None else ()))
        error: ExecuteError | None = None
        status = Status.FAILED
        try:
            if task.leased:
                attempt.lease = held = lease(task, connection, shop, hear, held)
            if holding is None and (kept := spared(task, connection, shop)) is not None:
                returned(held, connection, shop, published=False)
                return Outcome(task, ok=True, events=_reused(task, shop, kept, started))
            if holding is not None:
                holding.lease = held
            with deadline:
                attempt.deadline = deadline
                _work(task, connection, shop, attempt, whole=holding is None)
        except OrcError as refused:
            error = refused if isinstance(refused, ExecuteError) else ExecuteError(*refused.problems)
            if deadline.expired and not shop.cancelled.is_set():
                error = deadline.error()
            if isinstance(refused, WarehouseError):  # nobody there who could take the lease back: it ends with our sessions
                held, status = None, Status.CRASHED
        except Exception as bug:  # noqa: BLE001 - whatever it is, the task must end and say so
            error, status = ExecuteError(_bug(bug)), Status.CRASHED
        except BaseException:
            connection.rollback()
            raise
        if error is None:
            deadline.lift()
            if holding is None:
                returned(held, connection, shop, published=attempt.published)
            break
        connection.rollback()
        deadline.lift()
        # What may have been published must not be applied twice: from the first commit on there is no second try.
        if not error.transient or attempt.published or tried == tries or shop.cancelled.is_set():
            if not isinstance(error, Occupied):
                error = (None if holding else returned(held, connection, shop, published=attempt.published)) or error
            elif error.skip:
                return _left_alone(task, error, shop, hear, started)
            status = Status.CANCELLED if error.cancelled or shop.cancelled.is_set() else Status.CRASHED if error.transient else status
            attempt.cost = connection.about(None)
            return _broken(task, error, status, attempt, shop, hear, begin, started)
        hear(Noted(shop.clock.now(), "debug", f"rolled back, trying again at once: {error.first.message}", task.node))
        shop.cancelled.wait(random.uniform(0, 0.02 * 4**tried))  # noqa: S311 - jitter, not a secret
    attempt.cost = connection.about(None)
    return _ended(task, attempt, shop, hear, shop.clock.monotonic() - begin, started)


def _work(task: Task, connection: Connection, shop: Workshop, attempt: Attempt, *, whole: bool) -> None:
    """Build it; what is published as a whole may have to be written to a file, too."""
    run_steps(task, connection, shop, attempt)
    if shop.file is not None and whole and not attempt.failed_tests:
        attempt.details.update(shop.file(task, connection))


def _ended(task: Task, attempt: Attempt, shop: Workshop, hear: Callable[[Event], None], seconds: float, started: datetime) -> Outcome:
    """Everything was sent: what tests said decides."""
    ok = not attempt.failed_tests
    if ok and attempt.row is not None and shop.versions is not None:
        shop.versions.done(task.node, attempt.row)
    judged: list[Event] = []
    for event in attempt.events:
        priced = replace(event, response=attempt.cost) if isinstance(event, NodeFinished) and event.node == task.node else event
        judged.append(_where_rows_are_now(priced, task, shop) if ok else priced)
    if ok or task.patience.retries is None:
        for event in judged:
            hear(event)
        judged = []
    ends = [test_end(t, shop, Status.SKIPPED, f"`{task.node}` was not built", None, task.node) for t in _unjudged(task, attempt)]
    if task.kind not in ("test", "unit_test"):
        ends.append(_published(task, shop, attempt, seconds, started))
    return Outcome(task, ok, (*judged, *ends), failure=None if ok else _rejected(task, shop, attempt, seconds, started))


def _reused(task: Task, shop: Workshop, message: str, started: datetime) -> tuple[Event, ...]:
    """The ends of a task that had nothing to do, and of the tests that its rows have passed before."""
    tests = (test_end(t, shop, Status.REUSED, message, None, None) for t in task.tests)
    return (*tests, finished(task, shop, Status.REUSED, 0.0, message=message, started=started))


def _rejected(task: Task, shop: Workshop, attempt: Attempt, seconds: float, started: datetime) -> Failure:
    """What tests left of an attempt."""
    problem = _not_published(task, shop, attempt.failed_tests, "failed")
    if task.kind in ("test", "unit_test"):
        problem = replace(problem, code="X303", message="the test failed")
    cause = Cause(problem.code, problem.message, test=True)
    repeatable = not (attempt.loose or attempt.published)
    return Failure(cause, problem, Status.FAILED, started, seconds, repeatable, sql=";\n".join(attempt.sent), response=attempt.cost)


def _left_alone(task: Task, occupied: Occupied, shop: Workshop, hear: Callable[[Event], None], started: datetime) -> Outcome:
    """Another run builds it, and that is fine with whoever asked."""
    message = occupied.first.message
    hear(Noted(shop.clock.now(), "info", message, task.node))
    ends = [test_end(t, shop, Status.SKIPPED, message, None, task.node) for t in task.tests]
    return Outcome(
        task,
        ok=False,
        events=(*ends, finished(task, shop, Status.SKIPPED, 0.0, message=message, started=started)),
        word="is built by another run",
    )


def _unjudged(task: Task, attempt: Attempt) -> list[str]:
    told = {e.node for e in attempt.events if isinstance(e, NodeFinished)}
    return [t for t in task.tests if t not in told]


def _where_rows_are_now(event: Event, task: Task, shop: Workshop) -> Event:
    """A test that warned was judged on the stage; once that is published, its rows are in the published relation."""
    if isinstance(event, NodeFinished) and event.inspect and task.relation is not None:
        published, shown = shop.dialect.relation(task.relation), event.inspect
        for built in (task.relation.stage, task.relation.changes):  # a snapshot's new table may be built in the place of its changes
            shown = shown.replace(shop.dialect.relation(built), published)
        return replace(event, inspect=shown)
    return event


def _published(task: Task, shop: Workshop, attempt: Attempt, seconds: float, started: datetime) -> NodeFinished:
    sql = ";\n".join(attempt.sent)
    if not attempt.failed_tests:
        return finished(
            task,
            shop,
            Status.PASSED,
            seconds,
            message=attempt.message,
            rows=attempt.rows,
            sql=sql,
            started=started,
            response={**attempt.details, **attempt.cost},
        )
    aside = task.relation.aside if task.relation else None
    made = next((s for s in task.steps if s.does in ("stage", "seed", "python") and s.relation not in (None, aside)), None)
    stage = made.relation if made else None
    stays = made is not None and (made.transaction is None or bool(task.keep))
    kept = stays and any(attempt.passed.get(s.id) for s in task.steps if s.relation == stage)
    shown = shop.dialect.relation(stage) if stage and kept else None
    hint = f"the rejected rows are in {shown}; what was published before is untouched" if shown else None
    problem = _not_published(task, shop, attempt.failed_tests, "failed", hint)
    return finished(
        task,
        shop,
        Status.FAILED,
        seconds,
        message=problem.message,
        sql=sql,
        started=started,
        problem=problem,
        inspect=shown and f"select * from {shown}",
        response=attempt.cost,
    )


def _broken(
    task: Task,
    error: ExecuteError,
    status: Status,
    attempt: Attempt,
    shop: Workshop,
    hear: Callable[[Event], None],
    begin: float,
    started: datetime,
) -> Outcome:
    """The warehouse or user code refused: nothing of this task is published, unless that had happened before."""
    blamed = _blamed(error, attempt, task)
    problem = shop.explain(error, attempt.current, blamed[0] if blamed else task.node)
    seconds = shop.clock.monotonic() - begin
    judged = () if task.patience.retries is None else tuple(attempt.events)
    for event in attempt.events if task.patience.retries is None else ():
        hear(event)
    ends = [
        test_end(
            t,
            shop,
            status if t in blamed or status is Status.CANCELLED else Status.SKIPPED,
            problem.message,
            problem if t in blamed else None,
            because=task.node,
        )
        for t in _unjudged(task, attempt)
    ]
    if task.kind not in ("test", "unit_test"):
        if blamed and status is not Status.CANCELLED:
            problem = _not_published(task, shop, blamed, "cannot run")
        elif attempt.published:
            problem = replace(problem, message=f"published, but not finished: {problem.message}")
        sql = ";\n".join(attempt.sent)
        more = {"problem": problem, "sql": sql, "started": started, "response": attempt.cost}
        ends.append(finished(task, shop, status, seconds, message=problem.message, **more))
    failure = None
    if status is not Status.CANCELLED and not isinstance(error, Occupied) and error.first.code not in UNKNOWN:
        late = error.first.code in LATE
        cause = Cause(error.first.code, error.first.message, error.transient or error.later is not None or status is Status.CRASHED, late)
        repeatable = not (attempt.published or attempt.loose)
        told = (seconds, repeatable, error.later or 0.0, ";\n".join(attempt.sent), attempt.cost)
        failure = Failure(cause, problem, status, started, *told)
    return Outcome(task, ok=False, events=(*judged, *ends), crash=status is Status.CRASHED, failure=failure)


LATE = frozenset({"X205", "X410"})
"""Limits of our own that an attempt ran into."""

UNKNOWN = frozenset({"X115", "X330"})
"""Nobody can say what became of the attempt, or it is another run's now: it is not made twice, whatever its config says."""


def _blamed(error: ExecuteError, attempt: Attempt, task: Task) -> tuple[str, ...]:
    """The tests whose own SQL failed, if the task stopped in a check: the one at the error's position, else all of its scan."""
    step = next((s for s in task.steps if s.id == attempt.step), None)
    if step is None or step.does != "check" or step.id in attempt.passed:
        return ()
    exact = [v.test for v in step.verdicts if error.position is not None and v.part[0] <= error.position < v.part[1]]
    return tuple(exact or [v.test for v in step.verdicts])


def _not_published(task: Task, shop: Workshop, tests: Sequence[str], did: str, hint: str | None = None) -> Problem:
    """What a model says that its tests kept from being published."""
    names = ", ".join(shop.graph.nodes[t].name for t in tests)
    message = f"not published: {len(tests)} {'test' if len(tests) == 1 else 'tests'} {did} ({names})"
    return Problem("X300", message, shop.graph.nodes[task.node].span, hint, node=task.node)
