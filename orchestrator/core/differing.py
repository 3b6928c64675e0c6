"""The part of a dialect that compares the data of two relations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from orchestrator.core.difference import ValueKind


class Differing(Protocol):
    """What to say to an engine about rows that may or may not be the same.

    ``roughly_from``: the number of rows from which counting different values roughly is close enough; it costs next to nothing.
    ``None`` where they are counted one by one, which costs.
    """

    roughly_from: int | None

    def value_kind(self, type_: str) -> ValueKind:
        """What sort of values a column type holds."""
        ...

    def meeting_type(self, before: str, after: str) -> str | None:
        """A type that holds every value of both types exactly; ``None`` when there is none, and texts have to do."""
        ...

    def as_text(self, expression: str) -> str:
        """A value as text."""
        ...

    def row_digest(self, values: Sequence[str]) -> str:
        """A whole number of 64 bits for the values of a row, nulls included: equal for equal rows of equal types. Never null."""
        ...

    def digest_sum(self, digest: str) -> str:
        """The sum of the digests of all rows, as text: does not depend on their order, and never overflows."""
        ...

    def distinct(self, expression: str) -> str:
        """How many different values there are, roughly where ``roughly_from`` is a number."""
        ...

    def average(self, expression: str) -> str:
        """The mean of a column of numbers."""
        ...

    def in_steps(self, steps: Sequence[tuple[str, str]], final: str) -> str:
        """A query over named intermediate results, each worked out once."""
        ...
