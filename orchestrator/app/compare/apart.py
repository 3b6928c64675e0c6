"""Match the rows of two relations that are in different databases, in memory that does not grow with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.core.difference import Row
from orchestrator.core.ports import Connection
from orchestrator.plan.diff import apart as say
from orchestrator.plan.diff.statements import TOTALS, Comparing

HELD = 100_000
"""Rows (their keys and digests) that are held at once."""

ASKED = 200
"""Keys whose values are asked for at once."""

Matched = tuple[list[int], list[int], dict[str, list[Row]]]
"""Totals, how often each column differs, keys of samples: as :func:`~orchestrator.plan.diff.statements.matched` tells them."""


def apart(of: Comparing, connections: tuple[Connection, Connection], rows: int) -> Matched:
    """What :func:`~orchestrator.plan.diff.statements.matched` would say if one session saw both sides.

    Digests of buckets of keys are compared first; of buckets that differ the keys are read, and of keys that differ the values.
    """
    count = say.buckets_for(rows)
    digests, twice = (_by_bucket(of, connections, query, count) for query in (say.bucket_digests, say.bucket_duplicates))
    found = _Found(of, connections)
    for bucket in digests[0].keys() & digests[1].keys():
        if digests[0][bucket] == digests[1][bucket]:  # the same rows, also those of keys that are there more than once
            found.twice(*(twice[side].get(bucket, (0, 0)) for side in (0, 1)))
    differing = sorted(b for b in digests[0].keys() | digests[1].keys() if digests[0].get(b) != digests[1].get(b))
    for some in _portions(differing, lambda b: sum(int(side.get(b, (0,))[0]) for side in digests)):
        rows_of = [c.execute(say.rows_of_buckets(of, side, count, some)).rows for side, c in enumerate(connections)]
        found.take([_by_key(answer) for answer in rows_of])
    return found.totals, found.changed, found.samples


def same(before: Any, after: Any, tolerance: float = 0.0) -> bool:
    """Whether two values are the same: two nulls and two NaN are.

    >>> same(None, None), same(float("nan"), float("nan")), same(1.0, 1.0001, 0.001), same(None, 0), same("a", "A")
    (True, True, True, False, False)
    """
    if before is None or after is None:
        return before is after
    if isinstance(before, float) and isinstance(after, float):
        if math.isnan(before) or math.isnan(after):
            return math.isnan(before) and math.isnan(after)
        return before == after or abs(before - after) <= tolerance
    return bool(before == after)


class _Found:
    """What is known so far."""

    def __init__(self, of: Comparing, connections: tuple[Connection, Connection]) -> None:
        self.of, self.connections = of, connections
        self.totals = [0] * TOTALS
        self.changed = [0] * (len(of.values) + 1)
        self.samples: dict[str, list[Row]] = {}

    def twice(self, before: Sequence[Any], after: Sequence[Any]) -> None:
        """Keys (and their rows) that are there more than once on both sides."""
        for place, number in zip((2, 3, 4, 5), (before[0], after[0], before[1], after[1]), strict=True):
            self.totals[place] += int(number)

    def take(self, sides: Sequence[Mapping[Row, list[Any]]]) -> None:
        """The rows of some buckets: digests by key."""
        before, after = sides
        odd: list[Row] = []
        for key in before.keys() | after.keys():
            old, new = before.get(key, []), after.get(key, [])
            if len(old) > 1 or len(new) > 1:
                self.twice((int(len(old) > 1), len(old)), (int(len(new) > 1), len(new)))
            elif not new:
                self._count(0, "removed", key)
            elif not old:
                self._count(1, "added", key)
            elif old != new:
                odd.append(key)
        for some in (odd[at : at + ASKED] for at in range(0, len(odd), ASKED)):
            self._compare(some)

    def _compare(self, keys: Sequence[Row]) -> None:
        """Keys that both sides have once, with rows of different digests: the values themselves say what differs."""
        width = len(self.of.key)
        rows = [
            {tuple(row[:width]): row[width:] for row in c.execute(say.values_of_keys(self.of, side, keys)).rows}
            for side, c in enumerate(self.connections)
        ]
        for key in keys:
            old, new = rows[0].get(key), rows[1].get(key)
            if old is None or new is None:
                continue
            flags = [not same(o, n, self.of.terms.tolerance) for o, n in zip(old, new, strict=True)]
            self.changed[0] += any(flags)
            for number, differs in enumerate(flags, 1):
                if differs:
                    self.changed[number] += 1
                    self._sample(f"value {number}", key)

    def _count(self, place: int, kind: str, key: Row) -> None:
        self.totals[place] += 1
        self._sample(kind, key)

    def _sample(self, kind: str, key: Row) -> None:
        """Keep the first keys."""
        kept = self.samples.setdefault(kind, [])
        kept.append(key)
        if len(kept) > 4 * self.of.terms.limit + 16:
            self.samples[kind] = first(kept, self.of.terms.limit)


def first(keys: Iterable[Row], limit: int) -> list[Row]:
    """The first of some keys, in an order that is the same on all engines."""
    return sorted(keys, key=order)[:limit]


def order(key: Row) -> tuple[tuple[str, Any], ...]:
    """The order that engines sort by is not always Python's; ours is the same on all of them.

    >>> sorted([("b", 10), ("b", 9), ("a", None)], key=order)
    [('a', None), ('b', 9), ('b', 10)]
    """
    return tuple((type(v).__name__, v) if isinstance(v, int | str | float) else (type(v).__name__, str(v)) for v in key)


def _by_bucket(
    of: Comparing, connections: tuple[Connection, Connection], query: Callable[[Comparing, int, int], str], count: int
) -> tuple[dict[int, tuple[Any, ...]], dict[int, tuple[Any, ...]]]:
    before, after = ({int(row[0]): tuple(row[1:]) for row in c.execute(query(of, side, count)).rows} for side, c in enumerate(connections))
    return before, after


def _by_key(rows: Sequence[Row]) -> dict[Row, list[Any]]:
    found: dict[Row, list[Any]] = {}
    for *key, digest in rows:
        found.setdefault(tuple(key), []).append(digest)
    return found


def _portions(buckets: Iterable[int], weight: Callable[[int], int]) -> Iterator[list[int]]:
    """Buckets, as many at a time as may be held.

    >>> list(_portions([1, 2, 3], lambda b: HELD * 2 // 3))
    [[1], [2], [3]]
    """
    some: list[int] = []
    held = 0
    for bucket in buckets:
        if some and held + weight(bucket) > HELD:
            yield some
            some, held = [], 0
        some.append(bucket)
        held += weight(bucket)
    if some:
        yield some
