"""Which intervals of event time a table is complete for, kept beside the data: written in the transaction that writes their rows."""

from __future__ import annotations

from orchestrator.adapters.ansi.words import Words
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import Built

INTERVALS = Relation(None, "_orc", "intervals")
"""One row for each batch that was built; together they say what the table is complete for. Rows may overlap: the union counts."""

INTERVAL_COLUMNS = (
    ("node", "text"),
    ("relation", "text"),
    ("start", "text"),
    ("end", "text"),
    ("fingerprint", "text"),
    ("run", "text"),
    ("at", "text"),
    ("rows", "bigint"),
)
"""Bounds are texts of one length, in UTC: they sort as instants do, and no session's time zone can shift them."""


class Intervals(Words):
    """The interval ledger's table, and the statements that write and read it."""

    def within(self, column: str, start: str, end: str) -> str:
        """The condition that an event time, as its author wrote the column, is in ``[start, end)``; null is in no interval.

        The bounds are plain literals: they become what the column is, a date, a timestamp, or one with a time zone.
        """
        return f"{column} >= {self.text(start)} and {column} < {self.text(end)}"

    def share(self, column: str, millionths: int) -> str:
        """The condition that a row's key falls into a share of all keys; texts of keys are compared, a null has no partner anyway."""
        return f"md5_number_lower(cast({column} as varchar)) % 1000000 < {millionths}"

    def intervals_setup(self) -> tuple[str, ...]:
        """Create the table if it is not there; the ledger's schema is."""
        columns = ", ".join(f"{self.quote(name)} {type_}" for name, type_ in INTERVAL_COLUMNS)
        return (f"create table if not exists {self.relation(INTERVALS)} ({columns})",)

    def intervals_write(self, built: Built) -> tuple[str, ...]:
        """Record a batch in place of what is recorded inside of it; runs in the transaction that writes its rows."""
        start, end = self.quote("start"), self.quote("end")
        inside = f"{self._of(built.relation)} and {start} >= {self.text(built.start)} and {end} <= {self.text(built.end)}"
        names = ", ".join(self.quote(name) for name, _ in INTERVAL_COLUMNS)
        values = ", ".join(self.literal(getattr(built, name)) for name, _ in INTERVAL_COLUMNS)
        table = self.relation(INTERVALS)
        return f"delete from {table} where {inside}", f"insert into {table} ({names}) values ({values})"

    def intervals_forget(self, relation: str, start: str | None = None, end: str | None = None) -> tuple[str, ...]:
        """Record that a table is not complete any more: not at all, or not from ``start`` to ``end``."""
        table = self.relation(INTERVALS)
        if start is None or end is None:
            return (f"delete from {table} where {self._of(relation)}",)
        names = [self.quote(name) for name, _ in INTERVAL_COLUMNS]
        first, last, low, high = self.quote("start"), self.quote("end"), self.text(start), self.text(end)
        into = f"insert into {table} ({', '.join(names)})\nselect"
        before = ", ".join(low if name == last else name for name in names)
        after = ", ".join(high if name == first else name for name in names)
        return (
            f"{into} {before} from {table} where {self._of(relation)} and {first} < {low} and {last} > {low}",
            f"{into} {after} from {table} where {self._of(relation)} and {first} < {high} and {last} > {high}",
            f"delete from {table} where {self._of(relation)} and {first} < {high} and {last} > {low}",
        )

    def intervals_move(self, source: str, target: str) -> tuple[str, ...]:
        """Record that the table ``source`` has become ``target``."""
        return (
            *self.intervals_forget(target),
            f"update {self.relation(INTERVALS)} set {self.quote('relation')} = {self.literal(target)} where {self._of(source)}",
        )

    def intervals_read(self, relation: str, start: str) -> str:
        """A query for the run id last recorded for the batch that begins at ``start``; proves a commit."""
        at = f"{self.quote('start')} = {self.text(start)}"
        order = f"order by {self.quote('at')} desc"
        return f"select {self.quote('run')} from {self.relation(INTERVALS)} where {self._of(relation)} and {at} {order}"

    def intervals_rows(self) -> str:
        """A query for what every table is complete for: ``(relation, start, end)``, joined where intervals touch.

        The engine joins them: years of hours arrive as one row.
        """
        relation, start, end = self.quote("relation"), self.quote("start"), self.quote("end")
        over = f"over (partition by {relation} order by {start}, {end} rows between unbounded preceding and"
        fresh = f"case when {start} <= max({end}) {over} 1 preceding) then 0 else 1 end"
        return (
            f"select {relation}, min({start}) as first_start, max({end}) as last_end from (\n"
            f"select {relation}, {start}, {end}, sum(fresh) {over} current row) as island from (\n"
            f"select {relation}, {start}, {end}, {fresh} as fresh from {self.relation(INTERVALS)}\n"
            f") as marked\n) as numbered group by {relation}, island order by 1, 2"
        )

    def _of(self, relation: str) -> str:
        return f"{self.quote('relation')} = {self.literal(relation)}"
