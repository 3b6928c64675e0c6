"""The right to build a relation: taken before a task, kept alive while it runs, returned after it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Self

from orchestrator.core.errors import ExecuteError, OrcError, Problem
from orchestrator.core.event import Event, Noted
from orchestrator.core.names import Relation
from orchestrator.core.plan import Task
from orchestrator.core.ports import Connection, Warehouse
from orchestrator.core.snapshot import LEASE_SECONDS, Lease

if TYPE_CHECKING:
    from orchestrator.execute.workshop import Workshop

ASK_SECONDS = 0.25
"""How often who waits for a lease asks again."""

BEAT_SECONDS = LEASE_SECONDS / 4
"""How often a run says that it lives: three times may fail."""


@dataclass(frozen=True, slots=True)
class Leasing:
    """In whose name leases are taken, and what to do when another run has one: wait (``seconds`` at most), skip, or fail.

    Who attaches waits, too, and takes what that run has built for its own.
    """

    run: str = ""
    on_conflict: Literal["wait", "attach", "skip", "fail"] = "wait"
    seconds: float | None = None


class Occupied(ExecuteError):  # noqa: N818 - it says what is the case
    """Another run builds the relation. ``skip`` says that this is no failure."""

    def __init__(self, problem: Problem, *, skip: bool) -> None:
        super().__init__(problem)
        self.skip = skip


def lease(task: Task, connection: Connection, shop: Workshop, hear: Callable[[Event], None], before: Lease | None) -> Lease:
    """Take the lease of a task's relation; ``before`` is what an earlier attempt had.

    Raises:
        Occupied: X331, another run has it, and we are not to wait, or have waited long enough.
        ExecuteError: X330, another run had it since our earlier attempt.
    """
    relation, leasing = _relation(task), shop.leasing
    until: float | None = None
    while True:
        holder = _asked(relation, connection, shop)
        if holder.run == leasing.run:
            if before is not None and holder.fence > before.fence + 1:  # less: a server that crashed has forgotten
                give_back(holder, connection, shop)
                raise ExecuteError(overtaken(relation))
            return holder
        now = shop.clock.monotonic()
        if until is None:
            if leasing.on_conflict in ("skip", "fail") or leasing.seconds == 0:
                skip = leasing.on_conflict == "skip"
                raise Occupied(_left(holder) if skip else _occupied(holder), skip=skip)
            hear(Noted(shop.clock.now(), "info", f"waiting for {_told(holder)}", task.node))
            until = now + (float("inf") if leasing.seconds is None else leasing.seconds)
        elif now >= until:
            raise Occupied(_occupied(holder), skip=False)
        if shop.cancelled.wait(ASK_SECONDS):
            raise ExecuteError(Problem("X302", "cancelled"), cancelled=True)


def give_back(held: Lease, connection: Connection, shop: Workshop, *, published: bool = False) -> None:
    """Return a lease. Raises ``ExecuteError`` X330 where the engine notices that somebody has taken it over."""
    for statement in shop.dialect.lease_end(held, published=published):
        connection.execute(statement)


def returned(held: Lease | None, connection: Connection, shop: Workshop, *, published: bool) -> ExecuteError | None:
    """Return a lease after its task. What that refuses is worth telling only if the task was overtaken: it explains the failure."""
    if held is None:
        return None
    try:
        give_back(held, connection, shop, published=published)
    except ExecuteError as error:
        return error if error.first.code == "X330" else None
    except OrcError:  # no connection any more: when its sessions are gone the lease is free, or it expires
        return None
    return None


def still_ours(held: Lease, connection: Connection, shop: Workshop) -> bool:
    """Whether a lease has not been returned or taken over since."""
    rows = connection.execute(shop.dialect.lease_holder(held.relation)).rows
    return bool(rows) and rows[0][:2] == (held.run, held.fence)


def _asked(relation: Relation, connection: Connection, shop: Workshop) -> Lease:
    """Who has the lease now: we, if it could be had."""
    rows: tuple[tuple[object, ...], ...] = ()
    for statement in shop.dialect.lease_claim(relation, shop.leasing.run):
        rows = connection.execute(statement).rows
    run, fence, since = rows[0]
    return Lease(relation, str(run), int(str(fence)), since if isinstance(since, datetime) else None)


def _relation(task: Task) -> Relation:
    if task.relation is None:
        raise AssertionError(task.node)
    return task.relation


def _told(holder: Lease) -> str:
    since = f" since {holder.since.astimezone(UTC):%H:%M} UTC" if holder.since else ""
    return f"run {holder.run[:8]}, which builds `{holder.relation}`{since}"


def _occupied(holder: Lease) -> Problem:
    hint = "`--lock-timeout` is how many seconds to wait for it, `--on-conflict` what to do otherwise"
    return Problem("X331", f"not built: it would have to wait for {_told(holder)}", None, hint)


def _left(holder: Lease) -> Problem:
    return Problem("X331", f"left to {_told(holder)}", severity="warning")


def overtaken(relation: Relation) -> Problem:
    """What a run says whose lease somebody else has had."""
    hint = "this process stood still or was cut off for too long; look at what the other run built, then run again"
    return Problem("X330", f"the lease of `{relation}` was taken over by another run: nothing of this run was published", None, hint)


class Pulse:
    """Says that a run lives as long as it does, on a session of its own; begins with the first silence that could be misunderstood."""

    def __init__(self, warehouse: Warehouse, run: str) -> None:
        self._warehouse, self._statements = warehouse, warehouse.dialect.lease_beat(run)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="Pulse", daemon=True) if self._statements else None

    def __enter__(self) -> Self:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        connection: Connection | None = None
        while not self._over.wait(BEAT_SECONDS):
            try:
                connection = connection or self._warehouse.connect()
                for statement in self._statements:
                    connection.execute(statement)
            except OrcError:  # the next beat tries a new session; a heart that stops for good costs the leases
                with contextlib.suppress(Exception):
                    if connection is not None:
                        connection.close()
                connection = None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()
