"""When schedules are due, against a reference that looks at every minute: clock changes of several zones included."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestrator.schedule.cron import cron, every

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "Africa/Cairo",  # at midnight
    "America/Santiago",  # at midnight, the other way round
    "Europe/Dublin",  # winter time is the exception
    "Africa/Casablanca",  # for Ramadan
    "America/St_Johns",
    "Asia/Kathmandu",
)
MINUTE = timedelta(minutes=1)


@cache
def changes(zone: str) -> tuple[datetime, ...]:
    """The days of two years, in UTC, on which a zone's clocks are changed; some day where they never are."""
    clock, start = ZoneInfo(zone), datetime(2025, 1, 1, tzinfo=UTC)
    days = (start + timedelta(days=n) for n in range(800))
    found = tuple(d for d in days if d.astimezone(clock).utcoffset() != (d + timedelta(days=1)).astimezone(clock).utcoffset())
    return found or (start,)


def minutes(start: datetime, end: datetime) -> list[datetime]:
    first = start.replace(second=0, microsecond=0) + MINUTE
    return [first + n * MINUTE for n in range(int((end - first) / MINUTE) + 1)]


def walls(zone: str, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Each minute, and what the zone's clocks show then."""
    clock = ZoneInfo(zone)
    return [(at, at.astimezone(clock).replace(tzinfo=None)) for at in minutes(start, end)]


def slow_cron(parts: tuple[set[int] | None, ...], zone: str, start: datetime, end: datetime) -> list[datetime]:
    """Minute by minute. ``None`` is a star. Fixed times are due once: when the clock first shows them, or right after it skipped them."""
    minute, hour, days, months, weekdays = parts

    def on(day: date) -> bool:
        by_month = days is None or day.day in days
        by_week = weekdays is None or (day.isoweekday() % 7) in weekdays
        both = (by_month or by_week) if days is not None and weekdays is not None else (by_month and by_week)
        return both and (months is None or day.month in months)

    def fits(wall: datetime) -> bool:
        return (minute is None or wall.minute in minute) and (hour is None or wall.hour in hour) and on(wall.date())

    # begin two days early: whether a wall time was shown before counts, too
    shown = walls(zone, start - timedelta(days=2), end)
    if minute is None or hour is None:
        return [at for at, wall in shown if at > start and fits(wall)]
    found: list[datetime] = []
    highest = shown[0][1] - MINUTE
    for at, wall in shown:
        skipped = [highest + n * MINUTE for n in range(1, int((wall - highest) / MINUTE))] if wall > highest else []
        if (wall > highest and fits(wall)) or any(fits(each) for each in skipped):
            found.append(at)
        highest = max(highest, wall)
    return [at for at in found if at > start]


def slow_every(seconds: int, zone: str, start: datetime, end: datetime) -> list[datetime]:
    def fits(wall: datetime) -> bool:
        since = int((wall - datetime.combine(wall.date(), time())).total_seconds())
        return (
            since % seconds == 0
            if seconds < 86_400
            else since == 0 and wall.date().toordinal() % (seconds // 86_400) == date(1970, 1, 1).toordinal() % (seconds // 86_400)
        )

    shown = walls(zone, start - timedelta(days=2), end)
    if seconds <= 3600:
        return [at for at, wall in shown if at > start and fits(wall)]
    found, highest = [], shown[0][1] - MINUTE
    for at, wall in shown:
        skipped = [highest + n * MINUTE for n in range(1, int((wall - highest) / MINUTE))] if wall > highest else []
        if (wall > highest and fits(wall)) or any(fits(each) for each in skipped):
            found.append(at)
        highest = max(highest, wall)
    return [at for at in found if at > start]


@st.composite
def stretches(draw: st.DrawFn) -> tuple[str, datetime, datetime]:
    zone = draw(st.sampled_from(ZONES))
    around = draw(st.sampled_from(changes(zone)))
    start = around + timedelta(minutes=draw(st.integers(-2000, 2000)), seconds=draw(st.integers(0, 59)))
    return zone, start, start + timedelta(hours=draw(st.integers(1, 72)))


def field(least: int, most: int) -> st.SearchStrategy[set[int] | None]:
    return st.none() | st.sets(st.integers(least, most), min_size=1, max_size=5)


def spelled(part: set[int] | None) -> str:
    return "*" if part is None else ",".join(map(str, sorted(part)))


@settings(max_examples=150, deadline=None)
@given(stretches(), st.tuples(field(0, 59), field(0, 4) | field(0, 23), field(1, 31), field(1, 12), field(0, 6)))
def test_cron_patterns_are_due_when_a_look_at_every_minute_says_so(
    where: tuple[str, datetime, datetime], parts: tuple[set[int] | None, ...]
) -> None:
    zone, start, end = where
    try:
        found = cron(" ".join(map(spelled, parts)), zone, start)
    except ValueError:  # the 31st of February: refused when the file is read
        return
    assert list(takewhile(lambda at: at <= end, found)) == slow_cron(parts, zone, start, end)


DUBLIN = ("Europe/Dublin", datetime(2025, 3, 30, tzinfo=UTC), datetime(2025, 3, 30, 1, tzinfo=UTC))
"""Half past one does not exist that night: the clock goes from one to two."""


@settings(max_examples=150, deadline=None)
@example(DUBLIN, 5400)
@given(stretches(), st.sampled_from([60, 300, 600, 900, 1800, 3600, 5400, 7200, 21_600, 43_200, 86_400, 172_800]))
def test_intervals_are_due_when_a_look_at_every_minute_says_so(where: tuple[str, datetime, datetime], seconds: int) -> None:
    zone, start, end = where
    assert list(takewhile(lambda at: at <= end, every(seconds, zone, start))) == slow_every(seconds, zone, start, end)


@settings(max_examples=50, deadline=None)
@given(stretches(), st.integers(0, 40))
def test_a_restart_shifts_nothing(where: tuple[str, datetime, datetime], cut: int) -> None:
    zone, start, _ = where
    whole = list(islice(every(600, zone, start), 60))
    assert list(islice(every(600, zone, whole[cut] + timedelta(seconds=30)), 19)) == whole[cut + 1 : cut + 20]


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("* * * *", "five fields"),
        ("61 * * * *", "minute"),
        ("*/0 * * * *", "step"),
        ("5-1 * * * *", "backwards"),
        ("0 0 * * fry", "weekday"),
        ("0 0 L * *", "day"),
        ("@fortnightly", "@daily"),
        ("0 0 * * * *", "five fields"),
        ("", "five fields"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        cron(pattern, "UTC", datetime(2026, 1, 1, tzinfo=UTC))


def test_half_an_hour_is_a_clock_change_like_any_other() -> None:
    """Lord Howe's clocks go back by half an hour at two; what is due at midnight afterwards is due at midnight."""
    found = cron("*/10 0 * * *", "Australia/Lord_Howe", datetime(2025, 4, 6, tzinfo=UTC))
    assert [f"{at:%H:%M}" for at in islice(found, 4)] == ["13:30", "13:40", "13:50", "14:00"]


def test_what_is_never_due_ends() -> None:
    assert list(cron("0 0 31 2 *", "UTC", datetime(2026, 1, 1, tzinfo=UTC))) == []
    assert next(cron("0 0 29 2 *", "UTC", datetime(2096, 3, 1, tzinfo=UTC))).year == 2104


def test_aliases_are_their_patterns() -> None:
    start = datetime(2026, 1, 31, tzinfo=UTC)
    assert next(cron("@monthly", "UTC", start)) == datetime(2026, 2, 1, tzinfo=UTC)
    assert next(cron("@weekly", "UTC", start)) == datetime(2026, 2, 1, tzinfo=UTC)  # a Sunday
    assert next(cron("@Daily", "Europe/Berlin", start)) == datetime(2026, 1, 31, 23, tzinfo=UTC)
