"""Compare the data of two relations that one session can see."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from orchestrator.app.compare.apart import apart, first
from orchestrator.core.dialect import Dialect
from orchestrator.core.difference import MASK, ColumnDifference, Difference, Key, Row, Spread, Terms, Undone
from orchestrator.core.errors import ExecuteError, OrcError
from orchestrator.core.names import Relation
from orchestrator.core.ports import Connection
from orchestrator.plan.diff import statements as say
from orchestrator.plan.diff.pairing import Pair, Pairing, pairing

FEW = 1_000_000
"""Rows up to which different values are counted one by one where an engine has no cheaper way."""

SINGLES, PAIRS = 6, 10
"""How many columns, and pairs of columns, are looked at when a key must be found."""


PLAIN = Terms()


def difference(
    connection: Connection,
    dialect: Dialect,
    before: Relation,
    after: Relation,
    keys: Iterable[Key] = (),
    terms: Terms = PLAIN,
    *,
    there: Connection | None = None,
) -> Difference | Undone:
    """How the data of ``after`` differs from ``before``. The first of ``keys`` that both sides have the columns of is taken.

    Without one, a column or a pair of columns is looked for that is unique on both sides; without that, rows are compared as a bag.
    ``there`` is a session that sees ``before``, if ``connection`` does not (of the same engine): then rows are matched here, by
    key only. Nothing is written. What keeps the comparison from being made is the answer then: :class:`Undone`.
    """
    begun = time.monotonic()
    try:
        found = _Session((there or connection, connection), dialect).compare(before, after, tuple(keys), terms)
    except ExecuteError as error:
        for session in (connection, there or connection):
            session.rollback()
        return Undone(str(after), error.first.message, tuple(p.message for p in error.problems[1:]))
    except OrcError as error:
        return Undone(str(after), error.first.message)
    return found if isinstance(found, Undone) else replace(_masked(found, dialect, terms), seconds=time.monotonic() - begun)


@dataclass(frozen=True, slots=True)
class _Side:
    """What one scan of a side said."""

    rows: int
    nulls: int
    taking_part: int
    digest: str
    spreads: tuple[Spread, ...]


@dataclass(frozen=True, slots=True)
class _Session:
    connections: tuple[Connection, Connection]
    dialect: Dialect

    @property
    def apart(self) -> bool:
        """Whether no session sees both sides."""
        return self.connections[0] is not self.connections[1]

    def compare(self, before: Relation, after: Relation, keys: Sequence[Key], terms: Terms) -> Difference | Undone:
        columns = self.connections[0].columns(before), self.connections[1].columns(after)
        for relation, found in zip((before, after), columns, strict=True):
            if not found:
                return Undone(str(after), f"`{relation}` does not exist, or has no columns")
        # The key's columns are needed also when they are not among the ones asked for.
        whole = pairing(self.dialect, *columns, replace(terms, columns=(), exclude=()))
        key, source, note = self._chosen(whole, keys)
        wanted = pairing(self.dialect, *columns, terms)
        pairs = tuple(p for p in whole.pairs if p in key or p in wanted.pairs)
        if not pairs:
            return Undone(str(after), "the two have no column in common", tuple(f"{n} {t}" for n, t in wanted.added + wanted.removed))
        of = say.Comparing(self.dialect, (before, after), pairs, key, terms)
        sides = self._side(of, 0), self._side(of, 1)
        head = Difference(str(before), str(after), "identical", sides[0].rows, sides[1].rows, tuple(p.name for p in key), source)
        head = replace(head, columns_added=wanted.added, columns_removed=wanted.removed, note=note)
        compared = [ColumnDifference(p.name, *p.types, compared_as=p.meets) for p in pairs]
        if terms.spreads:
            compared = [replace(c, before=b, after=a) for c, b, a in zip(compared, sides[0].spreads, sides[1].spreads, strict=True)]
        if sides[0].rows == sides[1].rows and sides[0].digest == sides[1].digest:
            rows = sides[0].rows
            if self.dialect.roughly_from:
                compared = self._distinct(of, compared, sides)
            compared = [replace(c, compared=rows, equal=rows) for c in compared]
            return replace(head, same=rows, columns=tuple(compared), nulls_before=sides[0].nulls, nulls_after=sides[1].nulls)
        compared = self._distinct(of, compared, sides)
        if not key:
            key = self._inferred(of, sides, compared)
            of = replace(of, key=key)
            if key:
                head = replace(head, key=tuple(p.name for p in key), key_from="inferred")
                # what takes part in a sample depends on the key
                sides = (self._side(of, 0), self._side(of, 1)) if terms.percent is not None else sides
        if key:
            return self._matched(of, head, compared, sides)
        if self.apart:
            return Undone(str(after), "no key is known or found, and rows of two databases are matched by key only: name one with `--on`")
        return self._counted(of, head, compared)

    def _chosen(self, whole: Pairing, keys: Sequence[Key]) -> tuple[tuple[Pair, ...], str, str]:
        """The first key that both sides have, who says so, and why others were passed over."""
        notes: list[str] = []
        for key in keys:
            found = [whole.find(self.dialect, name) for name in key.columns]
            missing = [name for name, pair in zip(key.columns, found, strict=True) if pair is None]
            if not missing and found:
                return tuple(p for p in found if p is not None), key.source, "; ".join(notes)
            notes.append(f"{key.source} names {', '.join(f'`{m}`' for m in missing)}, which is not on both sides")
        return (), "", "; ".join(notes)

    def _side(self, of: say.Comparing, side: int) -> _Side:
        row = self.connections[side].execute(say.summary(of, side)).rows[0]
        values = iter(row[4:])
        spreads = []
        for pair in of.pairs if of.terms.spreads else ():
            said = {name: next(values) for name in say.spread_of(self.dialect, pair, side)}
            spreads.append(_spread(said))
        return _Side(int(row[0]), int(row[1] or 0), int(row[2] or 0), str(row[3]), tuple(spreads))

    def _distinct(self, of: say.Comparing, compared: list[ColumnDifference], sides: tuple[_Side, _Side]) -> list[ColumnDifference]:
        """Counts of different values, where the tables are small and the scan brought none, or rough ones."""
        rough = self.dialect.roughly_from
        if not of.terms.spreads or max(s.rows for s in sides) > (FEW if rough is None else rough):
            return compared
        counts = [self.connections[side].execute(say.distinct_counts(of, side, [(p,) for p in of.pairs])).rows[0] for side in (0, 1)]
        return [
            replace(c, before=replace(c.before or Spread(0), distinct=int(b)), after=replace(c.after or Spread(0), distinct=int(a)))
            for c, b, a in zip(compared, *counts, strict=True)
        ]

    def _inferred(self, of: say.Comparing, sides: tuple[_Side, _Side], compared: Sequence[ColumnDifference]) -> tuple[Pair, ...]:
        """The smallest column, or pair, that is unique and never null on both sides, by one scan of each."""
        largest = max(sides, key=lambda s: s.rows)
        spreads = {p: (c.before, c.after) for p, c in zip(of.pairs, compared, strict=True)}

        def never_null(pair: Pair) -> bool:
            return all(s is None or s.nulls == 0 for s in spreads[pair])

        def roughly(pair: Pair) -> float:
            counts = [s.distinct for s in spreads[pair] if s is not None and s.distinct is not None]
            return max(counts) if counts else float("inf")

        able = [p for p in say.key_groups(of.pairs, self.dialect) if never_null(p)]
        alone = [(p,) for p in able if roughly(p) >= largest.rows * 0.8][:SINGLES]
        together = [(a, b) for a, b in combinations(able, 2) if roughly(a) * roughly(b) >= largest.rows * 0.8][:PAIRS]
        groups: list[tuple[Pair, ...]] = [*alone, *together]
        if not groups:
            return ()
        counts = [self.connections[side].execute(say.distinct_counts(of, side, groups)).rows[0] for side in (0, 1)]
        unique = (g for g, b, a in zip(groups, *counts, strict=True) if (int(b), int(a)) == (sides[0].rows, sides[1].rows))
        return next(unique, ())

    def _matched(self, of: say.Comparing, head: Difference, compared: list[ColumnDifference], sides: tuple[_Side, _Side]) -> Difference:
        """Rows by key."""
        rows = max(side.taking_part for side in sides)
        totals, changed, samples = apart(of, self.connections, rows) if self.apart else self._together(of)
        removed, added, twice_before, twice_after, loose_before, loose_after = totals
        same = max(0, sides[0].taking_part - removed - loose_before - changed[0])
        differing = dict(zip(of.values, changed[1:], strict=False))
        matched = same + changed[0]
        compared = [replace(c, compared=matched, equal=matched - differing.get(p, 0)) for c, p in zip(compared, of.pairs, strict=True)]
        found = replace(
            head,
            how="exact" if of.terms.percent is None else "sampled",
            share=1.0 if of.terms.percent is None else of.terms.percent / 100,
            removed=removed,
            added=added,
            changed=changed[0],
            same=same,
            duplicates_before=twice_before,
            duplicates_after=twice_after,
            nulls_before=sides[0].nulls,
            nulls_after=sides[1].nulls,
            unmatched_before=loose_before + sides[0].nulls,
            unmatched_after=loose_after + sides[1].nulls,
            columns=tuple(compared),
        )
        # The digests of all rows do differ, and nothing that was matched does. (Within a tolerance, digests say nothing.)
        if not found.differs and not of.terms.tolerance:
            loose = found.unmatched_before + found.unmatched_after or of.terms.percent is not None
            found = replace(found, unmatched_differ=bool(loose))
        return self._sampled(of, found, samples)

    def _together(self, of: say.Comparing) -> tuple[list[int], list[int], dict[str, list[Row]]]:
        """Totals, how often each column differs, keys of samples: in one statement."""
        width = len(of.key)
        totals, changed, samples = [0] * say.TOTALS, [0] * (len(of.values) + 1), dict[str, list[Row]]()
        for kind, *rest in self.connections[1].execute(say.matched(of)).rows:
            numbers = [int(n or 0) for n in rest[width:]]
            if kind == "totals":
                totals = numbers[: say.TOTALS]
            elif kind == "changed":
                changed = numbers
            else:
                samples.setdefault(kind, []).append(tuple(rest[:width]))
        return totals, changed, samples

    def _sampled(self, of: say.Comparing, found: Difference, samples: Mapping[str, Sequence[Row]]) -> Difference:
        """The values of the rows whose keys were chosen."""
        ordered = {kind: first(keys, of.terms.limit) for kind, keys in samples.items()}
        both = [k for kind, keys in ordered.items() if kind.startswith("value") for k in keys]
        try:
            rows = (
                self._rows(of, 0, [*ordered.get("removed", ()), *both]),
                self._rows(of, 1, [*ordered.get("added", ()), *both]),
            )
        except TypeError as error:  # a key whose type has no literal: the numbers are right all the same
            return replace(found, note="; ".join(filter(None, (found.note, f"no samples: {error}"))))
        shown = [*of.key, *of.values]
        place = {pair: n for n, pair in enumerate(of.pairs)}

        def whole(side: int, kind: str) -> tuple[Row, ...]:
            return tuple(tuple(rows[side][k][place[p]] for p in shown) for k in ordered.get(kind, ()) if k in rows[side])

        def values(number: int, pair: Pair) -> tuple[tuple[Row, Any, Any], ...]:
            keys = [k for k in ordered.get(f"value {number}", ()) if k in rows[0] and k in rows[1]]
            return tuple((k, rows[0][k][place[pair]], rows[1][k][place[pair]]) for k in keys)

        picked = {pair: values(n, pair) for n, pair in enumerate(of.values, 1)}
        columns = tuple(replace(c, samples=picked.get(p, ())) for c, p in zip(found.columns, of.pairs, strict=True))
        return replace(
            found,
            columns=columns,
            samples_removed=whole(0, "removed"),
            samples_added=whole(1, "added"),
            shown=tuple(p.name for p in shown),
        )

    def _rows(self, of: say.Comparing, side: int, keys: Sequence[Row]) -> dict[Row, Row]:
        chosen = list(dict.fromkeys(keys))
        if not chosen:
            return {}
        width = len(of.key)
        rows = self.connections[side].execute(say.rows_of_keys(of, side, chosen)).rows
        return {tuple(row[:width]): tuple(row[width:]) for row in rows}

    def _counted(self, of: say.Comparing, head: Difference, compared: list[ColumnDifference]) -> Difference:
        """Rows as a bag: nobody knows which of them belong together."""
        why = "no key: neither a column nor a pair of columns is unique and never null on both sides, so rows are counted, not matched"
        note = "; ".join(filter(None, (head.note, why)))
        if of.terms.percent is not None:
            note += "; without a key nothing can be sampled: all rows were compared"
            of = replace(of, terms=replace(of.terms, percent=None))
        found = self.connections[1].execute(say.counted(of)).rows
        removed, added = next((int(r[2] or 0), int(r[3] or 0)) for r in found if r[0] == "totals")
        shown = tuple(p.name for p in of.pairs)

        def rows(side: int, kind: str) -> tuple[Row, ...]:
            digests = sorted({int(r[1]) for r in found if r[0] == kind})
            if not digests:
                return ()
            by = {int(row[0]): tuple(row[1:]) for row in self.connections[side].execute(say.rows_of_digests(of, side, digests)).rows}
            return tuple(by[d] for d in digests if d in by)

        return replace(
            head,
            how="counted",
            key=(),
            key_from="",
            note=note,
            removed=removed,
            added=added,
            same=head.rows_before - removed,
            columns=tuple(compared),
            samples_removed=rows(0, "removed"),
            samples_added=rows(1, "added"),
            shown=shown,
        )


def _spread(said: Mapping[str, Any]) -> Spread:
    mean, distinct = said.get("mean"), said.get("distinct")
    return Spread(
        int(said["nulls"] or 0),
        None if distinct is None else int(distinct),
        said.get("least"),
        said.get("greatest"),
        None if mean is None else float(mean),
    )


def _masked(found: Difference, dialect: Dialect, terms: Terms) -> Difference:
    """The same without values of masked columns: in samples, keys and spreads."""
    if not terms.masked:
        return found

    def hidden(name: str) -> bool:
        return any(dialect.same_name(name, m) for m in terms.masked)

    keys = [hidden(name) for name in found.key]

    def key(row: Row) -> Row:
        return tuple(_stars(v, hide=h) for v, h in zip(row, keys, strict=True))

    def row(values: Row) -> Row:
        return tuple(_stars(v, hide=hidden(n)) for v, n in zip(values, found.shown, strict=True))

    def spread(of: Spread | None) -> Spread | None:
        return of and replace(of, least=_stars(of.least, hide=True), greatest=_stars(of.greatest, hide=True), mean=None)

    def column(of: ColumnDifference) -> ColumnDifference:
        hide = hidden(of.name)
        shown = tuple((key(k), _stars(b, hide=hide), _stars(a, hide=hide)) for k, b, a in of.samples)
        if not hide:
            return replace(of, samples=shown)
        return replace(of, samples=shown, before=spread(of.before), after=spread(of.after))

    return replace(
        found,
        columns=tuple(map(column, found.columns)),
        samples_added=tuple(map(row, found.samples_added)),
        samples_removed=tuple(map(row, found.samples_removed)),
        key_masked=any(keys),
    )


def _stars(value: Any, *, hide: bool) -> Any:
    return MASK if hide and value is not None else value
