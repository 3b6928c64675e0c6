"""The hours in which letters wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from orchestrator.core.alert import Rule


def quiet(rule: Rule, at: datetime) -> datetime:
    """From when on a letter of this moment may go out.

    >>> from datetime import time
    >>> night = Rule("r", frozenset(), (), quiet=(time(22), time(7)))
    >>> [str(quiet(night, datetime(2026, 1, 1, hour, 30, tzinfo=UTC)))[8:16] for hour in (6, 12, 23)]
    ['01 07:00', '01 12:30', '02 07:00']
    """
    if rule.quiet is None:
        return at
    clock = ZoneInfo(rule.zone)
    local = at.astimezone(clock)
    start, end = rule.quiet
    now = local.time()
    inside = start <= now < end if start < end else now >= start or now < end
    if not inside:
        return at
    day = local.date() + timedelta(days=1 if now >= end else 0)
    return max(at, datetime.combine(day, end, clock).astimezone(UTC))
