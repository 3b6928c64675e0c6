"""Amounts of data, as people write and read them."""

from __future__ import annotations

import re

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_WRITTEN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgtp]?)(i?)b?\s*", re.IGNORECASE)


def shown_bytes(count: int) -> str:
    """An amount in the unit that keeps it short.

    >>> shown_bytes(0), shown_bytes(1536), shown_bytes(10 * 1024**2)
    ('0 B', '1.5 KiB', '10.0 MiB')
    """
    amount, unit = float(count), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{count} B" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def written_bytes(text: str) -> int:
    """The number of bytes somebody means: ``500MB`` is decimal, ``10GiB`` and the shorthand ``10G`` binary.

    Raises:
        ValueError: it is no amount of data.

    >>> written_bytes("1024"), written_bytes("10G"), written_bytes("1.5 GB")
    (1024, 10737418240, 1500000000)
    """
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(text)
    number, letter, binary = match.groups()
    power = "kmgtp".index(letter.lower()) + 1 if letter else 0
    decimal = letter and not binary and text.strip().lower().endswith("b")
    return int(float(number) * (1000 if decimal else 1024) ** power)
