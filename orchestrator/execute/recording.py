"""What a publish leaves in the ledgers, and what keeps a batch out of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.ports import Connection, Dialect
from orchestrator.core.snapshot import Built, Lease, Published


def recording(publish: Published | Built, payload: Mapping[str, Any], dialect: Dialect, lease: Lease | None) -> tuple[str, ...]:
    """Statements that record a publish, or an interval; or that an interval is not complete any more."""
    if isinstance(publish, Published):
        return dialect.ledger_write(publish, known=bool(payload.get("known", True)), lease=lease)
    fenced = dialect.lease_check(lease) if lease else ()
    if forgotten := payload.get("forget"):
        return (*fenced, *dialect.intervals_forget(publish.relation, *forgotten))
    return (*fenced, *dialect.intervals_write(publish))


def refuse_strays(strays: int, event_time: str) -> None:
    """Rows of a batch that are not of its interval would be there twice once their own interval is built.

    Raises:
        ExecuteError: X340, there are some.
    """
    if strays:
        which = f"{strays:,} rows have" if strays > 1 else "1 row has"
        message = f"not published: {which} a `{event_time}` that is outside of the batch, or null"
        hint = "give the parents it reads an `event_time`, or filter with `interval_start` and `interval_end`"
        raise ExecuteError(Problem("X340", message, None, hint))


def read_back(query: str, connection: Connection) -> tuple[tuple[Any, ...], ...]:
    """The rows of a query that changes nothing: a session that breaks meanwhile is no reason not to know."""
    try:
        return connection.execute(query).rows
    except ExecuteError as error:
        if not error.transient:
            raise
    return connection.execute(query).rows
