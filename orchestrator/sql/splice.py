"""Put physical names and CTEs into a rendered query by splicing text: the author's SQL is sent as written, and positions in it stay known.

No syntax tree is built or printed here, so a cached project runs without sqlglot, and no round trip through a generator
can change what a query means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.core.node import Query, Read


@dataclass(frozen=True, slots=True)
class Spliced:
    """The final text, and which pieces of it are the rendered text's: ``(start here, start there, length)``.

    The pieces of a name that was replaced lie on the name that its author wrote.
    """

    sql: str
    pieces: tuple[tuple[int, int, int], ...]

    def shifted(self, by: int) -> tuple[tuple[int, int, int], ...]:
        """The pieces when the text stands ``by`` characters further right in a statement."""
        return tuple((start + by, source, length) for start, source, length in self.pieces)


def splice(query: Query, physical: Callable[[Read], str | None], ctes: Sequence[tuple[str, str]] = ()) -> Spliced:
    r"""Replace each read by what ``physical`` says (``None`` leaves it as written) and put ``ctes`` (name, SQL) in front.

    >>> q = Query("select * from orders", (Read("orders", 14, 20, True),))
    >>> splice(q, lambda read: 's.orders', [("c", "select 1")]).sql
    'with c as (\nselect 1\n)\nselect * from s.orders'
    """
    edits: list[tuple[int, int, str]] = [(r.start, r.end, text) for r in query.reads if (text := physical(r)) is not None]
    if ctes:
        block = ",\n".join(f"{name} as (\n{sql}\n)" for name, sql in ctes)
        edits.append((0, 0, f"with {block}\n") if query.with_at is None else (query.with_at, query.with_at, f" {block},"))
    out: list[str] = []
    pieces: list[tuple[int, int, int]] = []
    here = there = 0
    for start, end, text in sorted(edits):
        if start > there:
            pieces.append((here, there, start - there))
        out += [query.sql[there:start], text]
        here += start - there
        # A replaced name still leads back to where its author wrote it, never beyond its end.
        pieces += [(here + at, start, min(end - start, len(text) - at)) for at in range(0, len(text), end - start)] if end > start else []
        here += len(text)
        there = end
    if there < len(query.sql):
        pieces.append((here, there, len(query.sql) - there))
    out.append(query.sql[there:])
    return Spliced("".join(out), tuple(pieces))
