"""The SQL that compares two relations; how each engine says it is the dialect's business.

Rows are never joined wide. One aggregate over both sides groups by key and keeps the keys whose rows are not the same, by their
digests: it works out duplicates on the way, and a key that is there a million times costs no more than its rows. Only those keys
are joined back to both sides, to say which columns differ. What differs is said by the values themselves, never by digests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.core.dialect import Dialect
from orchestrator.core.difference import Terms
from orchestrator.core.names import Relation
from orchestrator.plan.diff.pairing import Pair

SHARES = 1_000_000
"""Parts that a sample is counted in."""

KINDS = ("removed", "added")
TOTALS = 6
"""Numbers in a row of totals: removed, added, keys that are twice before and after, rows that are not matched before and after."""


@dataclass(frozen=True, slots=True)
class Comparing:
    """Two relations, their columns, their key and the terms: everything the statements are made from."""

    dialect: Dialect
    sides: tuple[Relation, Relation]
    pairs: tuple[Pair, ...]
    key: tuple[Pair, ...]
    terms: Terms

    @property
    def values(self) -> tuple[Pair, ...]:
        """The columns that are no part of the key."""
        return tuple(p for p in self.pairs if p not in self.key)

    @property
    def keys(self) -> list[str]:
        """What the columns of the key are called in our statements."""
        return [f"orc_k{n}" for n in range(1, len(self.key) + 1)]

    def where(self, *more: str) -> str:
        """The filter of both sides; what the user wrote may end with a comment."""
        found = [*([f"(\n{self.terms.where}\n)"] if self.terms.where else []), *more]
        return f"\nwhere {' and '.join(found)}" if found else ""

    def keyed(self, side: int) -> list[str]:
        """Conditions: the key has no null, and falls into the sample."""
        said = [p.said(self.dialect, side) for p in self.key]
        found = [f"{k} is not null" for k in said]
        if self.terms.percent is not None:
            digest = self.dialect.row_digest([self.dialect.as_text(k) for k in said])
            # 31 bits: what is left of a digest has no sign
            found.append(f"mod({digest} & 2147483647, {SHARES}) < {round(self.terms.percent * SHARES / 100)}")
        return found

    def rows(self, side: int) -> str:
        """The rows of a side that take part, key and values under our names."""
        parts = [f"{p.said(self.dialect, side)} as {k}" for p, k in zip(self.key, self.keys, strict=True)]
        parts += [f"{p.said(self.dialect, side)} as orc_v{n}" for n, p in enumerate(self.values, 1)]
        return f"select {', '.join(parts)} from {self.dialect.relation(self.sides[side])}{self.where(*self.keyed(side))}"

    def digests(self, side: int) -> str:
        """Key and digest of the rows of a side."""
        parts = [f"{p.said(self.dialect, side)} as {k}" for p, k in zip(self.key, self.keys, strict=True)]
        values = self.values if self.key else self.pairs
        digest = self.dialect.row_digest([p.said(self.dialect, side) for p in values])
        listed = ", ".join([*parts, f"{digest} as orc_h", f"{side} as orc_side"])
        return f"select {listed} from {self.dialect.relation(self.sides[side])}{self.where(*self.keyed(side))}"

    def both(self) -> str:
        """The rows of both sides, as a table."""
        return f"(\n{self.digests(0)}\nunion all\n{self.digests(1)}\n) orc_both"


def summary(of: Comparing, side: int) -> str:
    """A query for one side, in one scan: rows, rows without a whole key, rows that take part, digest of all, and the spread of each column.

    A spread is nulls, distinct, least, greatest, mean: those that :func:`spread_of` has.
    """
    say = of.dialect
    null = " or ".join(f"{p.said(say, side)} is null" for p in of.key)
    part = " and ".join(of.keyed(side))
    parts = [
        "count(*)",
        f"sum(case when {null} then 1 else 0 end)" if null else "0",
        f"sum(case when {part} then 1 else 0 end)" if part else "count(*)",
        say.digest_sum(say.row_digest([p.said(say, side) for p in of.pairs])),
    ]
    if of.terms.spreads:
        parts += [said for p in of.pairs for said in spread_of(say, p, side).values()]
    named = ", ".join(f"{said} as s{n}" for n, said in enumerate(parts))
    return f"select {named}\nfrom {say.relation(of.sides[side])}{of.where()}"


def spread_of(say: Dialect, pair: Pair, side: int) -> dict[str, str]:
    """What is worked out about a column: expressions by the names of a :class:`~orchestrator.core.difference.Spread`'s fields."""
    column, kind = say.quote(pair.names[side]), say.value_kind(pair.types[side])
    found = {"nulls": f"count(*) - count({column})"}
    if say.roughly_from is not None:
        found["distinct"] = say.distinct(pair.said(say, side))
    if kind != "other":
        found |= {"least": f"min({column})", "greatest": f"max({column})"}
    if kind in ("whole", "exact", "float"):
        found["mean"] = say.average(column)
    return found


def distinct_counts(of: Comparing, side: int, groups: Sequence[Sequence[Pair]]) -> str:
    """A query for one side: how many different values (or combinations, by digest) there are, exactly. Nulls do not count."""
    say = of.dialect

    def counted(group: Sequence[Pair]) -> str:
        said = [p.said(say, side) for p in group]
        return f"count(distinct {said[0] if len(said) == 1 else say.row_digest(said)})"

    named = ", ".join(f"{counted(g)} as s{n}" for n, g in enumerate(groups))
    return f"select {named}\nfrom {say.relation(of.sides[side])}{of.where()}"


def matched(of: Comparing) -> str:
    """A query for everything about keys. Its rows are ``(kind, key…, number…)``.

    ``totals`` (see :data:`TOTALS`); ``changed``: how many rows, then for each value column in how many rows it differs; keys of samples:
    ``removed``, ``added``, and ``value N`` for a column that differs.
    """
    keys, values = of.keys, of.values
    names, width = ", ".join(keys), max(TOTALS, len(values) + 1)
    one = "count(*) = 2 and sum(orc_side) = 1 and min(orc_h) = max(orc_h)"
    odd = f"select {names}, count(*) as orc_n, sum(orc_side) as orc_s\nfrom {of.both()}\ngroup by {names}\nhaving not ({one})"
    steps = [("orc_odd", odd)]
    nothing = ", ".join(f"(select {k} from orc_odd where 1 = 0) as {k}" for k in keys)  # a null of the right type
    single_before, single_after = "orc_n = 1 and orc_s = 0", "orc_n = 1 and orc_s = 1"
    twice = "(orc_n - orc_s > 1 or orc_s > 1)"
    totals = [
        _times(single_before),
        _times(single_after),
        _times("orc_n - orc_s > 1"),
        _times("orc_s > 1"),
        f"sum(case when {twice} then orc_n - orc_s else 0 end)",
        f"sum(case when {twice} then orc_s else 0 end)",
    ]
    branches = [f"select 'totals' as orc_kind, {nothing}, {_numbered(totals, width)} from orc_odd"]
    for kind, condition in zip(KINDS, (single_before, single_after), strict=True):
        branches.append(_sample(kind, of, "orc_odd", condition, width))
    if values:
        steps.append(("orc_flags", _flags(of)))
        some = " + ".join(f"orc_d{n}" for n in range(1, len(values) + 1))
        sums = [_times(f"{some} > 0"), *(f"sum(orc_d{n})" for n in range(1, len(values) + 1))]
        branches.append(f"select 'changed' as orc_kind, {nothing}, {_numbered(sums, width)} from orc_flags")
        branches += [_sample(f"value {n}", of, "orc_flags", f"orc_d{n} = 1", width) for n in range(1, len(values) + 1)]
    return of.dialect.in_steps(steps, "\nunion all\n".join(branches))


def _flags(of: Comparing) -> str:
    """For each key that both sides have once, with rows of different digests: which columns differ."""
    differing = ", ".join(f"case when {_differs(of, p, n)} then 1 else 0 end as orc_d{n}" for n, p in enumerate(of.values, 1))
    named = ", ".join(f"orc_odd.{k} as {k}" for k in of.keys)

    def joined(side: int, alias: str) -> str:
        same = " and ".join(f"{alias}.{k} = orc_odd.{k}" for k in of.keys)
        return f"join (\n{of.rows(side)}\n) {alias} on {same}"

    return (
        f"select {named}, {differing}\nfrom orc_odd\n{joined(0, 'orc_before')}\n{joined(1, 'orc_after')}\n"
        "where orc_odd.orc_n = 2 and orc_odd.orc_s = 1"
    )


def _differs(of: Comparing, pair: Pair, number: int) -> str:
    before, after = f"orc_before.orc_v{number}", f"orc_after.orc_v{number}"
    differs = f"{before} is distinct from {after}"
    if of.terms.tolerance and pair.kind(of.dialect) == "float":
        near = f"abs({before} - {after}) <= {of.dialect.literal(of.terms.tolerance)}"
        return f"({differs} and not coalesce({near}, false))"
    return differs


def _times(condition: str) -> str:
    return f"sum(case when {condition} then 1 else 0 end)"


def _numbered(numbers: Sequence[str], width: int) -> str:
    """So many columns of whole numbers; what is missing is 0."""
    padded = [*numbers, *["0"] * (width - len(numbers))]
    return ", ".join(f"{number} as orc_c{n}" for n, number in enumerate(padded))


def _sample(kind: str, of: Comparing, table: str, condition: str, width: int) -> str:
    names = ", ".join(of.keys)
    first = f"select {names} from {table} where {condition} order by {names} limit {of.terms.limit}"
    # a name of its own for each: engines do not agree on whether a derived table needs one
    return f"select '{kind}' as orc_kind, {names}, {_numbered([], width)} from ({first}) orc_first"


def rows_of_keys(of: Comparing, side: int, keys: Sequence[Sequence[object]]) -> str:
    """A query for the rows of some keys: the key as it is compared, then every compared column as it is."""
    say = of.dialect
    said = [p.said(say, side) for p in of.key]
    chosen = " or ".join(f"({' and '.join(f'{k} = {say.literal(v)}' for k, v in zip(said, key, strict=True))})" for key in keys)
    parts = [*said, *(say.quote(p.names[side]) for p in of.pairs)]
    named = ", ".join(f"{part} as s{n}" for n, part in enumerate(parts))
    return f"select {named}\nfrom {say.relation(of.sides[side])}{of.where(f'({chosen})')}"


def counted(of: Comparing) -> str:
    """A query for rows as a bag. Its rows are ``(kind, digest, number, number)``: ``totals`` (removed, added); digests of samples."""
    odd = (
        f"select orc_h, count(*) - sum(orc_side) as orc_before, sum(orc_side) as orc_after\nfrom {of.both()}\n"
        "group by orc_h\nhaving count(*) <> 2 * sum(orc_side)"
    )

    def more(one: str, other: str) -> str:
        return f"sum(case when {one} > {other} then {one} - {other} else 0 end)"

    nothing = "(select orc_h from orc_odd where 1 = 0) as orc_h"
    totals = f"{more('orc_before', 'orc_after')} as orc_c0, {more('orc_after', 'orc_before')} as orc_c1"
    branches = [f"select 'totals' as orc_kind, {nothing}, {totals} from orc_odd"]
    for kind, condition in zip(KINDS, ("orc_before > orc_after", "orc_after > orc_before"), strict=True):
        first = f"select orc_h from orc_odd where {condition} order by orc_h limit {of.terms.limit}"
        branches.append(f"select '{kind}' as orc_kind, orc_h, 0 as orc_c0, 0 as orc_c1 from ({first}) orc_first")
    return of.dialect.in_steps([("orc_odd", odd)], "\nunion all\n".join(branches))


def rows_of_digests(of: Comparing, side: int, digests: Sequence[object]) -> str:
    """A query for the different rows that have some digests, the digest first."""
    say = of.dialect
    digest = say.row_digest([p.said(say, side) for p in of.pairs])
    parts = [digest, *(say.quote(p.names[side]) for p in of.pairs)]
    named = ", ".join(f"{part} as s{n}" for n, part in enumerate(parts))
    chosen = f"{digest} in ({', '.join(say.literal(d) for d in digests)})"
    # a row may be there a million times; of each digest a handful shows what there is to show
    return f"select {named}\nfrom {say.relation(of.sides[side])}{of.where(chosen)}\nlimit {len(digests) * 20}"


def key_groups(pairs: Sequence[Pair], say: Dialect) -> Iterator[Pair]:
    """The columns that could be (part of) a key, the likeliest first: whole numbers and texts, called like keys, far to the left."""
    ranks = {"whole": 0, "text": 0, "other": 1, "moment": 2, "exact": 3}

    def rank(at: tuple[int, Pair]) -> tuple[int, int, int]:
        position, pair = at
        name = pair.name.casefold()
        named = 0 if name in ("id", "key", "uuid") else 1 if name.endswith(("_id", "_key", "id")) else 2
        return named, ranks[pair.kind(say)], position

    able = [(n, p) for n, p in enumerate(pairs) if pair_can_be_key(p, say)]
    yield from (p for _, p in sorted(able, key=rank))


def pair_can_be_key(pair: Pair, say: Dialect) -> bool:
    """Floating numbers are nobody's key; values compared by a stand-in (JSON as text) are not either."""
    return pair.kind(say) != "float" and all(say.comparable("x", t) == "x" for t in pair.types)
