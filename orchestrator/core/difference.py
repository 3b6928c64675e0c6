"""How the data of two relations differs: columns, rows by key, values by column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """What a column's values are like on one side: how many are null and distinct, the least and the greatest, the mean of numbers."""

    nulls: int
    distinct: int | None = None
    least: Any = None
    greatest: Any = None
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class ColumnDifference:
    """One column that both sides have. Of ``compared`` rows with the same key, ``equal`` have the same value (two nulls are the same).

    ``samples`` are ``(key, before, after)`` of some that have not.
    """

    name: str
    before_type: str
    after_type: str
    compared: int = 0
    equal: int = 0
    before: Spread | None = None
    after: Spread | None = None
    samples: tuple[tuple[Row, Any, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different between ``before`` and ``after`` (full names of relations).

    ``how``: ``identical`` (nothing differs: a digest of all rows says so), ``exact`` (row by row), ``sampled`` (only keys that
    fall into the sample, see ``share``), ``counted`` (no key: rows are compared as a whole, as a bag). ``key`` are the columns that
    rows are matched by, ``key_from`` who says that they are one (``--on``, ``unique_key``, ``test unique_orders_id``, ``inferred``);
    empty for ``counted``, and ``note`` says why. ``removed`` and ``added`` are rows whose key only one side has, ``changed`` have another
    value in some column. Duplicate keys are counted, and their rows are not matched.
    """

    before: str
    after: str
    how: Literal["identical", "exact", "sampled", "counted"]
    rows_before: int
    rows_after: int
    key: tuple[str, ...] = ()
    key_from: str = ""
    added: int = 0
    removed: int = 0
    changed: int = 0
    same: int = 0
    duplicates_before: int = 0
    duplicates_after: int = 0
    share: float = 1.0
    columns: tuple[ColumnDifference, ...] = ()
    columns_added: tuple[tuple[str, str], ...] = ()
    columns_removed: tuple[tuple[str, str], ...] = ()
    samples_added: tuple[Row, ...] = ()
    samples_removed: tuple[Row, ...] = ()
    seconds: float = 0.0
    note: str = ""

    @property
    def differs(self) -> bool:
        """Whether anything at all is different: columns, types, rows or values."""
        retyped = any(c.before_type != c.after_type for c in self.columns)
        return bool(self.added or self.removed or self.changed or self.columns_added or self.columns_removed or retyped) or (
            self.rows_before != self.rows_after
        )


@dataclass(frozen=True, slots=True)
class Undone:
    """A comparison that could not be made, and why."""

    node: str
    why: str
    details: tuple[str, ...] = field(default=())
