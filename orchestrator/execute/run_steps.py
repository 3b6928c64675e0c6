"""The steps of a task, in their transactions; publishes only what passed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.event import NodeFinished, NodeStarted, Status
from orchestrator.core.names import Relation
from orchestrator.core.plan import Late, Statement, Step, Task
from orchestrator.core.ports import SENT, Answer, Connection
from orchestrator.core.snapshot import Published
from orchestrator.execute.attempt import Attempt
from orchestrator.execute.difference import difference
from orchestrator.execute.ends import judged
from orchestrator.execute.judge import counted, judge
from orchestrator.execute.keep_contract import keep_contract
from orchestrator.execute.kept_failures import kept_failures, kept_rows, without_query
from orchestrator.execute.lease import overtaken, still_ours
from orchestrator.execute.recording import read_back, recording, refuse_strays
from orchestrator.execute.unchanged import unchanged
from orchestrator.execute.workshop import Workshop


def run_steps(task: Task, connection: Connection, shop: Workshop, attempt: Attempt) -> None:
    """Run the steps in order, transaction by transaction; a step whose needs did not pass is left out.

    Raises:
        ExecuteError: the warehouse, user code or a contract refused; whoever called rolls back.
    """
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


def _prove(steps: Sequence[Step], connection: Connection, shop: Workshop, attempt: Attempt) -> None:
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


def _may_run(step: Step, attempt: Attempt) -> bool:
    return all(attempt.passed.get(n, False) for n in step.needs)


def _step(step: Step, connection: Connection, shop: Workshop, attempt: Attempt) -> None:
    if not _may_run(step, attempt):
        return
    if shop.cancelled.is_set():
        raise ExecuteError(Problem("X302", "cancelled"), cancelled=True)
    if attempt.deadline is not None:
        attempt.deadline.check()
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
    attempt.loose |= step.does == "hook" and step.transaction is None


def _statements(step: Step, connection: Connection, shop: Workshop) -> tuple[Statement, ...]:
    return shop.late(step, connection) if isinstance(step.sql, Late) else step.sql


def _send(statement: Statement, connection: Connection, attempt: Attempt, *, counts: bool = False) -> Answer:
    attempt.current = statement
    attempt.sent.append(statement.sql)
    answer = connection.execute(statement.sql)
    if answer.columns == (SENT,):
        attempt.sent += [str(row[0]) for row in answer.rows]
    if counts and (answer.affected is not None or attempt.rows is None):
        attempt.rows = answer.affected
        attempt.message = answer.message
        attempt.details = dict(answer.details)
    return answer


def _apply(step: Step, connection: Connection, shop: Workshop, attempt: Attempt) -> None:
    from orchestrator.execute.apply import apply

    stage, target = step.payload["stage"], step.relation
    if not isinstance(target, Relation):
        raise AssertionError(step.id)
    staged, there = connection.columns(stage), connection.columns(target)
    attempt.quiet = {name.casefold() for name, _ in staged} == {name.casefold() for name, _ in there}
    for sql in apply(stage, target, staged, there, step.payload, shop.dialect):
        _send(Statement(sql), connection, attempt)


def _history(step: Step, connection: Connection, shop: Workshop, attempt: Attempt) -> None:
    from orchestrator.execute.history import written

    done = written(step, connection, shop, lambda sql: _send(Statement(sql), connection, attempt))
    if done is not None:
        attempt.rows, attempt.message, attempt.details = done.rows, done.message, done.details
    attempt.passed[step.id] = True


def _promote(step: Step, connection: Connection, shop: Workshop, attempt: Attempt) -> None:
    at = shop.clock.now()
    publish = replace(step.payload["publish"], at=at.isoformat(), rows=attempt.rows)
    if isinstance(publish, Published) and shop.versions is not None:
        gates = [e.node for e in attempt.events if isinstance(e, NodeFinished) and e.status is Status.PASSED]
        same = unchanged(step, attempt, connection, shop.dialect, shop.versions)
        publish = replace(publish, made=shop.versions.made(step.node, at, publish.run, gates, same=same).text)
        attempt.row = replace(publish, node=step.node)
    for statement in _statements(step, connection, shop):
        _send(statement, connection, attempt)
        # where nothing is undone, what readers see now must not be built again because the ledger was out of reach
        attempt.published |= step.transaction is None
    for sql in recording(publish, step.payload, shop.dialect, None if attempt.returned else attempt.lease):
        _send(Statement(sql), connection, attempt)
    attempt.returned |= isinstance(publish, Published)


def _check(step: Step, connection: Connection, shop: Workshop, attempt: Attempt) -> None:
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
