"""Rows as an aligned text table, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from orchestrator.core.event import plain
from orchestrator.report.problems import columns as width_of
from orchestrator.report.problems import printable

CELL = 60
"""Columns a cell may take before it is cut."""

_NARROWEST = 8


def table(names: Sequence[str], rows: Iterable[Sequence[Any]], *, width: int | None = None, cell: int = CELL) -> str:
    """Rows under their column names, numbers to the right, long cells cut; also valid Markdown. No rows: the names alone.

    ``width`` is the number of terminal columns to stay within if the widest columns can be cut for it.

    >>> print(table(["id", "name"], [(1, "ann"), (20, None)]))
    | id | name |
    | -- | ---- |
    |  1 | ann  |
    | 20 | NULL |
    """
    kept = [tuple(row) for row in rows]
    texts = [[text(value) for value in row] for row in kept]
    numeric = [_all_numbers(row[i] for row in kept) for i in range(len(names))]
    heads = [_flat(name) for name in names]
    natural = [max([2, width_of(head), *(width_of(row[i]) for row in texts)]) for i, head in enumerate(heads)]
    widths = _fit([min(n, max(cell, 2)) for n in natural], width)
    lines = [_line(heads, widths, [False] * len(heads)), _line(["-" * w for w in widths], widths, [False] * len(heads))]
    return "\n".join(lines + [_line(row, widths, numeric) for row in texts])


def as_json(names: Sequence[str], rows: Iterable[Sequence[Any]], *, indent: int | None = 2) -> str:
    """Rows as a JSON list of objects; NaN is null, times are ISO 8601, a repeated column name gets a number.

    >>> as_json(["a", "a"], [(1, float("nan"))], indent=None)
    '[{"a": 1, "a_2": null}]'
    """
    keys = _distinct(names)
    return json.dumps([dict(zip(keys, map(_json, row), strict=True)) for row in rows], indent=indent, ensure_ascii=False, allow_nan=False)


def text(value: Any) -> str:
    r"""One value as a reader wants to see it, on one line.

    >>> [text(v) for v in (None, True, 0.1 + 0.2, 1e-9, datetime(2026, 1, 2, 3, 4), "a\nb")]
    ['NULL', 'true', '0.3', '1e-09', '2026-01-02 03:04:00', 'a\\nb']
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case float():
            return _float(value)
        case datetime():
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case bytes() | bytearray() | memoryview():
            return "\\x" + bytes(value).hex()
        case dict() | list() | tuple():
            return _flat(json.dumps(_json(value), ensure_ascii=False))
        case _:
            return _flat(str(value))


def _float(value: float) -> str:
    # Six decimals tell apart what people compare by eye; shortest round-trip text shows 0.30000000000000004.
    if value and not 1e-4 <= abs(value) < 1e15:
        return repr(value)
    rounded = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if rounded == "-0" else rounded


def _flat(value: str) -> str:
    return printable(value).replace("\n", "\\n").replace("\t", "\\t")


def _json(value: Any) -> Any:
    match value:
        case datetime():  # a timestamp without a zone has none to convert from
            return plain(value) if value.tzinfo else value.isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case Decimal():
            return int(value) if value == value.to_integral_value() and value.is_finite() else _float_of(value)
        case dict():
            return {str(k): _json(v) for k, v in value.items()}
        case list() | tuple():
            return [_json(v) for v in value]
        case _:
            return plain(value)


def _float_of(value: Decimal) -> float | str | None:
    if not value.is_finite():
        return None
    near = float(value)
    return near if Decimal(repr(near)) == value else str(value)


def _distinct(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    keys: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        keys.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return keys


def _all_numbers(values: Iterable[Any]) -> bool:
    known = [v for v in values if v is not None]
    return bool(known) and all(isinstance(v, int | float | Decimal) and not isinstance(v, bool) for v in known)


def _fit(widths: list[int], width: int | None) -> list[int]:
    """Take from the widest columns until the table fits, or until none has anything to spare."""
    fitted = list(widths)
    if width is None:
        return fitted
    while fitted and sum(fitted) + 3 * len(fitted) + 1 > width and max(fitted) > _NARROWEST:
        fitted[fitted.index(max(fitted))] -= 1
    return fitted


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    return "| " + " | ".join(_pad(c, w, to_right=r) for c, w, r in zip(cells, widths, right, strict=True)) + " |"


def _pad(cell: str, width: int, *, to_right: bool) -> str:
    cut = cell if width_of(cell) <= width else _cut(cell, width)
    space = " " * (width - width_of(cut))
    return space + cut if to_right else cut + space


def _cut(cell: str, width: int) -> str:
    kept = ""
    for character in cell[:width]:
        if width_of(kept + character) > width - 1:
            break
        kept += character
    return kept + "…"
