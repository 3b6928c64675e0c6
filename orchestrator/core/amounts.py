"""Amounts as people read them."""

from __future__ import annotations

_UNITS = ("Bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
_POWERS = ("", "k", "m", "bn")


def size(count: int) -> str:
    """A number of bytes.

    >>> size(0), size(1023), size(10_800_000)
    ('0 Bytes', '1023 Bytes', '10.3 MiB')
    """
    value, unit = float(count), 0
    while round(value, 1) >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{count} {_UNITS[0]}"


def many(count: int) -> str:
    """A number of things.

    >>> many(7), many(1000), many(2_540_000)
    ('7', '1.0k', '2.5m')
    """
    value, power = float(count), 0
    while round(value, 1) >= 1000 and power < len(_POWERS) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.1f}{_POWERS[power]}" if power else str(count)
