"""Which of the tasks that may run is to run first: the one with the longest way still behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LEAST = 0.001
"""Seconds that a task takes at least: of two empty ones, too, the one that others wait for comes first."""


def order(needs: Mapping[str, Sequence[str]], seconds: Mapping[str, float]) -> tuple[str, ...]:
    """All tasks, those with the longest remaining path first; every task comes behind those it needs. Ties stay as they are.

    ``needs`` are the tasks in their present order with what each waits for; needs outside of it do not count.

    >>> order({"a": (), "b": (), "c": ("b",)}, {"a": 2.0, "b": 1.0, "c": 3.0})
    ('b', 'c', 'a')
    """
    left = remaining(needs, seconds)
    return tuple(sorted(needs, key=lambda task: -left[task]))


def remaining(needs: Mapping[str, Sequence[str]], seconds: Mapping[str, float]) -> dict[str, float]:
    """From the start of each task to the end of the last one that waits for it, in seconds, if nobody waits for a thread.

    >>> remaining({"a": (), "b": ("a",), "c": ("a",)}, {"a": 1.0, "b": 5.0, "c": 2.0})["a"]
    6.0
    """
    after, waiting = followers(needs)
    ready = [task for task, count in waiting.items() if not count]
    for task in ready:  # grows: parents first
        for later in after[task]:
            waiting[later] -= 1
            if not waiting[later]:
                ready.append(later)
    found: dict[str, float] = {}
    for task in reversed(ready):
        found[task] = max(seconds.get(task, 0.0), LEAST) + max((found[later] for later in after[task]), default=0.0)
    return found


def followers(needs: Mapping[str, Sequence[str]]) -> tuple[dict[str, list[str]], dict[str, int]]:
    """What waits for each task, and how many each waits for."""
    after: dict[str, list[str]] = {task: [] for task in needs}
    waiting: dict[str, int] = {}
    for task, before in needs.items():
        own = [need for need in dict.fromkeys(before) if need in after]
        waiting[task] = len(own)
        for need in own:
            after[need].append(task)
    return after, waiting
