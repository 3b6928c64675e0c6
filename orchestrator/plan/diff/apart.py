"""The SQL that compares relations no one session sees both of: digests of buckets of keys, then the rows of buckets that differ."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.plan.diff.statements import Comparing

ROWS, MOST = 500, 65_536
"""Rows that a bucket should have, and how many buckets there may be: an answer of that many lines is read at once."""


def buckets_for(rows: int) -> int:
    """Into how many buckets the keys of so many rows are put.

    >>> buckets_for(10), buckets_for(1_000_000), buckets_for(10**9)
    (1, 2000, 65536)
    """
    return min(MOST, max(1, rows // ROWS))


def bucket_digests(of: Comparing, side: int, count: int) -> str:
    """A query for ``(bucket, rows, digest)``: buckets that are equal on both sides have equal rows."""
    bucket, digest = _bucket(of, side, count), of.dialect.digest_sum("orc_h")
    inner = f"select {bucket} as orc_b, {_whole(of, side)} as orc_h from {of.dialect.relation(of.sides[side])}{of.where(*of.keyed(side))}"
    return f"select orc_b, count(*) as orc_n, {digest} as orc_d from (\n{inner}\n) orc_rows group by orc_b"


def bucket_duplicates(of: Comparing, side: int, count: int) -> str:
    """A query for ``(bucket, keys, rows)`` of keys that are there more than once."""
    keys, say = ", ".join(of.keys), of.dialect
    named = ", ".join(f"{p.said(say, side)} as {k}" for p, k in zip(of.key, of.keys, strict=True))
    rows = f"select {_bucket(of, side, count)} as orc_b, {named} from {say.relation(of.sides[side])}{of.where(*of.keyed(side))}"
    inner = f"select orc_b, {keys}, count(*) as orc_n from (\n{rows}\n) orc_rows group by orc_b, {keys} having count(*) > 1"
    return f"select orc_b, count(*) as orc_k, sum(orc_n) as orc_n from (\n{inner}\n) orc_twice group by orc_b"


def rows_of_buckets(of: Comparing, side: int, count: int, buckets: Sequence[int]) -> str:
    """A query for ``(key…, digest)`` of the rows in some buckets."""
    said = [p.said(of.dialect, side) for p in of.key]
    named = ", ".join(f"{part} as s{n}" for n, part in enumerate([*said, _whole(of, side)]))
    chosen = f"{_bucket(of, side, count)} in ({', '.join(map(str, buckets))})"
    return f"select {named}\nfrom {of.dialect.relation(of.sides[side])}{of.where(*of.keyed(side), chosen)}"


def values_of_keys(of: Comparing, side: int, keys: Sequence[Sequence[object]]) -> str:
    """A query for ``(key…, value…)`` of some keys, the values as they are compared."""
    say = of.dialect
    said = [p.said(say, side) for p in of.key]
    chosen = " or ".join(f"({' and '.join(f'{k} = {say.literal(v)}' for k, v in zip(said, key, strict=True))})" for key in keys)
    named = ", ".join(f"{part} as s{n}" for n, part in enumerate([*said, *(p.said(say, side) for p in of.values)]))
    return f"select {named}\nfrom {say.relation(of.sides[side])}{of.where(f'({chosen})')}"


def _bucket(of: Comparing, side: int, count: int) -> str:
    """The bucket of a key: of its text, so that it does not depend on the type it has on one side."""
    texts = [of.dialect.as_text(p.said(of.dialect, side)) for p in of.key]
    return f"mod({of.dialect.row_digest(texts)} & 2147483647, {count})"


def _whole(of: Comparing, side: int) -> str:
    return of.dialect.row_digest([p.said(of.dialect, side) for p in of.pairs])
