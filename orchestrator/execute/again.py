"""Whether an attempt that failed is followed by another, and when."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestrator.core.errors import Problem
from orchestrator.core.event import NodeFinished, NodeRetried, Status
from orchestrator.core.patience import Cause, Retries
from orchestrator.core.plan import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.execute.task import Outcome
    from orchestrator.execute.workshop import Workshop

ONCE = "not tried again: a hook of it had already run outside of a transaction, and would run twice"


@dataclass(frozen=True, slots=True)
class Failure:
    """What is left of an attempt that did not publish. ``repeatable`` is false when a part of it would be done twice.

    ``after`` are seconds that user code asked to wait at least.
    """

    cause: Cause
    problem: Problem
    status: Status
    started: datetime
    seconds: float = 0.0
    repeatable: bool = True
    after: float = 0.0
    sql: str | None = None
    response: Mapping[str, Any] = field(default_factory=dict)


def again(task: Task, outcome: Outcome, number: int, shop: Workshop, chance: float, label: str = "") -> NodeRetried | None:
    """The event that says that there is another attempt after number ``number``; ``None`` when there is none."""
    failure, retries = outcome.failure, task.patience.retries
    if failure is None or retries is None or shop.cancelled.is_set() or not _allowed(failure, retries, number):
        return None
    return NodeRetried(
        shop.clock.now(),
        task.node,
        task.kind,
        label or task.label,
        0,
        threading.current_thread().name,
        number,
        retries.count,
        max(retries.seconds(number, chance), failure.after),
        failure.status,
        failure.seconds,
        failure.started,
        failure.problem.message,
        failure.cause.kind,
        failure.problem,
        failure.sql,
        failure.response,
    )


def _allowed(failure: Failure, retries: Retries, number: int) -> bool:
    return failure.repeatable and number <= retries.count and retries.covers(failure.cause)


def numbered(outcome: Outcome, number: int) -> Outcome:
    """The outcome of attempt ``number``: the node's end says so, of what it failed, and why there is no other when that may surprise."""
    failure, retries = outcome.failure, outcome.task.patience.retries
    if number == 1 and failure is None:
        return outcome
    stuck = False
    if failure is not None and retries is not None and not failure.repeatable:
        stuck = _allowed(replace(failure, repeatable=True), retries, number)

    def told(event: NodeFinished) -> NodeFinished:
        problem = event.problem
        if stuck and problem is not None:
            problem = replace(problem, hint=f"{problem.hint}; {ONCE}" if problem.hint else ONCE)
        return replace(
            event,
            attempt=number,
            problem=problem,
            cause=failure.cause.kind if failure else None,
            repeatable=failure is None or failure.repeatable,
        )

    own = outcome.task.node
    return replace(outcome, events=tuple(told(e) if isinstance(e, NodeFinished) and e.node == own else e for e in outcome.events))


def cancelled(outcome: Outcome, number: int, shop: Workshop) -> Outcome:
    """The end of a task that waited for its next attempt when somebody wanted the run to end."""
    last = outcome.failure.problem.message if outcome.failure else ""
    message = f"interrupted while it waited to be tried again; attempt {number}: {last}"
    events = tuple(
        replace(e, at=shop.clock.now(), status=Status.CANCELLED, message=message) if isinstance(e, NodeFinished) else e
        for e in numbered(outcome, number).events
    )
    return replace(outcome, events=events)
