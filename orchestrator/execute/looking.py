"""Sources are looked at, several at a time: what becomes known of each, as it becomes known."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from queue import SimpleQueue
from typing import Any

from orchestrator.core.errors import ExecuteError, OrcError, Problem
from orchestrator.core.freshness import Look, Probe
from orchestrator.core.ports import Clock, Connection, Warehouse

EMPTY = "no rows"
"""The version of a source without rows."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The end of a look: what it found, how long that took, and what went wrong. ``probe`` is ``None`` when it only begins."""

    look: Look
    started: datetime
    thread: str
    probe: Probe | None = None
    seconds: float = 0.0
    problem: Problem | None = None


def looking(looks: Sequence[Look], warehouse: Warehouse, clock: Clock, threads: int = 1) -> Iterator[Seen]:
    """Look at sources. Yields each twice: when the look begins and when it ends. Never raises for one that cannot be looked at.

    Raises:
        WarehouseError: nobody is there to be asked.
    """
    asked = [look for look in looks if look.sql is not None]
    for look in looks:
        if look.sql is None:
            yield Seen(look, clock.now(), threading.current_thread().name)
    yield from _known(warehouse, [look for look in looks if look.sql is None], clock)
    if not asked:
        return
    free: SimpleQueue[Connection] = SimpleQueue()
    connections = [warehouse.connect() for _ in range(max(1, min(threads, len(asked))))]
    for connection in connections:
        free.put(connection)
    heard: SimpleQueue[Seen] = SimpleQueue()

    def work(look: Look) -> None:
        connection = free.get()
        try:
            heard.put(Seen(look, clock.now(), threading.current_thread().name))
            heard.put(_seen(look, connection, clock))
        finally:
            free.put(connection)

    try:
        with ThreadPoolExecutor(len(connections), thread_name_prefix="Thread") as pool:
            left = [pool.submit(work, look) for look in asked]
            try:
                for _ in range(2 * len(left)):
                    yield heard.get()
            except BaseException:  # somebody wants an end: what runs is stopped on the server, what waits never begins
                pool.shutdown(wait=False, cancel_futures=True)
                for connection in connections:
                    with suppress(Exception):
                        connection.cancel()
                raise
    finally:
        for connection in connections:
            with suppress(Exception):
                connection.close()


def _known(warehouse: Warehouse, looks: Sequence[Look], clock: Clock) -> Iterator[Seen]:
    """What the engine knows of tables by itself."""
    if not looks:
        return
    begin, started, thread = clock.monotonic(), clock.now(), threading.current_thread().name
    refused: Problem | None = None
    try:
        found = warehouse.changed([look.relation for look in looks])
    except ExecuteError as error:
        found, refused = {}, error.first
    seconds = (clock.monotonic() - begin) / len(looks)
    for look in looks:
        if look.relation in found:
            at, word = found[look.relation]
            yield Seen(look, started, thread, Probe(look.source, started, word, at.astimezone(UTC), "metadata"), seconds)
            continue
        message = f"{warehouse.dialect.name} does not say when `{look.relation}` changed last"
        problem = refused or Problem("X370", message, None, "`loaded_at_field` is the column that says when a row was loaded")
        yield Seen(look, started, thread, Probe(look.source, started, error=problem.message), seconds, problem)


def _seen(look: Look, connection: Connection, clock: Clock) -> Seen:
    begin, started, thread = clock.monotonic(), clock.now(), threading.current_thread().name
    problem: Problem | None = None
    probe = Probe(look.source, started)
    try:
        probe = _probe(look, connection.execute(str(look.sql)).rows, started)
    except OrcError as error:
        problem = error.first
    except Exception as error:  # noqa: BLE001 - whatever a driver makes of a value, the look ends and says so
        problem = Problem("X371", f"{type(error).__name__}: {error}")
    if problem is not None:
        probe = Probe(look.source, started, method=look.method, error=problem.message)
    return Seen(look, started, thread, probe, clock.monotonic() - begin, problem)


def _probe(look: Look, rows: Sequence[Sequence[Any]], at: datetime) -> Probe:
    if len(rows) != 1 and look.method == "query":
        raise ExecuteError(Problem("X371", f"`loaded_at_query` gave {len(rows)} rows instead of one"))
    row = rows[0]
    newest = None if row[0] is None else moment(row[0])
    count = f", {row[1]} rows" if len(row) > 1 and look.method == "field" else ""
    return Probe(look.source, at, EMPTY if newest is None else f"{newest.isoformat()}{count}", newest, look.method)


def moment(value: object) -> datetime:
    """A value as an instant; without a time zone it is one in UTC, a day begins at midnight.

    >>> moment(date(2026, 1, 2)).isoformat(), moment(datetime(2026, 1, 2, 3)).isoformat()
    ('2026-01-02T00:00:00+00:00', '2026-01-02T03:00:00+00:00')

    Raises:
        ExecuteError: X371, it is none.
    """
    match value:
        case datetime():
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        case date():
            return datetime.combine(value, time(), UTC)
        case _:
            message = f"`loaded_at_field` is of the type {type(value).__name__}, which says no time"
            raise ExecuteError(Problem("X371", message, None, "cast it: loaded_at_field: cast(loaded_at as timestamp)"))
