"""A run before it happens: how long it will take with so many threads, and what keeps it from being faster."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.graph.order import followers, order, remaining


@dataclass(frozen=True, slots=True)
class Simulated:
    """``makespan`` is from the first start to the last end, ``work`` the sum of all tasks, both in seconds.

    ``path`` is the critical one, first task first: no number of threads is faster than its ``bound``.
    """

    threads: int
    makespan: float
    work: float
    path: tuple[str, ...]
    bound: float

    @property
    def busy(self) -> float:
        """The part of the threads' time that is work, between 0 and 1."""
        return self.work / (self.makespan * self.threads) if self.makespan else 0.0

    @property
    def least(self) -> float:
        """No order is faster: the critical path, or all work spread evenly."""
        return max(self.bound, self.work / self.threads)


def simulate(
    needs: Mapping[str, Sequence[str]], seconds: Mapping[str, float], threads: int, first: Sequence[str] | None = None
) -> Simulated:
    """Run the tasks on paper: a thread that is free takes what comes earliest in ``first`` (by default the learned order).

    >>> needs, seconds = {"a": (), "b": ("a",), "c": ()}, {"a": 1.0, "b": 2.0, "c": 3.0}
    >>> simulate(needs, seconds, 1).makespan, simulate(needs, seconds, 2).makespan, simulate(needs, seconds, 2).path
    (6.0, 3.0, ('a', 'b'))
    """
    rank = {task: place for place, task in enumerate(order(needs, seconds) if first is None else first)}
    after, waiting = followers(needs)
    ready = [(rank[task], task) for task, count in waiting.items() if not count]
    heapq.heapify(ready)
    running: list[tuple[float, int, str]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < threads:
            place, task = heapq.heappop(ready)
            heapq.heappush(running, (now + seconds.get(task, 0.0), place, task))
        now, _, task = heapq.heappop(running)
        for later in after[task]:
            waiting[later] -= 1
            if not waiting[later]:
                heapq.heappush(ready, (rank[later], later))
    path = critical(needs, seconds)
    work, bound = (sum(seconds.get(task, 0.0) for task in tasks) for tasks in (needs, path))
    return Simulated(threads, now, work, path, bound)


def critical(needs: Mapping[str, Sequence[str]], seconds: Mapping[str, float]) -> tuple[str, ...]:
    """The way through the tasks that takes longest, first task first."""
    left, (after, _) = remaining(needs, seconds), followers(needs)
    edge: Sequence[str] = tuple(needs)
    found: list[str] = []
    while edge:
        found.append(max(edge, key=lambda task: left[task]))
        edge = after[found[-1]]
    return tuple(found)
