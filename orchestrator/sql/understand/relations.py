"""What a resolver knows of a relation: columns, what each is made of, and what decides about its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlglot import exp

from orchestrator.core.meaning import UseKind

Mention = tuple[UseKind, int, int]
"""How a parent's column is used, and where it is first written."""

Uses = dict[tuple[str, str], Mention]
"""By ``(node, column)``. ``renamed`` does not occur here: until the end a use that changes nothing is ``passed``."""

RowUses = dict[tuple[str, str, UseKind], tuple[int, int]]
"""By ``(node, column, kind)``: where it is first written."""

_RANK: Mapping[str, int] = {"window": 0, "conditional": 0, "passed": 1, "transformed": 2, "aggregated": 3}


class Made(NamedTuple):
    """Where a column is made: a projection of a SELECT, or a mention of a column or star; sliced from the text when somebody asks."""

    select: exp.Expr | None
    at: int
    start: int = -1
    end: int = -1


class Column(NamedTuple):
    """A column of a relation. ``key`` is what it is found by; an empty ``name`` is one that the engine makes up."""

    name: str
    key: str
    type: str | None
    uses: Uses
    unknown: str = ""
    made: Made | None = None
    star: bool = False


@dataclass(slots=True)
class Relation:
    """The columns of a query or a table, and the uses that decide about its rows.

    ``complete``: there are no other columns; if not, ``unknown`` says why, and ``node`` owns them when it is known to.
    ``named``: a column's name may be one that we cannot say.
    """

    columns: list[Column]
    complete: bool = True
    unknown: str = ""
    node: str = ""
    rows: RowUses = field(default_factory=dict)
    named: bool = True
    index: dict[str, Column] = field(default_factory=dict)
    doubles: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        index = self.index
        for column in self.columns:
            if column.key in index:
                self.doubles.add(column.key)
            elif column.name:
                index[column.key] = column

    @property
    def closed(self) -> bool:
        """Whether a name that is not in the index is surely not a column."""
        return self.complete and self.named


def merge(into: Uses, uses: Mapping[tuple[str, str], Mention], kind: UseKind, at: tuple[int, int] = (-1, -1)) -> None:
    """Add ``uses`` to a column's, as something that happens to them in the way of ``kind``; ``at`` is their place if they have none yet.

    What only orders, partitions or decides stays that unless the same column is also a value; of two ways in which it is a
    value the one counts that does more to it.
    """
    for key, (inner, first, last) in uses.items():
        one = composed(inner, kind)
        start, end = (first, last) if first >= 0 else at
        other = into.get(key)
        if other is None:
            into[key] = (one, start, end)
        else:
            best = one if _RANK[one] > _RANK[other[0]] else other[0]
            into[key] = (best, start, end) if 0 <= start < other[1] or other[1] < 0 else (best, other[1], other[2])


def placed(uses: Uses, at: tuple[int, int]) -> Uses:
    """Uses of which those that have no place yet are at ``at``."""
    return {key: use if use[1] >= 0 else (use[0], *at) for key, use in uses.items()}


def composed(inner: UseKind, outer: UseKind) -> UseKind:
    """What happens to a column in the end when ``inner`` happens to it first.

    >>> composed("aggregated", "passed"), composed("passed", "transformed"), composed("window", "transformed")
    ('aggregated', 'transformed', 'window')
    >>> composed("transformed", "conditional")
    'conditional'
    """
    if outer == "passed" or not _RANK[inner]:
        return inner
    if not _RANK[outer]:
        return outer
    return inner if _RANK[inner] > _RANK[outer] else outer


def add_rows(into: RowUses, uses: Iterable[tuple[tuple[str, str], Mention]], kind: UseKind) -> None:
    """Add uses that decide about rows, each once."""
    for (node, column), (_, start, end) in uses:
        into.setdefault((node, column, kind), (start, end))
