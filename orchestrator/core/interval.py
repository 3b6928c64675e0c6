"""Intervals of event time: half open ``[start, end)``, in UTC. The grid of batches, and what of it is covered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, get_args

BatchSize = Literal["hour", "day", "month", "year"]

SIZES: tuple[BatchSize, ...] = get_args(BatchSize)

START_MARK = "<orc-interval-start----->"
END_MARK = "<orc-interval-end------->"
"""What a plan's statements have where a batch's bounds will stand; as long as the bounds, so that positions stay what they are."""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """From ``start`` (included) to ``end`` (excluded); both know that they are UTC."""

    start: datetime
    end: datetime

    def filled(self, text: str) -> str:
        """``text`` with this interval's bounds in place of the marks."""
        return text.replace(START_MARK, spelled(self.start)).replace(END_MARK, spelled(self.end))


ALWAYS = Interval(datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC))
"""The interval of a template that is rendered for no batch in particular (for the graph, for a unit test)."""


def spelled(at: datetime) -> str:
    """A bound as SQL and the ledger have it. All are equally long, so texts sort as instants do.

    >>> spelled(datetime(2025, 1, 1, tzinfo=UTC))
    '2025-01-01 00:00:00+00:00'
    """
    return at.astimezone(UTC).replace(microsecond=0).isoformat(sep=" ")


def instant(value: Any) -> datetime:
    """A bound as people write it: an ISO text, a date or a datetime. Without a zone it means UTC; fractions of a second are cut off.

    Raises ``ValueError`` for what is no instant.

    >>> instant("2025-01-01"), instant(date(2025, 1, 1)) == instant("2025-01-01T01:00:00+01:00")
    (datetime.datetime(2025, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), True)
    """
    match value:
        case datetime():
            found = value
        case date():
            found = datetime.combine(value, time())
        case str():
            found = datetime.fromisoformat(value.strip())
        case _:
            raise ValueError(f"`{value}` is no date or time")
    known = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return known.replace(microsecond=0)


def truncated(at: datetime, size: BatchSize) -> datetime:
    """The beginning of the batch that ``at`` is in.

    >>> spelled(truncated(datetime(2025, 3, 31, 13, 57, tzinfo=UTC), "month"))
    '2025-03-01 00:00:00+00:00'
    """
    at = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    match size:
        case "hour":
            return at
        case "day":
            return at.replace(hour=0)
        case "month":
            return at.replace(hour=0, day=1)
        case "year":
            return at.replace(hour=0, day=1, month=1)


def following(start: datetime, size: BatchSize) -> datetime:
    """The end of the batch that begins at ``start``.

    >>> spelled(following(datetime(2024, 12, 1, tzinfo=UTC), "month"))
    '2025-01-01 00:00:00+00:00'
    """
    match size:
        case "hour":
            return start + timedelta(hours=1)
        case "day":
            return start + timedelta(days=1)
        case "month":
            return truncated(start + timedelta(days=31), "month")
        case "year":
            return start.replace(year=start.year + 1)


def grid(start: datetime, end: datetime, size: BatchSize) -> tuple[Interval, ...]:
    """The batches that hold everything from ``start`` to ``end``, oldest first; whole ones, also the first and the last.

    >>> [batch_name(i.start, "day") for i in grid(instant("2025-01-30 13:00"), instant("2025-02-01 00:00:01"), "day")]
    ['2025-01-30', '2025-01-31', '2025-02-01']
    """
    found: list[Interval] = []
    at = truncated(start, size)
    while at < end:
        after = following(at, size)
        found.append(Interval(at, after))
        at = after
    return tuple(found)


def batch_name(start: datetime, size: BatchSize) -> str:
    """What people call a batch.

    >>> [batch_name(instant("2025-01-02 03:00"), size) for size in ("hour", "day", "month", "year")]
    ['2025-01-02T03', '2025-01-02', '2025-01', '2025']
    """
    return start.isoformat()[: {"hour": 13, "day": 10, "month": 7, "year": 4}[size]]


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same time in as few intervals as possible, in order: what overlaps or touches becomes one."""
    found: list[Interval] = []
    for one in sorted(i for i in intervals if i.start < i.end):
        if found and one.start <= found[-1].end:
            found[-1] = Interval(found[-1].start, max(found[-1].end, one.end))
        else:
            found.append(one)
    return tuple(found)


def gaps(wanted: Sequence[Interval], known: Iterable[Interval]) -> tuple[Interval, ...]:
    """Those ``wanted`` intervals, given in order, that ``known`` ones do not cover wholly.

    >>> days = grid(instant("2025-01-01"), instant("2025-01-04"), "day")
    >>> gaps(days, [days[0], days[2]]) == (days[1],)
    True
    """
    whole = merged(known)
    found: list[Interval] = []
    place = 0
    for one in wanted:
        while place < len(whole) and whole[place].end < one.end:
            place += 1
        if place == len(whole) or whole[place].start > one.start:
            found.append(one)
    return tuple(found)


def known(rows: Iterable[tuple[str, str, str]]) -> dict[str, tuple[Interval, ...]]:
    """What tables are complete for, from rows of the ledger ``(relation, start, end)``, in order.

    >>> list(known([("a.b", "2025-01-01 00:00:00+00:00", "2025-01-02 00:00:00+00:00")]))
    ['a.b']
    """
    found: dict[str, tuple[Interval, ...]] = {}
    for relation, start, end in rows:
        found[relation] = (*found.get(relation, ()), Interval(instant(start), instant(end)))
    return found
