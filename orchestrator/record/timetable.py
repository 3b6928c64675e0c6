"""Schedules, ticks and launches in the state database.

A tick is fired in one transaction: whose ``insert … on conflict do nothing`` makes the row also makes the launch. So any number of
schedulers may decide the same tick, on one host or on several: it is run once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Protocol

from orchestrator.core.alert import Post
from orchestrator.core.audit import Actor, Deed
from orchestrator.core.errors import Problem, StoreError
from orchestrator.core.event import plain
from orchestrator.core.ports import Link
from orchestrator.core.schedule import Board, Decision, Launch, LaunchStatus, Tick, Watch
from orchestrator.record.audit import append
from orchestrator.record.database import Place
from orchestrator.record.outbox import enclose
from orchestrator.record.pools import read, taken, widen
from orchestrator.record.process import birth
from orchestrator.record.writing import Writing

_COLUMNS = tuple(f.name for f in fields(Launch))
_TIMES = frozenset({"queued", "due", "not_before", "started", "finished", "deadline"})
_FLAGS = frozenset({"followed", "late"})
_JSON = frozenset({"vars", "runs", "nodes", "keys", "wish"})
_ADD = f"insert into launches ({', '.join(_COLUMNS)}) values ({', '.join('?' for _ in _COLUMNS)}) on conflict do nothing"


class Heed(Protocol):
    """What alerts are due to ticks that were decided, a launch that missed its deadline, and one that ended."""

    def of_ticks(self, ticks: Iterable[Tick], now: datetime) -> Sequence[Post]:
        """Of ticks nobody had decided before."""
        ...

    def of_late(self, launch: Launch, now: datetime) -> Sequence[Post]:
        """Of a launch that is late."""
        ...

    def of_end(self, launch: Launch, now: datetime, *, told: bool) -> Sequence[Post]:
        """Of a launch that is over; ``told`` says that its run has written down how it went."""
        ...


class Deposed(StoreError):  # noqa: N818 - it says what is the case
    """Another scheduler leads by now: nothing was written."""


class Timetable(Writing):
    """A :class:`~orchestrator.core.ports.Timetable` in the state database.

    ``heed`` says what alerts are due to what is written: they are written with it.
    """

    def __init__(self, path: Place, *, pid: int, host: str, heed: Heed | None = None) -> None:
        super().__init__(path)
        self._heed = heed
        self._pid = pid
        self._host = host

    # What is known

    def board(self) -> Board:
        """Everything a decision needs."""
        with self._writing() as connection:  # one transaction: both lists are of the same moment
            watches = {row["name"]: _watch(row) for row in connection.execute("select * from schedules")}
            found = connection.execute("select * from launches where status in ('queued', 'running') or followed = 0 order by queued, id")
            return Board(watches, tuple(_launch(row) for row in found), read(connection))

    def launch(self, id_: str) -> Launch | None:
        """A launch by its id."""
        with self._writing() as connection:
            row = connection.execute("select * from launches where id = ?", (id_,)).fetchone()
            return None if row is None else _launch(row)

    def launches(self, schedule: str | None = None, limit: int = 50) -> tuple[Launch, ...]:
        """The newest launches, newest first."""
        with self._writing() as connection:
            found = connection.execute(
                "select * from launches where ? is null or schedule = ? order by queued desc, id desc limit ?", (schedule, schedule, limit)
            )
            return tuple(_launch(row) for row in found)

    def ticks(self, schedule: str | None = None, limit: int = 50) -> tuple[Tick, ...]:
        """The newest ticks, newest first."""
        with self._writing() as connection:
            found = connection.execute(
                "select * from ticks where ? is null or schedule = ? order by at desc, schedule limit ?", (schedule, schedule, limit)
            )
            return tuple(Tick(row["schedule"], _at(row["at"]), row["status"], row["reason"], row["launch"]) for row in found)

    def counts(self) -> dict[str, dict[tuple[str, str], int]]:
        """How many ticks and launches of each schedule there are, by status: ``{"ticks": {(schedule, status): n}, "launches": …}``."""
        with self._writing() as connection:
            return {
                table: {(r[0], r[1]): r[2] for r in connection.execute(f"select schedule, status, count(*) from {table} group by 1, 2")}
                for table in ("ticks", "launches")
            }

    # What happens

    def commit(self, decision: Decision, now: datetime, fence: int | None = None) -> tuple[Tick, ...]:
        """Write a decision down; returns the ticks that nobody had written before.

        Raises:
            Deposed: S010, ``fence`` is not the leader's any more.
        """
        written: list[Tick] = []
        drafts = {launch.id: launch for launch in decision.launches}
        with self._writing() as connection:
            self._still(connection, fence)
            for tick in decision.ticks:
                row = (tick.schedule, _text(tick.at), tick.status, tick.reason, tick.launch, _text(now))
                if connection.execute("insert into ticks values (?, ?, ?, ?, ?, ?) on conflict do nothing", row).rowcount:
                    written.append(tick)
                    if tick.status == "fired" and tick.launch in drafts:
                        connection.execute(_ADD, _row(drafts[tick.launch]))
            for watch in decision.watches:
                self._edited(connection, watch, now)
                values = (watch.name, watch.timing, _text(watch.since), _text(watch.seen), _text(watch.paused), _text(watch.removed))
                connection.execute(
                    "insert into schedules (name, timing, since, seen, paused, removed) values (?, ?, ?, ?, ?, ?)"
                    " on conflict (name) do update set timing = excluded.timing, since = excluded.since, seen = excluded.seen,"
                    " removed = excluded.removed",
                    values,
                )
            for id_, status, reason in decision.stops:
                queued = "update launches set status = ?, reason = ?, finished = ? where id = ? and status = 'queued'"
                connection.execute(queued, (status, reason, _text(now), id_))
                running = "update launches set stopping = ?, reason = ? where id = ? and status = 'running' and stopping is null"
                connection.execute(running, (status, reason, id_))
            connection.executemany("update launches set followed = 1 where id = ?", [(id_,) for id_ in decision.followed])
            connection.executemany("update launches set late = 1 where id = ?", [(id_,) for id_ in decision.late])
            if self._heed is not None:
                behind = [_launch(connection.execute("select * from launches where id = ?", (id_,)).fetchone()) for id_ in decision.late]
                enclose(connection, [*self._heed.of_ticks(written, now), *(p for each in behind for p in self._heed.of_late(each, now))])
        return tuple(written)

    def _edited(self, connection: Link, watch: Watch, now: datetime) -> None:
        """The audit hears what somebody's edit of a file changed: nobody knows who, but when it came into force, and where."""
        row = connection.execute("select timing, removed from schedules where name = ?", (watch.name,)).fetchone()
        known = row is not None and row["removed"] is None
        if known and watch.removed is None and row["timing"] == watch.timing:
            return
        if not known and watch.removed is not None:
            return
        action = "schedule.removed" if watch.removed is not None else "schedule.changed" if known else "schedule.added"
        before = _said(row["timing"]) if known else None
        after = None if watch.removed is not None else _said(watch.timing)
        append(connection, Deed(Actor("file", "", self._host), action, watch.name, before, after), now)

    def ask(self, launch: Launch, idempotency: str | None = None) -> Launch:
        """Put a launch in the queue. With a key that was given before, the launch of that time is returned and nothing is written."""
        with self._writing() as connection:
            if idempotency is not None:
                row = connection.execute("select * from launches where idempotency = ?", (idempotency,)).fetchone()
                if row is not None:
                    return _launch(row)
            connection.execute(_ADD, _row(launch))
            connection.execute("update launches set idempotency = ? where id = ?", (idempotency, launch.id))
        return launch

    def join(self, id_: str, not_before: datetime) -> bool:
        """Let a launch that still waits for more requests wait longer; false when it does not any more."""
        with self._writing() as connection:
            moved = "update launches set not_before = ? where id = ? and status = 'queued' and not_before is not null"
            return bool(connection.execute(moved, (_text(not_before), id_)).rowcount)

    def begin(self, id_: str, run: str, now: datetime, fence: int = 0) -> bool:
        """Take a waiting launch; false when somebody else has it, or it was stopped."""
        with self._writing() as connection:
            self._still(connection, fence or None)
            row = connection.execute("select runs from launches where id = ? and status = 'queued'", (id_,)).fetchone()
            if row is None:
                return False
            runs = json.dumps([*json.loads(row["runs"]), run])
            taken = (
                "update launches set status = 'running', runs = ?, started = ?, attempt = attempt + 1,"
                " host = ?, fence = ?, pid = 0, born = '', code = null, waits = null"
                " where id = ? and status = 'queued'"
            )
            return bool(connection.execute(taken, (runs, _text(now), self._host, fence, id_)).rowcount)

    def waiting(self, waits: Mapping[str, str]) -> None:
        """Write down what launches wait for, by their ids."""
        with self._writing() as connection:
            said = "update launches set waits = ? where id = ? and status = 'queued'"
            connection.executemany(said, [(text, id_) for id_, text in waits.items()])

    def process(self, id_: str, pid: int) -> None:
        """Remember which process runs a launch."""
        with self._writing() as connection:
            connection.execute("update launches set pid = ?, born = ? where id = ? and status = 'running'", (pid, birth(pid), id_))

    def end(self, id_: str, status: LaunchStatus, now: datetime, *, code: int | None = None, reason: str | None = None) -> bool:
        """Write down how a launch ended; false when it was not running."""
        with self._writing() as connection:
            over = (
                "update launches set status = ?, finished = ?, code = ?, reason = coalesce(?, reason) where id = ? and status = 'running'"
            )
            ended = bool(connection.execute(over, (status, _text(now), code, reason, id_)).rowcount)
            if ended and self._heed is not None:
                launch = _launch(connection.execute("select * from launches where id = ?", (id_,)).fetchone())
                run = launch.runs[-1] if launch.runs else ""
                told = connection.execute("select 1 from runs where id = ? and finished is not null", (run,)).fetchone() is not None
                enclose(connection, self._heed.of_end(launch, now, told=told))
            return ended

    def hand_over(self, id_: str, reason: str, fence: int | None = None) -> bool:
        """Put a running launch back: whoever leads next goes on with it."""
        with self._writing() as connection:
            self._still(connection, fence)
            back = "update launches set status = 'queued', stopping = null, reason = ?, pid = 0 where id = ? and status = 'running'"
            return bool(connection.execute(back, (reason, id_)).rowcount)

    def cancel(self, id_: str, reason: str, now: datetime) -> bool:
        """Stop a launch, waiting or running; false when it is over."""
        before = self.launch(id_)
        if before is None or before.over:
            return False
        self.commit(Decision(stops=((id_, "cancelled", reason),)), now)
        return True

    def pause(self, name: str, timing: str, now: datetime, by: str) -> None:
        """Let a schedule's ticks wait."""
        with self._writing() as connection:
            new = "insert into schedules (name, timing, since, seen) values (?, ?, ?, ?) on conflict do nothing"
            connection.execute(new, (name, timing, _text(now), _text(now)))
            connection.execute("update schedules set paused = coalesce(paused, ?), paused_by = ? where name = ?", (_text(now), by, name))

    def resume(self, name: str) -> bool:
        """Let a schedule's ticks come again; false when it was not paused."""
        with self._writing() as connection:
            again = "update schedules set paused = null, paused_by = null where name = ? and paused is not null"
            return bool(connection.execute(again, (name,)).rowcount)

    def widen(self, pool: str, width: int | None, now: datetime, by: str) -> None:
        """Set how wide a pool is, or leave that to the project's files again. Who is in it stays there."""
        with self._writing() as connection:
            widen(connection, pool, width, by, now)

    def taken(self) -> dict[str, int]:
        """How many nodes of runs have a place in each pool."""
        with self._writing() as connection:
            return taken(connection)

    # Who leads

    def lead(self, now: datetime) -> int:
        """Become the leader; returns the fence, which is higher than that of every leader before."""
        with self._writing() as connection:
            values = (self._host, self._pid, birth(self._pid), _text(now))
            connection.execute(
                "insert into leaders values ('scheduler', ?, ?, ?, 1, ?) on conflict (name) do update"
                " set host = excluded.host, pid = excluded.pid, born = excluded.born, fence = leaders.fence + 1,"
                " heartbeat = excluded.heartbeat",
                values,
            )
            return int(connection.execute("select fence from leaders where name = 'scheduler'").fetchone()[0])

    def beat(self, fence: int, now: datetime) -> None:
        """Say that the leader lives.

        Raises:
            Deposed: S010, it does not lead any more.
        """
        with self._writing() as connection:
            self._still(connection, fence)
            connection.execute("update leaders set heartbeat = ? where name = 'scheduler'", (_text(now),))

    def leader(self) -> tuple[str, int, int, datetime] | None:
        """Host, process, fence and last heartbeat of who leads, or led last."""
        with self._writing() as connection:
            row = connection.execute("select * from leaders where name = 'scheduler'").fetchone()
            return None if row is None else (row["host"], row["pid"], row["fence"], _at(row["heartbeat"]))

    def _still(self, connection: Link, fence: int | None) -> None:
        if fence is None:
            return
        row = connection.execute("select fence from leaders where name = 'scheduler'").fetchone()
        if row is None or row[0] != fence:
            raise Deposed(
                Problem("S010", "another scheduler leads by now: this one has written nothing since", hint="look for a second `orc serve`")
            )

    def note(self, deed: Deed, now: datetime) -> None:
        """Add to the audit who does what; with what it is about :meth:`together`."""
        with self._writing() as connection:
            append(connection, deed, now)


def _said(timing: str) -> dict[str, Any]:
    """What decides when a schedule ticks, as it was written."""
    try:
        found = json.loads(timing)
    except ValueError:
        return {"timing": timing}
    return {k: v for k, v in found.items() if v} if isinstance(found, dict) else {"timing": found}


def _row(launch: Launch) -> tuple[Any, ...]:
    return tuple(_kept(name, getattr(launch, name)) for name in _COLUMNS)


def _kept(name: str, value: Any) -> Any:
    if name in _TIMES:
        return _text(value)
    if value is None:
        return None
    return json.dumps(plain(value)) if name in _JSON else int(value) if name in _FLAGS else value


def _launch(row: Any) -> Launch:
    def value(name: str) -> Any:
        kept = row[name]
        if name in _TIMES:
            return None if kept is None else _at(kept)
        if kept is None:
            return None
        if name in _JSON:
            return tuple(json.loads(kept)) if name in ("runs", "nodes") else json.loads(kept)
        return bool(kept) if name in _FLAGS else kept

    return Launch(**{name: value(name) for name in _COLUMNS})


def _watch(row: Any) -> Watch:
    def at(name: str) -> datetime | None:
        return None if row[name] is None else _at(row[name])

    return Watch(row["name"], row["timing"], _at(row["since"]), _at(row["seen"]), at("paused"), at("removed"))


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
