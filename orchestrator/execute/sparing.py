"""Nothing is built twice: a task whose node turns out to be what it would become, now that all it reads is known."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.core.plan import Task
from orchestrator.core.ports import Connection
from orchestrator.core.snapshot import Published
from orchestrator.execute.workshop import Workshop
from orchestrator.graph.stale import moment


def spared(task: Task, connection: Connection, shop: Workshop) -> str | None:
    """Why a task has nothing to do, or ``None`` when it has. The ledger is told which versions, and which code, the rows are good for.

    Raises:
        ExecuteError: the ledger cannot be asked.
    """
    versions = shop.versions
    attaching = shop.leasing.on_conflict == "attach"
    if versions is None or not (versions.checking or attaching) or task.batches or task.relation is None:
        return None
    planned = next((s.payload["publish"] for s in task.steps if isinstance(s.payload.get("publish"), Published)), None)
    if planned is None:
        return None
    if attaching and (row := _attached(task, planned, connection, shop)) is not None:
        versions.done(task.node, row)
        return f"run {row.run[:8]} built it meanwhile"
    if not versions.checking:
        return None
    known = versions.rows.get(task.node)
    news = _news(task, planned.node, known, connection, shop)
    if news is None and task.node not in versions.sparing:
        return None
    found = versions.spare(task.node, task.tests, news)
    if found is None:
        return None
    if found != (news or known) and shop.dialect.transactions == "all":
        connection.begin()
        for sql in shop.dialect.ledger_write(replace(found, node=planned.node), known=True):
            connection.execute(sql)
        connection.commit()
    versions.done(task.node, found)
    return f"run {news.run[:8]} has just built it of the same" if news else "fresh: what it reads did not change after all"


def _attached(task: Task, planned: Published, connection: Connection, shop: Workshop) -> Published | None:
    """What another run has published of the node since this one began, if it is what this one would make."""
    if shop.versions is None or shop.started is None or task.relation is None:
        return None
    rows = connection.execute(shop.dialect.ledger_row(planned.node)).rows
    row = replace(Published(*rows[0]), node=task.node) if rows else None
    if row is None or row.run == shop.leasing.run or row.fingerprint != planned.fingerprint or moment(row.at) < shop.started:
        return None
    there = connection.execute(shop.dialect.exists(task.relation)).rows[0][0]
    return row if there and shop.versions.agrees(task.node, task.tests, row) else None


def _news(task: Task, name: str, known: Published | None, connection: Connection, shop: Workshop) -> Published | None:
    """What another run has published of the node since the plan was made; nobody can while its table is there for us alone."""
    if not task.leased or task.relation is None:
        return None
    rows = connection.execute(shop.dialect.ledger_row(name)).rows
    row = replace(Published(*rows[0]), node=task.node) if rows else None
    if row is None or (known is not None and (row.run, row.at) == (known.run, known.at)):
        return None
    return row if connection.execute(shop.dialect.exists(task.relation)).rows[0][0] else None
