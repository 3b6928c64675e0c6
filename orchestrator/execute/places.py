"""Tasks that wait for a place in a pool: they hold no thread and no connection."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core.event import Noted
from orchestrator.core.plan import Task
from orchestrator.core.ports import Clock, Pools
from orchestrator.execute.task import Outcome

ASK_SECONDS = 0.5
"""How often who waits for a place asks again."""


class Places:
    """Who may run, of the tasks that share a limit with other runs. Without ``pools`` everybody may."""

    def __init__(self, pools: Pools | None, clock: Clock) -> None:
        self._pools = pools
        self._clock = clock
        self._waiting: list[tuple[Task, int]] = []
        self._asked = float("-inf")
        self._told: set[str] = set()
        self._news: list[Noted] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def admit(self, task: Task, number: int) -> bool:
        """Whether an attempt at a task may begin now; if not, it waits here."""
        if self._pools is None or task.pool is None:
            return True
        if not any(each.pool == task.pool for each, _ in self._waiting) and self._pools.take(task.pool, task.node):
            return True
        self._waiting.append((task, number))
        if task.node not in self._told:
            self._told.add(task.node)
            self._news.append(Noted(self._clock.now(), "info", f"`{task.node}` waits for a place in the pool `{task.pool}`", task.node))
        return False

    def due(self) -> tuple[Task, int] | None:
        """An attempt that has waited and may begin now, the first that came first."""
        if self._pools is None or not self._waiting or self._clock.monotonic() - self._asked < ASK_SECONDS:
            return None
        full: set[str] = set()
        for position, (task, number) in enumerate(self._waiting):
            if task.pool is not None and task.pool not in full:
                if self._pools.take(task.pool, task.node):
                    del self._waiting[position]
                    return task, number
                full.add(task.pool)
        self._asked = self._clock.monotonic()
        return None

    def over(self, outcome: Outcome) -> None:
        """An attempt has ended: its place is free. One that the engine had no room for makes the pool narrower."""
        pool = outcome.task.pool
        if self._pools is None or pool is None:
            return
        self._pools.leave(pool, outcome.task.node)
        if outcome.failure is not None and outcome.failure.cause.crowded:
            width = self._pools.crowded(pool)
            message = f"the engine has no room for more: the pool `{pool}` is {width} wide for now"
            self._news.append(Noted(self._clock.now(), "warn", message, outcome.task.node))

    def said(self) -> Iterator[Noted]:
        """What there is to tell since the last call; others learn that the run lives."""
        if self._pools is not None:
            self._pools.beat()
        while self._news:
            yield self._news.pop(0)
