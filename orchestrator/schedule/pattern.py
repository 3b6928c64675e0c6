"""Cron patterns, read: five fields of numbers, names, ranges, lists and steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day", 1, 31, {}),
    ("month", 1, 12, {name: n for n, name in enumerate(_MONTHS, 1)}),
    ("weekday", 0, 7, {name: n for n, name in enumerate(_DAYS)}),
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What each field allows, in order. ``wild`` says that minute or hour begins with a star: it goes by what passes, not by the clock.

    ``either`` says that day and weekday are both restricted: then one of them is enough.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    wild: bool
    either: bool

    def on(self, day: date) -> bool:
        """Whether a day is one of its days."""
        if day.month not in self.months:
            return False
        fits = (day.day in self.days, day.isoweekday() % 7 in self.weekdays)
        return any(fits) if self.either else all(fits)


def pattern(text: str) -> Pattern:
    """A pattern, or an alias for one.

    Raises:
        ValueError: it is none, and why.

    >>> pattern("*/20 9-17/4 * * mon,5").minutes, pattern("*/20 9-17/4 * * mon,5").hours
    ((0, 20, 40), (9, 13, 17))
    """
    words = ALIASES.get(text.strip().lower(), text).split()
    if words and words[0].startswith("@"):
        raise ValueError(f"`{text}` is none of {', '.join(ALIASES)}")
    if len(words) != 5:
        raise ValueError(f"a cron pattern has five fields (minute hour day month weekday), this one {len(words)}")
    minutes, hours, days, months, weekdays = (_field(word, *rule) for word, rule in zip(words, _FIELDS, strict=True))
    wild = words[0].startswith("*") or words[1].startswith("*")
    either = not words[2].startswith("*") and not words[4].startswith("*")
    week = frozenset(n % 7 for n in weekdays)  # Sunday is 0 and 7
    return Pattern(tuple(sorted(minutes)), tuple(sorted(hours)), frozenset(days), frozenset(months), week, wild, either)


def _field(word: str, name: str, least: int, most: int, names: dict[str, int]) -> set[int]:
    found: set[int] = set()
    for part in word.lower().split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = least, most
        else:
            start = _number(first, name, least, most, names)
            end = _number(last, name, least, most, names) if dash else most if slash else start
        by = _number(step, f"step of {name}", 1, most, {}) if slash else 1
        if end < start:
            raise ValueError(f"`{part}` goes backwards in the {name}")
        found |= set(range(start, end + 1, by))
    return found


def _number(word: str, name: str, least: int, most: int, names: dict[str, int]) -> int:
    if word in names:
        return names[word]
    if not (word.isascii() and word.isdigit()) or not least <= int(word) <= most:
        raise ValueError(f"`{word}` is no {name} ({least} to {most})")
    return int(word)
