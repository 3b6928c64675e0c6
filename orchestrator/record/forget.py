"""Old runs are forgotten but for what they counted, and the texts that nobody else holds; of each source the last look at it stays."""

from __future__ import annotations

from datetime import datetime

from orchestrator.core.ports import Link
from orchestrator.record.measures import tally
from orchestrator.record.rows import instant

OF_RUNS = ("results", "notes", "attempts", "events", "grounds")
"""Tables that hold rows of a run."""

HOLDERS = ("select sql from results", "select inspect from results", "select sql from attempts", "select parts from grounds")


def forget(connection: Link, before: datetime, but: str = "") -> int:
    """Delete the runs that began before an instant, all ``but`` one; returns how many. For a transaction of the caller's.

    A run that never said how it ended counts as over: what runs for longer than history is kept is no run any more.
    """
    old = "select id from runs where started < ? and id <> ?"
    at = (instant(before), but)
    newest = "select max(n.at) from probes n where n.target = probes.target and n.source = probes.source"
    connection.execute(f"delete from probes where at < ? and at < ({newest})", (instant(before),))
    count = int(connection.execute(f"select count(*) from ({old}) as old", at).fetchone()[0])
    if count:
        tally(connection, old, at)
        for table in OF_RUNS:
            connection.execute(f"delete from {table} where run in ({old})", at)
        connection.execute("delete from runs where started < ? and id <> ?", at)
        held = " union ".join(f"{question} where {question.split()[1]} is not null" for question in HOLDERS)
        connection.execute(f"delete from texts where key not in ({held})")
    connection.execute("delete from outbox where made < ? and status <> 'waiting'", at[:1])
    connection.execute("delete from incidents where closed < ?", at[:1])
    return count
