"""Who may build a relation now, on BigQuery: one statement takes a lease, in a table whose rows do not get in each other's way."""

from __future__ import annotations

from zlib import crc32

from orchestrator.adapters.bigquery import jobs
from orchestrator.adapters.bigquery.words import GoogleWords
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import LEASE_SECONDS, Lease

BUCKETS = 1000
"""Partitions of the table: BigQuery lets two statements change one table at once when they change different partitions."""


class Leases(GoogleWords):
    """The statements that take, keep and return a lease."""

    def lease_setup(self) -> tuple[str, ...]:
        """Create the table of leases if it is not there."""
        columns = "bucket int64, relation string, run string, fence int64, since timestamp, heartbeat timestamp, former string"
        shape = f"partition by range_bucket(bucket, generate_array(0, {BUCKETS}, 1))"
        return (f"create table if not exists {self.relation(self.lease_table)} ({columns})\n{shape}",)

    def lease_claim(self, relation: Relation, run: str) -> tuple[str, ...]:
        """Take the lease if it is free, ours, or its holder's heart stopped; the last one answers ``run, fence, since`` of who has it.

        Whose heart stopped stays known as ``former``: what its jobs still do is ended before anything is built in their place.

        The merge changes the row whoever has it, so that of two who ask at once BigQuery lets one go first and shows the other.
        """
        it, me = self.text(self.lease_key(relation)), self.text(run)
        free = f"(lease.run is null or lease.run = {me} or {self.lease_is_dead('lease.')})"
        take = (
            f"merge into {self.relation(self.lease_table)} as lease\n"
            f"using (select {it} as relation) as asked\n"
            f"on lease.relation = asked.relation and lease.bucket = {self._bucket(it)}\n"
            f"when matched and {free} then update set former = if(lease.run = {me}, lease.former, lease.run), run = {me},"
            " fence = lease.fence + 1, since = current_timestamp(),"
            " heartbeat = current_timestamp()\n"
            "when matched then update set fence = lease.fence\n"
            f"when not matched then insert (bucket, relation, run, fence, since, heartbeat)\n"
            f"values ({self._bucket(it)}, {it}, {me}, 1, current_timestamp(), current_timestamp())"
        )
        return take, jobs.text(jobs.TakeOver(me, self.lease_holder(relation).replace("run, fence, since", "run, fence, since, former", 1)))

    def lease_holder(self, relation: Relation) -> str:
        """A query for ``run, fence, since`` of who has the lease."""
        it = self.text(self.lease_key(relation))
        where = f"relation = {it} and bucket = {self._bucket(it)}"
        return f"select run, fence, since from {self.relation(self.lease_table)} where {where} order by fence desc limit 1"

    def lease_beat(self, run: str) -> tuple[str, ...]:
        """Say that a run lives, for all leases it has."""
        return (f"update {self.relation(self.lease_table)} set heartbeat = current_timestamp() where run = {self.text(run)}",)

    def lease_end(self, lease: Lease, *, published: bool) -> tuple[str, ...]:  # noqa: ARG002  no transaction may hold on to this table
        """Return a lease after its task, however that ended; harmless when somebody else has it now."""
        it = self.text(self.lease_key(lease.relation))
        where = f"relation = {it} and bucket = {self._bucket(it)} and run = {self.text(lease.run)} and fence = {lease.fence}"
        return (f"update {self.relation(self.lease_table)} set run = null where {where}",)

    def lease_is_dead(self, prefix: str = "") -> str:
        """The condition that a lease's holder has not said for too long that it lives."""
        return f"{prefix}heartbeat < timestamp_sub(current_timestamp(), interval {LEASE_SECONDS} second)"

    @staticmethod
    def _bucket(key: str) -> str:
        return str(crc32(key.encode()) % BUCKETS)  # a number, so that BigQuery sees which partition is meant
