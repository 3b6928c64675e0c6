"""Who may build a relation now, kept beside the data: two runs never build the same one at once."""

from __future__ import annotations

from orchestrator.adapters.ansi.words import Words
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import LEASE_SECONDS, Lease

LEASES = Relation(None, "_orc", "leases")
"""One row for each relation that a run ever built; ``run`` is null while nobody builds it. ``fence`` never goes back."""

LEASE_COLUMNS = (
    ("relation", "text"),
    ("run", "text"),
    ("fence", "bigint"),
    ("since", "timestamp with time zone"),
    ("heartbeat", "timestamp with time zone"),
    ("holder", "text"),
)


class Leases(Words):
    """The table of leases, and the statements that take, keep and return one. No statement waits: who is refused asks again.

    Every engine may have its own way, if :meth:`lease_claim` gives a lease to one of those who ask at once and never to two. Here
    the update does that: whoever asks touches all rows of the relation, so that of two transactions one is refused by the engine.
    """

    leases: str = "every"
    lease_table: Relation = LEASES

    def lease_setup(self) -> tuple[str, ...]:
        """Create the table of leases if it is not there."""
        columns = ", ".join(f"{self.quote(name)} {type_}" for name, type_ in LEASE_COLUMNS)
        return (f"create table if not exists {self.relation(self.lease_table)} ({columns})",)

    def lease_claim(self, relation: Relation, run: str) -> tuple[str, ...]:
        """Take the lease if it is free, ours, or its holder's heart stopped; the last one answers ``run, fence, since`` of who has it.

        The fence rises by one whenever somebody takes it, also by who has it already.
        """
        table, me, it = self.relation(self.lease_table), self.text(run), self.text(self.lease_key(relation))
        seed = (
            f"insert into {table} ({self.quote('relation')}, {self.quote('fence')})"
            f" select {it}, 0 where not exists (select 1 from {table} where {self.quote('relation')} = {it})"
        )
        gone = self.lease_is_dead()
        living = f"{self.quote('relation')} = {it} and {self.quote('run')} <> {me}{f' and not ({gone})' if gone else ''}"
        take = (
            f"update {table} set {self.quote('run')} = {me}, {self.quote('fence')} = {self.quote('fence')} + 1,"
            f" {self.quote('since')} = current_timestamp, {self.quote('heartbeat')} = current_timestamp"
            f" where {self.quote('relation')} = {it} and not exists (select 1 from {table} where {living})"
        )
        return seed, take, self.lease_holder(relation)

    def lease_holder(self, relation: Relation) -> str:
        """A query for ``run, fence, since`` of who has the lease."""
        columns = ", ".join(self.quote(name) for name in ("run", "fence", "since"))
        where = f"{self.quote('relation')} = {self.text(self.lease_key(relation))}"
        return f"select {columns} from {self.relation(self.lease_table)} where {where} order by {self.quote('fence')} desc limit 1"

    def time_limit(self, seconds: float) -> tuple[tuple[str, ...], tuple[str, ...]]:  # noqa: ARG002  see PostgresDialect
        """No limit that the server would keep by itself."""
        return (), ()

    def lease_beat(self, run: str) -> tuple[str, ...]:
        """Say that a run lives, for all leases it has; nothing to say where a lease cannot outlive its holder."""
        now = f"set {self.quote('heartbeat')} = current_timestamp"
        return (f"update {self.relation(self.lease_table)} {now} where {self.quote('run')} = {self.text(run)}",)

    def lease_check(self, lease: Lease) -> tuple[str, ...]:  # noqa: ARG002  for engines whose leases expire
        """Fail in a publish's transaction (X330) when the lease has been taken over; keeps it."""
        return ()

    def lease_end(self, lease: Lease, *, published: bool) -> tuple[str, ...]:  # noqa: ARG002  engines that return it in the publish differ
        """Return a lease after its task, however that ended; harmless when somebody else has it now."""
        mine = f"{self.quote('run')} = {self.text(lease.run)} and {self.quote('fence')} = {lease.fence}"
        where = f"{self.quote('relation')} = {self.text(self.lease_key(lease.relation))} and {mine}"
        return (f"update {self.relation(self.lease_table)} set {self.quote('run')} = null where {where}",)

    def lease_key(self, relation: Relation) -> str:
        """What a relation is called among the leases: the same for all spellings that an engine may confuse.

        >>> Leases().lease_key(Relation("dw", "Shop", "Orders"))
        'dw.shop.orders'
        """
        return ".".join(part for part in relation.key if part)

    def lease_is_dead(self) -> str:
        """The condition that a lease's holder has not said for too long that it lives; empty where that cannot be."""
        return f"{self.quote('heartbeat')} < current_timestamp - interval '{LEASE_SECONDS}' second"
