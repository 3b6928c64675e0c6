"""A task that builds its table interval by interval: each batch is a task of its own, their ends are one."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from orchestrator.core.event import BatchFinished, BatchStarted, Event, NodeFinished, NodeStarted, Status
from orchestrator.core.interval import Interval, batch_name, spelled
from orchestrator.core.plan import Batches, Late, Statement, Step, Task
from orchestrator.core.ports import Connection
from orchestrator.execute.again import again
from orchestrator.execute.lease import returned
from orchestrator.execute.task import Holding, Outcome, run_task
from orchestrator.execute.workshop import Workshop

_WORST = (Status.CRASHED, Status.FAILED, Status.CANCELLED, Status.WARNED, Status.PASSED, Status.SKIPPED)
"""How a test ended that judged every batch: as badly as it ever did."""


@dataclass(slots=True)
class _Course:
    """How it went so far."""

    task: Task
    batches: Batches
    connection: Connection
    shop: Workshop
    hear: Callable[[Event], None]
    begin: float
    started: datetime
    exists: bool
    done: list[tuple[Interval, NodeFinished]] = field(default_factory=list)
    failed: list[tuple[Interval, NodeFinished | None]] = field(default_factory=list)
    tests: dict[str, list[tuple[str, NodeFinished]]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    crash: bool = False
    holding: Holding = field(default_factory=Holding)

    def persist(self, steps: Sequence[Step], name: str, label: str, *, keep: bool) -> tuple[Outcome, NodeFinished]:
        """Run a batch's steps as often as the model's ``retries`` allow. It waits on its thread: the model's lease is not let go."""
        number = 1
        while True:
            before, crash = {test: list(ends) for test, ends in self.tests.items()}, self.crash
            outcome, end = self.run(steps, name, keep=keep, number=number)
            retry = again(self.task, outcome, number, self.shop, random.random(), label)  # noqa: S311 - jitter, not a secret
            if retry is None:
                return outcome, end
            self.hear(retry)
            self.tests, self.crash = before, crash
            if self.shop.cancelled.wait(retry.wait):
                return outcome, end
            number += 1

    def run(self, steps: Sequence[Step], name: str = "", *, keep: bool = False, number: int = 1) -> tuple[Outcome, NodeFinished]:
        """Run some steps as a task: what its tests say is kept for the end, what it says of the node comes back.

        The lease of the first is that of all: nobody else builds the relation between two batches.
        """
        part = replace(self.task, steps=tuple(steps), keep=frozenset({0}) if keep else frozenset(), batches=None)
        outcome = run_task(part, self.connection, self.shop, lambda event: self._listen(event, name), self.holding, number)
        self.crash |= outcome.crash
        for event in outcome.events:
            self._listen(event, name)
        return outcome, next(e for e in reversed(outcome.events) if isinstance(e, NodeFinished) and e.node == self.task.node)

    def _listen(self, event: Event, name: str) -> None:
        if isinstance(event, NodeStarted) and event.node != self.task.node and event.node not in self.begun:
            self.begun.add(event.node)
            self.hear(event)
        if isinstance(event, NodeFinished) and event.node != self.task.node:
            self.tests.setdefault(event.node, []).append((name, event))

    @property
    def stopped(self) -> bool:
        """Whether going on makes no sense: interrupted, no connection, or a table that has to be whole will not be."""
        return self.crash or self.shop.cancelled.is_set() or (self.batches.whole and bool(self.failed))


def run_batches(task: Task, connection: Connection, shop: Workshop, hear: Callable[[Event], None]) -> Outcome:
    """Run a task's batches, oldest first; one that fails does not stop the others.

    The last one's transaction also closes: it judges the whole table and writes the ledger row. Should it fail, closing is a
    transaction of its own. Raises nothing for what goes wrong inside; the node and every test of the task end exactly once.
    """
    batches = task.batches
    if batches is None:
        raise AssertionError(task.node)
    now = shop.clock.now()
    course = _Course(task, batches, connection, shop, hear, shop.clock.monotonic(), now, batches.exists)
    hear(NodeStarted(now, task.node, task.kind, task.label, 0, threading.current_thread().name))
    opened, end = course.run(batches.opening)
    if not opened.ok:
        returned(course.holding.lease, connection, shop, published=False)
        return replace(_ended(course, end.status, end), word=opened.word)
    closed = not batches.intervals
    judged: NodeFinished | None = None
    for number, interval in enumerate(batches.intervals, 1):
        if course.stopped:
            course.failed += [(i, None) for i in batches.intervals[number - 1 :]]
            break
        last = number == len(batches.intervals)
        ok, end = _batch(course, interval, number, last=last)
        if ok:
            course.exists, closed = True, last
        elif last and _judged_badly(course):
            closed, judged = True, end
    if course.done and not closed and not course.stopped:
        alone, end = course.run(_alone(batches.closing))
        closed, judged = alone.ok, None if alone.ok else end
    returned(course.holding.lease, connection, shop, published=closed and judged is None and bool(course.done))
    return _concluded(course, judged)


def _batch(course: _Course, interval: Interval, number: int, *, last: bool) -> tuple[bool, NodeFinished]:
    """One batch from its start to its end, both heard of."""
    task, batches, shop = course.task, course.batches, course.shop
    name = batch_name(interval.start, batches.size)
    label = f"batch {name} of {f'{task.relation.schema}.{task.relation.name}' if task.relation else task.label}"
    place = (task.node, label, number, len(batches.intervals), interval.start, interval.end, threading.current_thread().name)
    course.hear(BatchStarted(shop.clock.now(), *place))
    steps = (*(batches.add if course.exists else batches.create), *(batches.closing if last else ()))
    outcome, end = course.persist([of_batch(s, interval, batches, last=last) for s in steps], name, label, keep=last)
    ok = outcome.ok
    status = Status.PASSED if ok else end.status
    course.hear(BatchFinished(shop.clock.now(), *place, status, end.seconds, end.message, end.rows, end.problem))
    if ok:
        course.done.append((interval, end))
    else:
        course.failed.append((interval, end))
    return ok, end


def of_batch(step: Step, interval: Interval, batches: Batches, *, last: bool = False) -> Step:
    """A step of every batch as the step of this one: bounds in place of marks.

    The ledger row that the ``last`` one's transaction writes proves its commit; its interval may have moved on by then.
    """
    sql: tuple[Statement, ...] | Late
    if isinstance(step.sql, Late):
        sql = replace(step.sql, wrap={**step.sql.wrap, "interval": interval}) if "interval" in step.sql.wrap else step.sql
    else:
        sql = tuple(replace(s, sql=interval.filled(s.sql)) for s in step.sql)
    payload: dict[str, Any] = dict(step.payload)
    if "options" in payload:
        bounds = {"start": spelled(interval.start), "end": spelled(interval.end)}
        payload["options"] = {**payload["options"], **bounds}
    if step.id.endswith("/interval"):
        complete = max(interval.start, min(interval.end, batches.now))
        payload["publish"] = replace(payload["publish"], start=spelled(interval.start), end=spelled(complete))
        if not batches.recorded or complete == interval.start:
            payload["forget"] = (spelled(interval.start), spelled(interval.end))
        if last or "forget" in payload:
            payload.pop("verify", None)
        if "verify" in payload:
            payload["verify"] = interval.filled(payload["verify"])
    return replace(step, sql=sql, payload=payload)


def _alone(closing: Sequence[Step]) -> list[Step]:
    """The closing steps without the batch they would have followed."""
    ids = {s.id for s in closing}
    return [replace(s, needs=tuple(n for n in s.needs if n in ids)) for s in closing]


def _judged_badly(course: _Course) -> bool:
    """Whether a test of the whole table is what failed: then the last batch itself was all right, and is not published all the same."""
    whole = {v.test for s in course.batches.closing for v in s.verdicts}
    return any(e.status in (Status.FAILED, Status.CRASHED) for t in whole for _, e in course.tests.get(t, ()))


def _concluded(course: _Course, judged: NodeFinished | None) -> Outcome:
    """The node's end, from those of its batches; ``judged`` is the end of what closed them, when that went wrong."""
    done, failed = course.done, course.failed
    if judged is not None:
        return _ended(course, judged.status, judged)
    if not failed:
        message = "SUCCESS" if done else "no batches"
        return _ended(course, Status.PASSED if done else Status.NOTHING, done[-1][1] if done else None, message)
    first = next((end for _, end in failed if end is not None), None)
    if course.shop.cancelled.is_set():
        return _ended(course, Status.CANCELLED, first, "cancelled")
    if not done or course.batches.whole:
        return _ended(course, first.status if first else Status.FAILED, first)
    total = len(done) + len(failed)
    return _ended(course, Status.PARTIAL, first, f"PARTIAL SUCCESS ({len(done)}/{total})")


def _ended(course: _Course, status: Status, end: NodeFinished | None, message: str = "") -> Outcome:
    """The events that end the node and all tests of its task."""
    task, shop = course.task, course.shop
    published = () if course.batches.whole and status is not Status.PASSED else tuple(course.done)
    lost = tuple(i for i, _ in course.failed) if published == tuple(course.done) else course.batches.intervals
    rows = [e.rows for _, e in published if e.rows is not None]
    problem = end.problem if end is not None and status not in (Status.PASSED, Status.NOTHING) else None
    if problem is not None and course.failed and len(course.batches.intervals) > 1:
        first = next((i for i, e in course.failed if e is end), course.failed[0][0])
        more = f", and {len(course.failed) - 1} more" if len(course.failed) > 1 else ""
        problem = replace(problem, message=f"batch {batch_name(first.start, course.batches.size)}{more}: {problem.message}")
    finished = NodeFinished(
        shop.clock.now(),
        task.node,
        task.kind,
        task.label,
        0,
        status,
        shop.clock.monotonic() - course.begin,
        threading.current_thread().name,
        message or (problem.message if problem else end.message if end else ""),
        rows=sum(rows) if rows else None,
        relation=str(task.relation) if task.relation else None,
        sql=end.sql if end else None,
        inspect=end.inspect if end and status is not Status.PASSED else None,
        problem=problem,
        started=course.started,
        response={**end.response, **({"rows_affected": sum(rows)} if rows else {})} if end and end.response else {},
        batches={"successful": _bounds(i for i, _ in published), "failed": _bounds(lost)},
    )
    tests = tuple(_test_end(course, t, finished) for t in task.tests)
    return Outcome(task, status in (Status.PASSED, Status.NOTHING), (*tests, finished), course.crash)


def _bounds(intervals: Any) -> tuple[tuple[datetime, datetime], ...]:
    return tuple(sorted((i.start, i.end) for i in intervals))


def _test_end(course: _Course, test: str, node: NodeFinished) -> NodeFinished:
    """How a test ended that judged some or all of the batches: failures added up, the batch that is to blame named."""
    heard = course.tests.get(test, [])
    counted = [(name, e) for name, e in heard if e.status is not Status.SKIPPED] or heard
    if not counted:
        known = course.shop.graph.nodes[test]
        thread = threading.current_thread().name
        message = f"`{node.node}` was not built"
        at = course.shop.clock.now()
        return NodeFinished(at, test, known.kind, known.name, 0, Status.SKIPPED, 0.0, thread, message, because=node.node)
    name, worst = min(counted, key=lambda pair: _WORST.index(pair[1].status))
    failures = [e.failures for _, e in counted if e.failures is not None]
    seconds = sum(e.seconds for _, e in counted)
    worst = replace(worst, failures=sum(failures) if failures else worst.failures, seconds=seconds)
    if worst.status is Status.PASSED or not name or len(counted) == 1:
        return worst
    message = f"batch {name}: {worst.message}"
    return replace(worst, message=message, problem=replace(worst.problem, message=message) if worst.problem else None)
