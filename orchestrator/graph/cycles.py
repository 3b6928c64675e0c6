"""Cycles in something that should have none."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

BUDGET = 2_000_000
"""Edges to look at in search of a shorter cycle before the shortest so far is good enough to explain."""


def cycle(edges: Mapping[str, Sequence[str]]) -> list[str] | None:
    """A shortest cycle, as names each of which points at the next and the last at the first; ``None`` when there is none.

    Works without recursion, in linear time unless many long cycles overlap; then the search is cut off by a budget and the
    shortest cycle found so far is the answer. Names that have no entry of their own are taken to point nowhere.

    >>> cycle({"a": ["b"], "b": ["c"], "c": ["a", "b"]})
    ['b', 'c']
    >>> cycle({"a": ["b"], "b": []}) is None
    True
    """
    below: dict[str, dict[str, None]] = {name: {to: None for to in targets if to in edges} for name, targets in edges.items()}
    above: dict[str, set[str]] = {name: set() for name in edges}
    for name, targets in below.items():
        for to in targets:
            above[to].add(name)
    _peel(below, above, below)
    best: list[str] | None = None
    budget = BUDGET
    while below and (best is None or (len(best) > 1 and budget > 0)):
        start = next(iter(below))
        found, looked = _through(start, below, len(best) - 1 if best else len(below))
        best = found or best
        budget -= looked
        # Every cycle through `start` is known now; what only hung on it goes too.
        _drop(start, below, above)
    return best


def _through(start: str, below: Mapping[str, Iterable[str]], longest: int) -> tuple[list[str] | None, int]:
    """A shortest cycle through ``start`` of at most ``longest`` names, and how many edges were looked at."""
    came: dict[str, str | None] = {start: None}
    length = {start: 1}
    edge = deque([start])
    looked = 0
    while edge:
        name = edge.popleft()
        if length[name] > longest:
            break
        for to in below[name]:
            looked += 1
            if to == start:
                found = [name]
                while (step := came[found[-1]]) is not None:
                    found.append(step)
                return found[::-1], looked
            if to not in came:
                came[to] = name
                length[to] = length[name] + 1
                edge.append(to)
    return None, looked


def _drop(name: str, below: dict[str, dict[str, None]], above: dict[str, set[str]]) -> None:
    children, parents = below.pop(name), above.pop(name)
    for child in children:
        if child != name:
            above[child].discard(name)
    for parent in parents:
        if parent != name:
            below[parent].pop(name)
    _peel(below, above, [near for near in (*children, *parents) if near != name])


def _peel(below: dict[str, dict[str, None]], above: dict[str, set[str]], suspects: Iterable[str]) -> None:
    """Remove what cannot be on a cycle: names that nothing points at, or that point nowhere, again and again."""
    waiting = deque(suspects)
    while waiting:
        name = waiting.popleft()
        if name not in below or (below[name] and above[name]):
            continue
        children, parents = below.pop(name), above.pop(name)
        for child in children:
            above[child].discard(name)
            waiting.append(child)
        for parent in parents:
            below[parent].pop(name)
            waiting.append(parent)
