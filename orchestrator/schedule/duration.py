"""Lengths of time as people write them: ``10m``, ``1h30m``, ``2d``."""

from __future__ import annotations

import re

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"(\d+)\s*([smhdw])")


def duration(text: str | float) -> int:
    """Seconds. A bare number is seconds. Raises ``ValueError`` for what is no length of time.

    >>> duration("1h30m"), duration("90"), duration("2 d")
    (5400, 90, 172800)
    """
    words = str(text).strip().lower()
    if words.isascii() and words.isdigit():
        return int(words)
    parts = _PART.findall(words)
    if not parts or _PART.sub("", words).strip():
        raise ValueError(f"`{text}` is no length of time; write it like 30s, 10m, 1h30m or 2d")
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def spoken(seconds: float) -> str:
    """A length of time, short.

    >>> spoken(5400), spoken(59), spoken(172800)
    ('1h30m', '59s', '2d')
    """
    left, said = round(seconds), ""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        said += f"{count}{unit}" if count else ""
    return said or "0s"
