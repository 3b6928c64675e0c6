"""Which task may run now: a state machine without threads, clocks or connections."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from orchestrator.core.plan import Task
from orchestrator.graph.order import order


class Frontier:
    """The only owner of a run's mutable state. Every task ends exactly once: finished, or skipped because of one that failed.

    Of the tasks that may run, the one with the longest remaining path comes first: ``expected`` are their seconds. Without, the plan's
    order decides.
    """

    def __init__(self, tasks: Sequence[Task], expected: Mapping[str, float] | None = None) -> None:
        self._tasks = {t.node: t for t in tasks}
        self._order = [*order({t.node: t.needs for t in tasks}, expected)] if expected else [t.node for t in tasks]
        self._rank = {node: i for i, node in enumerate(self._order)}
        self._waiting = {t.node: {n for n in t.needs if n in self._tasks} for t in tasks}
        self._after: dict[str, list[str]] = {t.node: [] for t in tasks}
        for node, needs in self._waiting.items():
            for need in needs:
                self._after[need].append(node)
        self._ready = [self._rank[n] for n, needs in self._waiting.items() if not needs]
        heapq.heapify(self._ready)
        self._open = set(self._tasks)

    def take(self) -> Task | None:
        """The next task to start, first in order first; ``None`` when all that is left waits."""
        while self._ready:
            node = self._order[heapq.heappop(self._ready)]
            if node in self._open:
                return self._tasks[node]
        return None

    def succeed(self, node: str) -> None:
        """A task is published: those that waited for nothing else become ready."""
        self._open.discard(node)
        for after in self._after[node]:
            self._done(after, node)

    def fail(self, node: str) -> list[tuple[Task, str]]:
        """A task was not published: exactly its descendants end now, each with the node that is to blame."""
        self._open.discard(node)
        skipped: list[tuple[Task, str]] = []
        edge = [(after, node) for after in self._after[node]]
        while edge:
            after, because = edge.pop(0)
            if after not in self._open:
                continue
            self._open.discard(after)
            skipped.append((self._tasks[after], because))
            edge += [(later, because) for later in self._after[after]]
        return sorted(skipped, key=lambda pair: self._rank[pair[0].node])

    def decline(self, node: str, *, failed: bool = False) -> list[tuple[Task, str]]:
        """A task was left out on purpose: so are its descendants, but for those that are content with what was there before.

        With ``failed`` it tried, and may fail: content are those for which what they read is among the ``lasting``.
        """
        self._open.discard(node)
        skipped: list[tuple[Task, str]] = []
        edge = [node]
        while edge:
            left = edge.pop(0)
            for after in self._after[left]:
                if after in self._open and (left in self._tasks[after].lasting if failed else self._tasks[after].content):
                    self._done(after, left)
                elif after in self._open:
                    self._open.discard(after)
                    skipped.append((self._tasks[after], node))
                    edge.append(after)
        return sorted(skipped, key=lambda pair: self._rank[pair[0].node])

    def _done(self, after: str, node: str) -> None:
        """A task waits for one thing less."""
        self._waiting[after].discard(node)
        if not self._waiting[after] and after in self._open:
            heapq.heappush(self._ready, self._rank[after])

    def abandon(self, running: Sequence[str]) -> list[Task]:
        """Nothing more will start: everything that is neither ended nor ``running`` ends now."""
        left = [n for n in self._order if n in self._open and n not in set(running)]
        self._open -= set(left)
        return [self._tasks[n] for n in left]
