"""What a failing unit test shows: the rows that should have come out, and the rows that did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

WIDEST = 40
"""Characters of a cell that are shown."""


def difference(columns: Sequence[str], rows: Sequence[Sequence[Any]], count: int) -> str:
    """The message for ``count`` differing rows, of which ``rows`` are shown: ``expected`` or ``actual``, then the values.

    >>> print(difference(["", "id", "total"], [["expected", 2, 99], ["actual", 2, 10]], 2))
    actual differs from expected in 2 rows:
                id  total
      expected  2   99
      actual    2   10
    """
    table = [[_cell(c) for c in columns], *([_cell(c) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(columns))]
    lines = ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    more = [f"  … and {count - len(rows)} more"] if count > len(rows) else []
    return "\n".join([f"actual differs from expected in {count} {'row' if count == 1 else 'rows'}:", *lines, *more])


def _cell(value: Any) -> str:
    text = "null" if value is None else str(value).replace("\n", "⏎")
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
