"""What was found in one expression."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.sql.understand.relations import RowUses, Uses, merge


@dataclass(slots=True)
class Gathered:
    """What was found in an expression.

    ``uses``: columns as parts of its value. ``joins``: those that were compared with a subquery's rows. ``rows``: what
    decides about the rows of subqueries in it. ``unknown``: why some origins are not known.
    """

    uses: Uses = field(default_factory=dict)
    joins: Uses = field(default_factory=dict)
    rows: RowUses = field(default_factory=dict)
    unknown: str = ""

    def settle_rows(self) -> None:
        """Where the expression is a value, the rows of its subqueries only decide about it."""
        for (node, column, _), (start, end) in self.rows.items():
            merge(self.uses, {(node, column): ("conditional", start, end)}, "passed")
        merge(self.uses, self.joins, "conditional")

    def absorb(self, other: Gathered) -> None:
        """Take over what was found in a part."""
        merge(self.uses, other.uses, "passed")
        merge(self.joins, other.joins, "passed")
        for key, at in other.rows.items():
            self.rows.setdefault(key, at)
        self.unknown = self.unknown or other.unknown
