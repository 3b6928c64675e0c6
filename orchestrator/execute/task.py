"""One task on one connection: transactions, steps, verdicts; publishes only what passed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from orchestrator.core.errors import ExecuteError, OrcError, Problem, WarehouseError
from orchestrator.core.event import Event, NodeFinished, NodeStarted, Noted, Status
from orchestrator.core.names import Relation
from orchestrator.core.plan import Late, Statement, Step, Task
from orchestrator.core.ports import Answer, Connection
from orchestrator.core.snapshot import Lease, Published
from orchestrator.execute.difference import difference
from orchestrator.execute.ends import finished, judged, test_end
from orchestrator.execute.judge import counted, judge
from orchestrator.execute.keep_contract import keep_contract
from orchestrator.execute.kept_failures import kept_failures, kept_rows, without_query
from orchestrator.execute.lease import Occupied, lease, overtaken, returned, still_ours
from orchestrator.execute.recording import read_back, recording, refuse_strays
from orchestrator.execute.workshop import Workshop

ATTEMPTS = 4
"""How often a task whose transaction was rolled back by a conflict is tried."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended, and the events that say so. ``ok`` decides whether its children may run.

    ``crash`` says that it was neither the author's doing nor ours to judge: the connection may not be trusted any more. ``word`` is
    what its children are told of it.
    """

    task: Task
    ok: bool
    events: tuple[Event, ...] = ()
    crash: bool = False
    word: str = "failed"

    @classmethod
    def crashed(cls, task: Task, error: BaseException, shop: Workshop) -> Outcome:
        """The end of a task that never began: no connection, or a bug of ours."""
        problem = error.first if isinstance(error, OrcError) else _bug(error)
        ends = [test_end(t, shop, Status.CRASHED, problem.message, problem, None) for t in task.tests]
        if task.kind not in ("test", "unit_test"):
            ends.append(finished(task, shop, Status.CRASHED, 0.0, message=problem.message, problem=problem))
        return cls(task, ok=False, events=tuple(ends), crash=True)


def _bug(error: BaseException) -> Problem:
    return Problem("X900", f"{type(error).__name__}: {error}", None, "this is a bug in orc; please report it with --debug output")


@dataclass(slots=True)
class _Attempt:
    """What one try of a task has seen so far."""

    sent: list[str] = field(default_factory=list)
    passed: dict[str, bool] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    failed_tests: list[str] = field(default_factory=list)
    rows: int | None = None
    message: str = "OK"
    details: dict[str, Any] = field(default_factory=dict)
    cost: Mapping[str, int] = field(default_factory=dict)
    step: str = ""
    current: Statement | None = None
    published: bool = False
    lease: Lease | None = None
    returned: bool = False


@dataclass(slots=True)
class Holding:
    """A lease that outlasts one call of :func:`run_task`: each takes it anew, and whoever made this returns it."""

    lease: Lease | None = None


def run_task(task: Task, connection: Connection, shop: Workshop, hear: Callable[[Event], None], holding: Holding | None = None) -> Outcome:
    """Run one task to its end. A conflict with another session rolls back and tries again; nothing else is tried twice.

    Raises nothing for what goes wrong inside: it is in the outcome. Every test of the task ends exactly once.
    """
    begin, started = shop.clock.monotonic(), shop.clock.now()
    connection.about(task.node)
    if task.kind not in ("test", "unit_test"):
        hear(NodeStarted(started, task.node, task.kind, task.label, 0, threading.current_thread().name))
    held = holding.lease if holding else None
    for number in range(1, ATTEMPTS + 1):
        attempt = _Attempt()
        error: ExecuteError | None = None
        status = Status.FAILED
        try:
            if task.leased:
                attempt.lease = held = lease(task, connection, shop, hear, held)
            if holding is not None:
                holding.lease = held
            _run_steps(task, connection, shop, attempt)
        except OrcError as refused:
            error = refused if isinstance(refused, ExecuteError) else ExecuteError(*refused.problems)
            if isinstance(refused, WarehouseError):  # nobody there who could take the lease back: it ends with our sessions
                held, status = None, Status.CRASHED
        except Exception as bug:  # noqa: BLE001 - whatever it is, the task must end and say so
            error, status = ExecuteError(_bug(bug)), Status.CRASHED
        except BaseException:
            connection.rollback()
            raise
        if error is None:
            if holding is None:
                returned(held, connection, shop, published=attempt.published)
            break
        connection.rollback()
        # What may have been published must not be applied twice: from the first commit on there is no second try.
        if not error.transient or attempt.published or number == ATTEMPTS or shop.cancelled.is_set():
            if not isinstance(error, Occupied):
                error = (None if holding else returned(held, connection, shop, published=attempt.published)) or error
            elif error.skip:
                return _left_alone(task, error, shop, hear, started)
            status = Status.CANCELLED if error.cancelled or shop.cancelled.is_set() else Status.CRASHED if error.transient else status
            attempt.cost = connection.about(None)
            return _broken(task, error, status, attempt, shop, hear, begin, started)
        shop.cancelled.wait(random.uniform(0, 0.02 * 4**number))  # noqa: S311 - jitter, not a secret
    attempt.cost = connection.about(None)
    seconds = shop.clock.monotonic() - begin
    ok = not attempt.failed_tests
    for event in attempt.events:
        priced = replace(event, response=attempt.cost) if isinstance(event, NodeFinished) and event.node == task.node else event
        hear(_where_rows_are_now(priced, task, shop) if ok else priced)
    ends = [test_end(t, shop, Status.SKIPPED, f"`{task.node}` was not built", None, task.node) for t in _unjudged(task, attempt)]
    if task.kind not in ("test", "unit_test"):
        ends.append(_published(task, shop, attempt, seconds, started))
    return Outcome(task, ok, tuple(ends))


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


def _unjudged(task: Task, attempt: _Attempt) -> list[str]:
    told = {e.node for e in attempt.events if isinstance(e, NodeFinished)}
    return [t for t in task.tests if t not in told]


def _where_rows_are_now(event: Event, task: Task, shop: Workshop) -> Event:
    """A test that warned was judged on the stage; once that is published, its rows are in the published relation."""
    if isinstance(event, NodeFinished) and event.inspect and task.relation is not None:
        stage, published = shop.dialect.relation(task.relation.stage), shop.dialect.relation(task.relation)
        return replace(event, inspect=event.inspect.replace(stage, published))
    return event


def _published(task: Task, shop: Workshop, attempt: _Attempt, seconds: float, started: datetime) -> NodeFinished:
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
    attempt: _Attempt,
    shop: Workshop,
    hear: Callable[[Event], None],
    begin: float,
    started: datetime,
) -> Outcome:
    """The warehouse or user code refused: nothing of this task is published, unless that had happened before."""
    blamed = _blamed(error, attempt, task)
    problem = shop.explain(error, attempt.current, blamed[0] if blamed else task.node)
    seconds = shop.clock.monotonic() - begin
    for event in attempt.events:
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
    return Outcome(task, ok=False, events=tuple(ends), crash=status is Status.CRASHED)


def _blamed(error: ExecuteError, attempt: _Attempt, task: Task) -> tuple[str, ...]:
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


def _run_steps(task: Task, connection: Connection, shop: Workshop, attempt: _Attempt) -> None:
    for transaction, group in groupby(task.steps, key=lambda s: s.transaction):
        steps = list(group)
        if transaction is None:
            for step in steps:
                _step(step, connection, shop, attempt)
            continue
        if not any(_may_run(s, attempt) for s in steps):
            continue
        connection.begin()
        attempt.sent.append("begin transaction")
        for step in steps:
            _step(step, connection, shop, attempt)
        if all(attempt.passed.get(s.id, False) for s in steps) or transaction in task.keep:
            kept = kept_rows(steps, connection, attempt.passed)
            connection.commit()
            attempt.sent.append("commit")
            attempt.published |= any(s.does == "promote" and attempt.passed.get(s.id) for s in steps)
            _prove(steps, connection, shop, attempt)
        else:
            kept = kept_rows(steps, connection, attempt.passed) + kept_failures(steps, connection, shop, attempt.passed)
            connection.rollback()
            attempt.sent.append("rollback")
            attempt.events = [without_query(e, steps) for e in attempt.events]
        for audit, rows in kept:
            connection.load(audit, rows.to_reader())


def _prove(steps: Sequence[Step], connection: Connection, shop: Workshop, attempt: _Attempt) -> None:
    """Where a commit that did not raise proves nothing: read the ledger row back.

    Another run may have published since; only while the lease is ours a row that is not proves that nothing was committed.
    """
    promoted = [s for s in steps if s.does == "promote" and attempt.passed.get(s.id) and "verify" in s.payload]
    for step in promoted[-1:]:  # one row proves the transaction, and the last one is where it says
        rows = read_back(str(step.payload["verify"]), connection)
        if not rows or rows[0][0] != step.payload["publish"].run:
            attempt.published = False
            if attempt.lease is not None and not still_ours(attempt.lease, connection, shop):
                raise ExecuteError(overtaken(attempt.lease.relation))
            problem = Problem("X301", "the engine confirmed a commit that did not happen", None, "run again: nothing was published")
            raise ExecuteError(problem, transient=True)


def _may_run(step: Step, attempt: _Attempt) -> bool:
    return all(attempt.passed.get(n, False) for n in step.needs)


def _step(step: Step, connection: Connection, shop: Workshop, attempt: _Attempt) -> None:
    if not _may_run(step, attempt):
        return
    if shop.cancelled.is_set():
        raise ExecuteError(Problem("X302", "cancelled"), cancelled=True)
    attempt.step = step.id
    attempt.current = None
    match step.does:
        case "check":
            _check(step, connection, shop, attempt)
        case "seed" | "python":
            attempt.rows = shop.loaders[step.does](step, connection)
            attempt.message = f"SELECT {attempt.rows}" if step.does == "python" else f"INSERT {attempt.rows}"
        case "contract":
            statements = _statements(step, connection, shop)
            attempt.current = statements[0] if statements else None
            keep_contract(step, statements, connection, shop)
        case "refuse":
            raise ExecuteError(step.payload["problem"])
        case "apply":
            _apply(step, connection, shop, attempt)
        case "history":
            _history(step, connection, shop, attempt)
        case "promote":
            _promote(step, connection, shop, attempt)
        case _:
            for statement in _statements(step, connection, shop):
                answer = _send(statement, connection, attempt, counts=step.does == "stage")
                if step.does == "within":
                    refuse_strays(answer.rows[0][0], step.payload["event_time"])
    attempt.passed.setdefault(step.id, True)


def _statements(step: Step, connection: Connection, shop: Workshop) -> tuple[Statement, ...]:
    return shop.late(step, connection) if isinstance(step.sql, Late) else step.sql


def _send(statement: Statement, connection: Connection, attempt: _Attempt, *, counts: bool = False) -> Answer:
    attempt.current = statement
    attempt.sent.append(statement.sql)
    answer = connection.execute(statement.sql)
    if counts and (answer.affected is not None or attempt.rows is None):
        attempt.rows = answer.affected
        attempt.message = answer.message
        attempt.details = dict(answer.details)
    return answer


def _apply(step: Step, connection: Connection, shop: Workshop, attempt: _Attempt) -> None:
    from orchestrator.execute.apply import apply

    stage, target = step.payload["stage"], step.relation
    if not isinstance(target, Relation):
        raise AssertionError(step.id)
    for sql in apply(stage, target, connection.columns(stage), connection.columns(target), step.payload, shop.dialect):
        _send(Statement(sql), connection, attempt)


def _history(step: Step, connection: Connection, shop: Workshop, attempt: _Attempt) -> None:
    from orchestrator.execute.history import written

    done = written(step, connection, shop, lambda sql: _send(Statement(sql), connection, attempt))
    attempt.rows, attempt.message, attempt.details = done.rows, done.message, done.details
    attempt.passed[step.id] = True


def _promote(step: Step, connection: Connection, shop: Workshop, attempt: _Attempt) -> None:
    publish = replace(step.payload["publish"], at=shop.clock.now().isoformat(), rows=attempt.rows)
    for statement in _statements(step, connection, shop):
        _send(statement, connection, attempt)
        # where nothing is undone, what readers see now must not be built again because the ledger was out of reach
        attempt.published |= step.transaction is None
    for sql in recording(publish, step.payload, shop.dialect, None if attempt.returned else attempt.lease):
        _send(Statement(sql), connection, attempt)
    attempt.returned |= isinstance(publish, Published)


def _check(step: Step, connection: Connection, shop: Workshop, attempt: _Attempt) -> None:
    begin, started = shop.clock.monotonic(), shop.clock.now()
    for verdict in step.verdicts:
        node = shop.graph.nodes[verdict.test]
        attempt.events.append(NodeStarted(started, node.id, node.kind, node.name, 0, threading.current_thread().name))
    answer = Answer()
    sent = len(attempt.sent)
    for statement in _statements(step, connection, shop):
        answer = _send(statement, connection, attempt)
    values: Sequence[Any]
    detail = ""
    if isinstance(step.sql, Late) and step.sql.what == "unit_test":  # its rows are the differences, each with their number
        values = answer.rows[0][:1] if answer.rows else (0,)
        detail = difference(["", *answer.columns[2:]], [row[1:] for row in answer.rows], int(values[0])) if answer.rows else ""
    elif len(answer.rows) == 1 and len(answer.rows[0]) == len(step.verdicts):
        values = answer.rows[0]
    else:
        raise ExecuteError(
            Problem("X304", f"the test gave {len(answer.rows)} rows instead of one number", None, "`fail_calc` is an aggregate")
        )
    passed = True
    for verdict, value in zip(step.verdicts, values, strict=True):
        failures = counted(value, verdict)
        if failures and verdict.exact:
            failures = counted(_send(Statement(verdict.exact), connection, attempt).rows[0][0], verdict)
        if isinstance(step.sql, Late) and step.sql.what == "render" and not verdict.inspect:
            verdict = replace(verdict, inspect=attempt.sent[-1])  # noqa: PLW2901 - its text was not known before
        status = judge(verdict, failures)
        passed &= status is not Status.FAILED
        if status is Status.FAILED:
            attempt.failed_tests.append(verdict.test)
        seconds = shop.clock.monotonic() - begin
        attempt.events.append(judged(verdict, failures, status, shop, seconds, started, ";\n".join(attempt.sent[sent:]), detail))
    attempt.passed[step.id] = passed
