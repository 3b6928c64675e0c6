"""Lengths of time as people write and read them: ``30s``, ``10m``, ``1h30m``, ``2d``."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_PIECE = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])")


def duration(value: object) -> float:
    """Seconds. A bare number is seconds.

    >>> duration("1h30m"), duration(90), duration("0.5s"), duration("2 d")
    (5400.0, 90.0, 0.5, 172800.0)

    Raises:
        ValueError: it is no length of time.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    text = str(value).strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        return float(text)
    pieces = _PIECE.findall(text)
    if not pieces or _PIECE.sub("", text).strip():
        raise ValueError(f"`{value}` is no length of time; write it like 30s, 10m, 1h30m or 2d")
    return sum(float(number) * _UNITS[unit] for number, unit in pieces)


def spoken(seconds: float) -> str:
    """A length of time, short; below ten seconds to a tenth.

    >>> spoken(0.4), spoken(10), spoken(90), spoken(5400), spoken(172800)
    ('0.4s', '10s', '1m30s', '1h30m', '2d')
    """
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    left, said = round(seconds), ""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        said += f"{count}{unit}" if count else ""
    return said
