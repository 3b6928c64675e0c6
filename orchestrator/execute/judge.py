"""A test's number of failures → how the test ended, and what it says."""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import isfinite, nan
from typing import Any

from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.event import Status
from orchestrator.core.plan import Verdict

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def counted(value: Any, verdict: Verdict) -> float:
    """A count of failures; NULL (a ``sum`` over no rows) means none.

    Raises:
        ExecuteError: X304, the test's ``fail_calc`` is not a number.
    """
    if value is None:
        return 0
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = nan
    if not isfinite(found):
        raise ExecuteError(Problem("X304", f"the test's fail_calc gave `{value}`, which is not a number", None, node=verdict.test))
    return int(found) if found == int(found) else found


def judge(verdict: Verdict, failures: float) -> Status:
    """The rule is dbt's: with severity error, ``error_if`` is looked at first, then ``warn_if``; with severity warn, only ``warn_if``.

    >>> judge(Verdict("t", "error", ("!=", 0), (">", 10)), 3)
    <Status.WARNED: 'warned'>
    """

    def holds(condition: tuple[str, float]) -> bool:
        return _COMPARE[condition[0]](failures, condition[1])

    if verdict.severity == "error" and holds(verdict.error_if):
        return Status.FAILED
    if not holds(verdict.warn_if):
        return Status.PASSED
    return Status.FAILED if verdict.warn_fails else Status.WARNED


def sentence(verdict: Verdict, failures: float, status: Status) -> str:
    """What a test that did not pass says.

    >>> sentence(Verdict("t"), 1, Status.FAILED)
    'Got 1 result, configured to fail if != 0'
    """
    compared, limit = verdict.error_if if status is Status.FAILED and not verdict.warn_fails else verdict.warn_if
    did = "fail" if status is Status.FAILED else "warn"
    return f"Got {failures} {'result' if failures == 1 else 'results'}, configured to {did} if {compared} {limit:g}"
