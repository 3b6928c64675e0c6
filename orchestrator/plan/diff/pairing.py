"""Which columns of two relations are compared with each other, and as what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.core.dialect import Dialect
from orchestrator.core.difference import Terms, ValueKind

Columns = Sequence[tuple[str, str]]

TEXT = "text"


@dataclass(frozen=True, slots=True)
class Pair:
    """A column that both sides have: names, types, and the type that values of different types meet in (or ``text``)."""

    names: tuple[str, str]
    types: tuple[str, str]
    meets: str = ""

    @property
    def name(self) -> str:
        """What it is called after the change."""
        return self.names[1]

    def said(self, dialect: Dialect, side: int) -> str:
        """The column of a side as an expression that can be compared, hashed and grouped by."""
        value, type_ = dialect.quote(self.names[side]), self.types[side]
        if self.meets == TEXT:
            return dialect.as_text(dialect.comparable(value, type_))
        return f"cast({value} as {self.meets})" if self.meets else dialect.comparable(value, type_)

    def kind(self, dialect: Dialect) -> ValueKind:
        """What sort of values are compared."""
        if self.meets == TEXT:
            return "text"
        return dialect.value_kind(self.meets or self.types[1])


@dataclass(frozen=True, slots=True)
class Pairing:
    """The columns that are compared, and those that only one side has."""

    pairs: tuple[Pair, ...]
    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]

    def find(self, dialect: Dialect, name: str) -> Pair | None:
        """The pair of this name, on either side."""
        exact = next((p for p in self.pairs if name in p.names), None)
        return exact or next((p for p in self.pairs if any(dialect.same_name(name, n) for n in p.names)), None)

    @property
    def retyped(self) -> bool:
        """Whether some column has another type."""
        return any(p.meets for p in self.pairs)


def pairing(dialect: Dialect, before: Columns, after: Columns, terms: Terms) -> Pairing:
    """Put the columns of both sides together by name; exactly the same name comes first."""
    left = {name: type_ for name, type_ in before if _wanted(dialect, name, terms)}
    right = {name: type_ for name, type_ in after if _wanted(dialect, name, terms)}
    pairs: list[Pair] = []
    free = [n for n in left if n not in right]
    for name, type_ in right.items():
        other = name if name in left else next((n for n in free if dialect.same_name(n, name)), None)
        if other is not None:
            free = [n for n in free if n != other]
            pairs.append(Pair((other, name), (left[other], type_), _meets(dialect, left[other], type_)))
    taken = {p.names[0] for p in pairs}, {p.names[1] for p in pairs}
    return Pairing(
        tuple(pairs),
        tuple((n, t) for n, t in right.items() if n not in taken[1]),
        tuple((n, t) for n, t in left.items() if n not in taken[0]),
    )


def _wanted(dialect: Dialect, name: str, terms: Terms) -> bool:
    def named(names: Sequence[str]) -> bool:
        return any(dialect.same_name(name, n) for n in names)

    return (not terms.columns or named(terms.columns)) and not named(terms.exclude)


def _meets(dialect: Dialect, before: str, after: str) -> str:
    """Nothing for equal types; a type that holds both; text when there is none."""
    if before.casefold() == after.casefold():
        return ""
    return dialect.meeting_type(before, after) or TEXT
