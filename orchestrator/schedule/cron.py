"""The instants a schedule falls due, with the clock changes of its time zone.

``cron`` keeps the clock: it names times of day. A time that the clock skips in spring is due right after the gap, a time it shows twice
in autumn is due the first time; patterns whose minute or hour begins with ``*`` go by what passes, so they are due in both hours, and not
in the gap (Debian's cron has it so). ``every`` counts from midnight in its zone: see :func:`every`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import product
from zoneinfo import ZoneInfo

from orchestrator.core.schedule import Schedule
from orchestrator.schedule.pattern import Pattern, pattern

NEVER = 366 * 28
"""Days after which every combination of date and weekday has been there."""

DAY = 86_400
HOUR = 3_600


def instants(schedule: Schedule, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
    """When a schedule is due, later than ``after``, in order, in UTC; nothing for one that follows other schedules.

    Later than ``until`` nobody looks: what comes there may be left out.
    """
    if schedule.cron is not None:
        return _of_pattern(_pattern(schedule.cron), _zone(schedule.zone), after, until)
    if schedule.every is not None:
        return every(schedule.every, schedule.zone, after)
    return iter(())


def cron(text: str, zone: str, after: datetime) -> Iterator[datetime]:
    """The instants of a cron pattern (five fields, or an alias like ``@daily``); none for one that is never due.

    Raises ``ValueError`` for what is no pattern.

    >>> found = cron("30 2 * * *", "America/New_York", datetime(2026, 3, 7, tzinfo=UTC))
    >>> [f"{next(found):%d %H:%M}" for _ in range(3)]
    ['07 07:30', '08 07:00', '09 06:30']
    """
    return _of_pattern(_pattern(text), _zone(zone), after, None)


def _of_pattern(rule: Pattern, clock: ZoneInfo, after: datetime, until: datetime | None) -> Iterator[datetime]:
    first = after.astimezone(clock).date() - timedelta(days=1)
    last = until.astimezone(clock).date() if until is not None else first
    odd: set[datetime] = set()
    for day in (first + timedelta(days=n) for n in range(NEVER)):
        regular = _offset(day, clock)
        if regular is None:  # the clock is changed around here: what two days show may be mixed up
            odd |= _around(rule, day, clock) if rule.on(day) else set()
            continue
        yield from (at for at in sorted(odd) if at > after)
        odd = set()
        if until is not None and day > last:
            return
        if not rule.on(day):
            continue
        midnight = datetime.combine(day, time(), UTC) - regular
        if midnight + timedelta(days=1) <= after:
            continue
        for hour in rule.hours:
            if midnight + timedelta(hours=hour + 1) > after:
                yield from (at for m in rule.minutes if (at := midnight + timedelta(hours=hour, minutes=m)) > after)


def _offset(day: date, clock: ZoneInfo) -> timedelta | None:
    """How far ahead of UTC a zone is during a day, ``None`` when that changes on it."""
    ends = (datetime.combine(day, time(), clock), datetime.combine(day + timedelta(days=1), time(), clock))
    found = {end.replace(fold=fold).utcoffset() for end in ends for fold in (0, 1)}
    return found.pop() if len(found) == 1 else None


def _around(rule: Pattern, day: date, clock: ZoneInfo) -> set[datetime]:
    """The instants of a day on which the clock is changed."""
    found: set[datetime] = set()
    for hour, minute in product(rule.hours, rule.minutes):
        wall = datetime.combine(day, time(hour, minute), clock)
        first, second = (wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        there = first.astimezone(clock).replace(tzinfo=None) == wall.replace(tzinfo=None)
        if there:
            found |= {first, second} if rule.wild else {first}
        elif not rule.wild:
            found.add(_change(second, first, clock))
    return found


def _change(before: datetime, after: datetime, clock: ZoneInfo) -> datetime:
    """The instant between two, to the second, from which the clock shows what it shows at the second one."""
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        middle -= timedelta(microseconds=middle.microsecond)
        if middle.astimezone(clock).utcoffset() == after.astimezone(clock).utcoffset():
            after = middle
        else:
            before = middle
    return after


def every(seconds: int, zone: str, after: datetime) -> Iterator[datetime]:
    """Instants at which the clock of a zone shows a whole number of intervals since midnight; of days: since the first of January 1970.

    A restart shifts nothing. Intervals of up to an hour go by what passes: times the clock skips are left out, times it shows twice are due
    twice. Longer ones are due once: right after the gap, and the first time.

    >>> found = every(600, "UTC", datetime(2026, 1, 1, 0, 25, tzinfo=UTC))
    >>> [f"{next(found):%H:%M}" for _ in range(2)]
    ['00:30', '00:40']
    """
    clock = _zone(zone)
    day = after.astimezone(clock).date() - timedelta(days=1)
    days = max(1, seconds // DAY)
    while day < date.max - timedelta(days=2):
        day += timedelta(days=1)
        if day.toordinal() % days == date(1970, 1, 1).toordinal() % days:
            yield from (at for at in _of_day(day, seconds, clock) if at > after)


def _of_day(day: date, seconds: int, clock: ZoneInfo) -> list[datetime]:
    midnight = datetime.combine(day, time())
    found: set[datetime] = set()
    for offset in range(0, DAY, seconds):
        wall = midnight + timedelta(seconds=offset)
        first, second = (wall.replace(tzinfo=clock, fold=fold).astimezone(UTC) for fold in (0, 1))
        there = first.astimezone(clock).replace(tzinfo=None) == wall
        if seconds > HOUR:
            found.add(first if there else _change(second, first, clock))
        elif there:
            found |= {first, second}
    return sorted(found)


@lru_cache(256)
def _pattern(text: str) -> Pattern:
    return pattern(text)


@lru_cache(64)
def _zone(name: str) -> ZoneInfo:
    """A zone of the IANA database. Raises ``ValueError`` for a name it does not have."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"there is no time zone `{name}`") from error


def local(at: datetime, zone: str) -> datetime:
    """An instant on the clocks of a zone."""
    return at.astimezone(_zone(zone))


def deadline(schedule: Schedule, at: datetime) -> datetime | None:
    """Until when the run of a tick has to be over: seconds after it, or the next time the zone's clock shows that time of day.

    >>> from orchestrator.core.schedule import Schedule
    >>> str(deadline(Schedule("n", cron="0 2 * * *", deadline="08:00"), datetime(2026, 1, 1, 2, tzinfo=UTC)))
    '2026-01-01 08:00:00+00:00'
    """
    match schedule.deadline:
        case None:
            return None
        case int() as seconds:
            return at + timedelta(seconds=seconds)
        case str() as text:
            hour, minute = (int(part) for part in text.split(":"))
            return next(cron(f"{minute} {hour} * * *", schedule.zone, at))


def known_zones() -> frozenset[str]:
    """The names of zones, for suggestions."""
    from zoneinfo import available_timezones

    return frozenset(available_timezones())
