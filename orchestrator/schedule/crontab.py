"""A schedule's times as patterns that other schedulers understand."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from orchestrator.core.schedule import Schedule
from orchestrator.schedule.cron import DAY
from orchestrator.schedule.pattern import ALIASES, pattern

MINUTE = 60


def crontab(schedule: Schedule) -> tuple[str, ...]:
    """Patterns of five numeric fields, due when a schedule is, on the clocks of its zone; none for one that follows others.

    >>> crontab(Schedule("n", cron="@daily")), crontab(Schedule("n", every=900)), crontab(Schedule("n", every=5400))
    (('0 0 * * *',), ('*/15 * * * *',), ('0 */3 * * *', '30 1-22/3 * * *'))

    Raises:
        ValueError: no patterns say the same; with a sentence on why.
    """
    if schedule.cron is not None:
        return (_plain(schedule.cron),)
    if schedule.every is None:
        return ()
    seconds = schedule.every
    if seconds % MINUTE:
        raise ValueError("its interval is no whole number of minutes")
    if seconds > DAY:
        raise ValueError("its days are counted through the months, which no cron pattern can say")
    hours_of: dict[int, list[int]] = {}
    for at in range(0, DAY, seconds):
        hours_of.setdefault(at // MINUTE % 60, []).append(at // 3600)
    minutes_of: dict[tuple[int, ...], list[int]] = {}
    for minute, hours in hours_of.items():
        minutes_of.setdefault(tuple(hours), []).append(minute)
    return tuple(f"{_steps(minutes, 60)} {_steps(hours, 24)} * * *" for hours, minutes in minutes_of.items())


def _plain(text: str) -> str:
    """A pattern in numbers alone. A day or weekday with a step is an *and* here, which others take for an *or*."""
    words = ALIASES.get(text.strip().lower(), text).split()
    read = pattern(text)
    starred = [w.startswith("*") for w in (words[2], words[4])]
    if not read.either and any(starred) and "*" not in (words[2], words[4]):
        raise ValueError(f"`{text}` means days that are both, which other crons take for either")
    fields = (
        _steps(read.minutes, 60),
        _steps(read.hours, 24),
        "*" if words[2] == "*" else _listed(read.days),
        "*" if words[3] == "*" else _listed(read.months),
        "*" if words[4] == "*" else _listed(read.weekdays),
    )
    return " ".join(fields)


def _listed(numbers: Iterable[int]) -> str:
    return ",".join(map(str, sorted(numbers)))


def _steps(numbers: Iterable[int], length: int) -> str:
    """Numbers of a field of ``length``, in as few characters as they take.

    >>> _steps(range(60), 60), _steps([0, 20, 40], 60), _steps([1, 4, 7], 24), _steps([5, 7], 60)
    ('*', '*/20', '1-7/3', '5,7')
    """
    found = sorted(numbers)
    if len(found) == length:
        return "*"
    gaps = {later - sooner for sooner, later in pairwise(found)}
    if len(found) > 2 and len(gaps) == 1:
        step = gaps.pop()
        if found[0] == 0 and found[-1] + step >= length:
            return f"*/{step}"
        return f"{found[0]}-{found[-1]}/{step}" if step > 1 else f"{found[0]}-{found[-1]}"
    return _listed(found)
