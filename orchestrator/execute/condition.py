"""Whether a task is done at all: its `when`, asked just before its first statement."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.core.errors import ExecuteError, OrcError, Problem, WarehouseError
from orchestrator.core.event import NodeFinished, Status
from orchestrator.core.patience import Cause
from orchestrator.core.plan import Statement, Task
from orchestrator.core.ports import Connection
from orchestrator.execute.again import Failure
from orchestrator.execute.ends import finished, test_end
from orchestrator.execute.task import Outcome
from orchestrator.execute.workshop import Workshop

YES = frozenset({"true", "t", "yes", "y", "on", "1"})
NO = frozenset({"false", "f", "no", "n", "off", "0", "none", "null", ""})

_QUERY = re.compile(r"\s*(\(|select\b|with\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Answer:
    yes: bool
    said: str


def condition(task: Task, connection: Connection, shop: Workshop) -> Outcome | None:
    """The end of a task whose `when` says no, or cannot be asked; ``None`` when there is nothing in its way."""
    if task.when is None:
        return None
    asked: Statement | None = None
    started = shop.clock.now()
    try:
        (asked,) = shop.late(task.when, connection) or (Statement(""),)
        answer = _answer(asked.sql, connection)
    except OrcError as error:
        return _broken(task, error, asked, shop)
    if answer.yes:
        return None
    message = f"`when` says no: {answer.said}"
    ends: list[NodeFinished] = [test_end(t, shop, Status.SKIPPED, message, None, task.node) for t in task.tests]
    ends.append(finished(task, shop, Status.SKIPPED, 0.0, message=message, started=started))
    return Outcome(task, ok=False, events=tuple(ends), word="was left out by its `when`", declined=True)


def _answer(text: str, connection: Connection) -> _Answer:
    """A query's first value, or a word.

    Raises:
        ExecuteError: X390, it is neither yes nor no.
    """
    said = " ".join(text.split())
    if _QUERY.match(text):
        rows = connection.execute(text.strip().rstrip(";")).rows
        return _Answer(bool(rows) and bool(rows[0][0]), said)
    word = said.casefold()
    if word not in YES | NO:
        hint = "`when` is true or false in the end, or a query whose first value is"
        raise ExecuteError(Problem("X390", f"`when` says `{said}`, which is neither yes nor no", None, hint))
    return _Answer(word in YES, said or "nothing")


def _broken(task: Task, error: OrcError, asked: Statement | None, shop: Workshop) -> Outcome:
    refused = error if isinstance(error, ExecuteError) else ExecuteError(*error.problems)
    problem = shop.explain(refused, asked, task.node)
    status = Status.CANCELLED if shop.cancelled.is_set() else Status.CRASHED if isinstance(error, WarehouseError) else Status.FAILED
    ends: list[NodeFinished] = [test_end(t, shop, Status.SKIPPED, problem.message, None, task.node) for t in task.tests]
    ends.append(finished(task, shop, status, 0.0, message=problem.message, problem=problem))
    cause = Cause(problem.code, problem.message, transient=refused.transient or isinstance(error, WarehouseError))
    failure = None if status is Status.CANCELLED else Failure(cause, problem, status, shop.clock.now())
    return Outcome(task, ok=False, events=tuple(ends), crash=status is Status.CRASHED, failure=failure)
