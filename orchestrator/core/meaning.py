"""What a query means, read off its text without a warehouse: its columns, where they come from, what decides about its rows.

Facts only, about one node each and in the words of the graph: a column of a parent is ``(node id, column name)``. What could
not be worked out says so and why; nothing here is ever a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ValueUse = Literal["passed", "renamed", "transformed", "aggregated", "window", "conditional"]
"""How a parent's column takes part in the *values* of an output column.

``passed`` unchanged and under its own name, ``renamed`` unchanged under another, ``transformed`` by an expression, ``aggregated``
by one that folds many rows (these four in rising order: of several on the way, the last of them counts). ``window``: it only
orders or partitions a window, or orders what an aggregate collects; ``conditional``: it only decides which of several values is taken
(``case when``, an aggregate's FILTER, what decides about the rows of a scalar subquery). What is a value and also decides is a value.
"""

RowUse = Literal["filter", "join", "group", "sort"]
"""How a parent's column takes part in *which rows* there are: WHERE, HAVING and QUALIFY; join conditions (also IN and EXISTS with
subqueries, and set operations other than UNION ALL); GROUP BY and DISTINCT; ORDER BY together with LIMIT."""

UseKind = ValueUse | RowUse


@dataclass(frozen=True, slots=True)
class Use:
    """One column of a parent and what is done with it. ``start``, ``end``: the place of its first mention in the node's rendered SQL."""

    node: str
    column: str
    kind: UseKind
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Output:
    """An output column. ``type`` is in the engine's words, ``None`` when unknown.

    ``expression`` is what makes it, as written: where it only passes through CTEs, the innermost expression that does
    something; ``start``, ``end`` its place. ``unknown`` says why its origins are not (all) known; empty when they are.
    """

    name: str
    type: str | None = None
    uses: tuple[Use, ...] = ()
    expression: str = ""
    start: int = -1
    end: int = -1
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a query that is wrong or doubtful: ``sql[start:end]`` is the place in the rendered text.

    ``incremental`` says which text: that of the second face.
    """

    code: str
    message: str
    start: int
    end: int
    hint: str | None = None
    incremental: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is known of a node's columns, and of the rows it keeps.

    ``complete`` is false when there may be further columns (a star over something unknown); ``unknown`` then says why.
    """

    columns: tuple[Output, ...] = ()
    rows: tuple[Use, ...] = ()
    complete: bool = True
    unknown: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def shape(self) -> Shape:
        """What readers of this node may know of its columns."""
        return Shape(tuple((c.name, c.type) for c in self.columns), self.complete, self.unknown)


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a relation, in order, with their types where known. ``complete`` says that there are no others."""

    columns: tuple[tuple[str, str | None], ...] = ()
    complete: bool = False
    unknown: str = ""
