"""What was published, kept beside the data."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.adapters.ansi.words import Words
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import Lease, Published

LEDGER = Relation(None, "_orc", "ledger")
"""Where publishes are recorded: beside the data, in the target's own database."""

LEDGER_COLUMNS = (
    ("node", "text"), ("relation", "text"), ("fingerprint", "text"), ("run", "text"), ("at", "text"), ("rows", "bigint"), ("made", "text"),
)  # fmt: skip

ADDED = "made"
"""The column that ledgers of older versions do not have."""


class Ledger(Words):
    """The ledger's table, and the statements that write and read it."""

    def create_schema(self, relation: Relation) -> str:
        """Create the relation's schema if it is not there."""
        parts = (relation.database, relation.schema)
        return f"create schema if not exists {'.'.join(self.quote(part) for part in parts if part)}"

    def ledger_setup(self) -> tuple[str, ...]:
        """Create the ledger's schema and table if they are not there."""
        columns = ", ".join(f"{self.quote(name)} {type_}" for name, type_ in LEDGER_COLUMNS)
        return (self.create_schema(LEDGER), f"create table if not exists {self.relation(LEDGER)} ({columns})")

    def ledger_widen(self) -> tuple[str, ...]:
        """Add the column that an older version's ledger lacks; another run may be faster."""
        return (f"alter table {self.relation(LEDGER)} add column if not exists {self.quote(ADDED)} {dict(LEDGER_COLUMNS)[ADDED]}",)

    def ledger_write(self, published: Published, *, known: bool = True, lease: Lease | None = None) -> tuple[str, ...]:  # noqa: ARG002  for engines whose leases expire
        """Record a publish, replacing the node's previous row (if one is ``known``); runs in the publish's transaction."""
        values = ", ".join(self.literal(getattr(published, name)) for name, _ in LEDGER_COLUMNS)
        insert = f"insert into {self.relation(LEDGER)} ({self._ledger_names()}) values ({values})"
        if not known:
            return (insert,)
        return f"delete from {self.relation(LEDGER)} where {self.quote('node')} = {self.literal(published.node)}", insert

    def ledger_claim(self, rows: Sequence[Published]) -> str:
        """Record what is about to be built, in one statement; nobody has recorded it before."""
        values = ",\n".join(f"({', '.join(self.literal(getattr(row, name)) for name, _ in LEDGER_COLUMNS)})" for row in rows)
        return f"insert into {self.relation(LEDGER)} ({self._ledger_names()}) values\n{values}"

    def ledger_forget(self, node: str) -> tuple[str, ...]:
        """Remove what is recorded of a node: it is not there any more."""
        return (f"delete from {self.relation(LEDGER)} where {self.quote('node')} = {self.literal(node)}",)

    def ledger_read(self, node: str) -> str:
        """A query for the run id last recorded for ``node``; proves a commit."""
        return f"select {self.quote('run')} from {self.relation(LEDGER)} where {self.quote('node')} = {self.literal(node)}"

    def ledger_rows(self, *, narrow: bool = False) -> str:
        """A query for the whole ledger, its columns in the order of :class:`~orchestrator.core.snapshot.Published`.

        ``narrow`` is that of an older version: what it lacks is null.
        """
        names = ", ".join("null" if narrow and name == ADDED else self.quote(name) for name, _ in LEDGER_COLUMNS)
        return f"select {names} from {self.relation(LEDGER)}"

    def ledger_row(self, node: str) -> str:
        """A query for what is recorded of ``node``, its columns as in :meth:`ledger_rows`."""
        return f"select {self._ledger_names()} from {self.relation(LEDGER)} where {self.quote('node')} = {self.literal(node)}"

    def _ledger_names(self) -> str:
        return ", ".join(self.quote(name) for name, _ in LEDGER_COLUMNS)
