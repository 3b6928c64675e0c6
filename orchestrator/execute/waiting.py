"""Tasks between two attempts: they hold no thread, no connection and no lease."""

from __future__ import annotations

import heapq

from orchestrator.core.plan import Task
from orchestrator.execute.task import Outcome


class Waiting:
    """Outcomes that are followed by another attempt, by when that begins. Times are those of the caller's clock."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Outcome]] = []
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._heap)

    def add(self, outcome: Outcome, now: float) -> None:
        """Wait as long as the outcome's ``retry`` says."""
        if outcome.retry is None:
            raise AssertionError(outcome.task.node)
        self._count += 1
        heapq.heappush(self._heap, (now + outcome.retry.wait, self._count, outcome))

    def due(self, now: float) -> tuple[Task, int] | None:
        """A task whose time has come, and the number of its attempt."""
        if not self._heap or self._heap[0][0] > now:
            return None
        outcome = heapq.heappop(self._heap)[2]
        return outcome.task, _number(outcome) + 1

    def all(self) -> list[tuple[Outcome, int]]:
        """Everything that waits, and how many attempts it had; then nothing waits any more."""
        left, self._heap = sorted(self._heap), []
        return [(outcome, _number(outcome)) for _, _, outcome in left]


def _number(outcome: Outcome) -> int:
    return outcome.retry.attempt if outcome.retry else 1
