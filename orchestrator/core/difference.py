"""How the data of two relations differs: columns, rows by key, values by column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Row = tuple[Any, ...]

ValueKind = Literal["whole", "exact", "float", "text", "moment", "other"]
"""What sort of values a column holds: whole numbers, decimals, floating numbers, texts, dates and times, anything else."""

MASK = "****"
"""What is shown in place of personal data."""


@dataclass(frozen=True, slots=True)
class Key:
    """Columns that tell rows apart, and who says so (``--on``, ``unique_key``, ``test unique_orders_id``)."""

    columns: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Reach:
    """How a session of one target sees the relations of another.

    ``statements`` are said first. ``databases`` are names of databases that are called otherwise there; views over such a database
    would read another one, and cannot be compared.
    """

    statements: tuple[str, ...] = ()
    databases: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """How two relations are to be compared.

    ``where`` filters both sides. ``limit`` is how many samples of each sort are wanted. Floating numbers are the same when they are
    no further apart than ``tolerance``. ``percent`` compares only keys that fall into the sample. ``columns`` are all that is
    compared when any are named, ``exclude`` what is not. Values of ``masked`` columns are not shown. ``spreads`` asks for them.
    """

    where: str = ""
    limit: int = 5
    tolerance: float = 0.0
    percent: float | None = None
    columns: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    spreads: bool = True


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

    ``samples`` are ``(key, before, after)`` of some that have not. ``compared_as`` is the type that values of different types are
    compared in: one that holds both exactly, else ``text``; empty where the types are the same.
    """

    name: str
    before_type: str
    after_type: str
    compared: int = 0
    equal: int = 0
    before: Spread | None = None
    after: Spread | None = None
    samples: tuple[tuple[Row, Any, Any], ...] = ()
    compared_as: str = ""

    @property
    def retyped(self) -> bool:
        """Whether the types are different."""
        return self.before_type.casefold() != self.after_type.casefold()

    @property
    def match(self) -> float:
        """The share of compared rows that have the same value; 1 when there are none."""
        return self.equal / self.compared if self.compared else 1.0


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different between ``before`` and ``after`` (full names of relations).

    ``how``: ``identical`` (nothing differs: a digest of all rows says so), ``exact`` (row by row), ``sampled`` (only keys that
    fall into the sample, see ``share``), ``counted`` (no key: rows are compared as a whole, as a bag). ``key`` are the columns that
    rows are matched by, ``key_from`` who says that they are one (``--on``, ``unique_key``, ``test unique_orders_id``, ``inferred``);
    empty for ``counted``, and ``note`` says why. ``removed`` and ``added`` are rows whose key only one side has, ``changed`` have another
    value in some column. Duplicate keys are counted, and their rows are not matched: with those whose key has a null they are
    ``unmatched``. ``unmatched_differ``: nothing else differs, so it must be among them, or outside of the
    sample. ``shown`` names the columns of sampled rows.
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
    nulls_before: int = 0
    nulls_after: int = 0
    unmatched_before: int = 0
    unmatched_after: int = 0
    unmatched_differ: bool = False
    shown: tuple[str, ...] = ()
    key_masked: bool = False

    @property
    def differs(self) -> bool:
        """Whether anything at all is different: columns, types, rows or values."""
        retyped = self.unmatched_differ or any(c.retyped for c in self.columns)
        return bool(self.added or self.removed or self.changed or self.columns_added or self.columns_removed or retyped) or (
            self.rows_before != self.rows_after
        )


@dataclass(frozen=True, slots=True)
class Undone:
    """A comparison that could not be made, and why."""

    node: str
    why: str
    details: tuple[str, ...] = field(default=())
