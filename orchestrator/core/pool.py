"""Limits that runs and nodes share by name: how wide a pool is now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

RECOVERY = 120.0
"""Seconds after which a pool that was halved gets one place back, and so on."""

QUIET = 30.0
"""Seconds in which one halving is enough: what was under way together is refused together."""


@dataclass(frozen=True, slots=True)
class Pool:
    """What is known of a pool beside the project's files. ``width`` is what somebody (``by``) set ``at`` some time, ``None``: nobody did.

    ``lowered`` is what was left of it when the engine refused for want of room at ``tried``; ``None``: it never did.
    """

    name: str
    width: int | None = None
    by: str = ""
    at: datetime | None = None
    lowered: int | None = None
    tried: datetime | None = None


def wide(declared: int, pool: Pool | None, now: datetime) -> int:
    """How many may be in a pool now; ``declared`` is what the project says.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> halved = crowded(8, None, "wh", noon)
    >>> [wide(8, halved, noon + timedelta(minutes=m)) for m in (0, 2, 5, 8, 60)]
    [4, 5, 6, 8, 8]
    >>> wide(8, Pool("wh", width=1), noon)
    1
    """
    if pool is None:
        return declared
    base = declared if pool.width is None else pool.width
    if pool.lowered is None or pool.tried is None:
        return base
    return min(base, pool.lowered + int(max(0.0, (now - pool.tried).total_seconds()) // RECOVERY))


def crowded(declared: int, pool: Pool | None, name: str, now: datetime) -> Pool:
    """The pool after its engine refused for want of room: half as wide, one place at least."""
    known = pool or Pool(name)
    if known.tried is not None and now - known.tried < timedelta(seconds=QUIET):
        return known
    return replace(known, lowered=max(1, wide(declared, known, now) // 2), tried=now)
