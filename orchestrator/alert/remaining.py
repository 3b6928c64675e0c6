"""How much longer a run needs, as its nodes' history tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.core.pace import at

SHARE = 0.9
"""A node needs what nine of ten of its builds did not take longer than."""


def usually(seconds: Sequence[float]) -> float:
    """What nine of ten did not take longer than; 0 where nothing is known.

    >>> usually([3.0, 1.0, 2.0]), usually([])
    (3.0, 0.0)
    """
    return at(sorted(seconds), SHARE) if seconds else 0.0


def remaining(
    planned: Iterable[str],
    over: Iterable[str],
    running: Mapping[str, float],
    needs: Mapping[str, float],
    parents: Mapping[str, Iterable[str]],
) -> float:
    """The longest way through what is not over, in seconds: less than the run can take, however many threads it has.

    ``running`` is for how long nodes have been running, ``needs`` how long they take, ``parents`` what they wait for.

    >>> remaining("abc", "a", {"b": 40.0}, {"a": 60.0, "b": 60.0, "c": 30.0}, {"b": "a", "c": "b"})
    50.0
    """
    done = frozenset(over)
    left = [node for node in planned if node not in done]
    ends: dict[str, float] = {}
    pending = list(left)
    waiting = set(left)
    while pending:
        node = pending.pop()
        if node in ends:
            continue
        before = [p for p in parents.get(node, ()) if p in waiting and p != node]
        if unknown := [p for p in before if p not in ends]:
            pending += [node, *unknown]
            continue
        own = max(needs.get(node, 0.0) - running.get(node, 0.0), 0.0)
        ends[node] = own + max((ends[p] for p in before), default=0.0)
    return max(ends.values(), default=0.0)
