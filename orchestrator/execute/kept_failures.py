"""What is left of tests whose transaction was given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.core.event import Event, NodeFinished
from orchestrator.core.names import Relation
from orchestrator.core.plan import Step
from orchestrator.core.ports import Connection
from orchestrator.execute.workshop import Workshop


def kept_failures(steps: Sequence[Step], connection: Connection, shop: Workshop, passed: Mapping[str, bool]) -> list[tuple[Relation, Any]]:
    """Failing rows that ``store_failures`` wants kept although the transaction they were found in is given up."""
    audits = [s.payload["audit"] for s in steps if s.id in passed and "audit" in s.payload and "rows" not in s.payload]
    return [(a, connection.read(f"select * from {shop.dialect.relation(a)}").read_all()) for a in audits]


def kept_rows(steps: Sequence[Step], connection: Connection, passed: Mapping[str, bool]) -> list[tuple[Relation, Any]]:
    """The same where no table can be made in a transaction: the rows are read in it, and become a table when it is over."""
    judged = [s.payload for s in steps if s.id in passed and "rows" in s.payload]
    return [(p["audit"], connection.read(p["rows"]).read_all()) for p in judged]


def without_query(event: Event, rolled_back: Sequence[Step]) -> Event:
    """A test that judged rows which are no longer there can not be looked at again by its query."""
    gone = {v.test for s in rolled_back if "audit" not in s.payload for v in s.verdicts}
    return replace(event, inspect=None) if isinstance(event, NodeFinished) and event.node in gone else event
