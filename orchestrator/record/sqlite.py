"""Run history in a SQLite file, or in a server's database that several hosts share.

When a result is durable: the run's own row is written before anything is executed and when everything is over, each in a
transaction of its own. Results and notes in between are collected for at most :data:`PAUSE` seconds and written by one
background thread in one transaction, so a run of 500 models costs some twenty transactions instead of 500, no statement of
the run waits for the disk, and a process that is killed loses the history (never the data) of its last fifth of a second.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestrator.core.audit import Actor, Deed, actor
from orchestrator.core.errors import OrcError, Problem, StoreError
from orchestrator.core.event import Event, Grounds, NodeFinished, NodeRetried, NodeStarted, Noted, RunFinished, RunStarted, Status
from orchestrator.core.ports import Link
from orchestrator.core.run import BAD
from orchestrator.record import audit, rows
from orchestrator.record.database import Place, database, reading, transaction
from orchestrator.record.forget import forget
from orchestrator.record.history import REMEMBERED, Recorded, RunStatus, Sought, Tried, is_attempt, unsuccessful
from orchestrator.record.process import alive, birth

if TYPE_CHECKING:
    from orchestrator.core.alert import Post

LOOKED_AT = 6_000
"""Rows that are looked at to learn how long nodes take: the fewer nodes, the further back."""

DEEPEST = 100
"""Of each node at most so many: rows of long ago are pages of the disk that nobody has in memory."""

AT_ONCE = 10_000
"""Parameters of one question; servers take some sixty thousand."""

PAUSE = 0.2
"""Seconds a result may wait for company before it is written."""


class Sqlite:
    """A :class:`~orchestrator.record.history.History` kept in the file ``path``, which the first run creates, or on a server.

    ``pid`` and ``host`` say who writes: a run whose process is gone without a word is an interrupted one. ``keep`` is for how long
    a run is remembered; older ones are forgotten at the end of the next. ``email`` is that of the person here, for the audit. ``heed`` says
    what alerts an event causes: they are written in the transaction that writes the event.
    """

    def __init__(
        self,
        path: Place,
        *,
        pid: int,
        host: str,
        pause: float = PAUSE,
        keep: timedelta | None = None,
        email: Callable[[], str] = str,
        heed: Callable[[Event], Sequence[Post]] | None = None,
    ) -> None:
        self._path = path
        self._heed = heed
        self._keep = keep
        self._number = 0
        self._attempts: dict[str, int] = {}
        self._pid = pid
        self._host = host
        self._email = email
        self._by: Actor | None = None
        self._pause = pause
        self._run = ""
        self._bad = False
        self._position = 0
        self._connection: Link | None = None
        self._pending: list[tuple[int, int | None, Event]] = []
        self._posts: list[Post] = []
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._stopping = False
        self._broken: OrcError | None = None
        self._writer: threading.Thread | None = None

    # The sink

    def hear(self, event: Event) -> None:
        """Take note. Raises ``StoreError`` when this, or an earlier event, could not be written."""
        if self._broken:
            raise self._broken
        match event:
            case RunStarted():
                self._begin(event)
            case RunFinished() if self._run:
                self._later(event)
                self._end("cancelled" if event.cancelled else "failed" if self._bad else "passed", event, self._caused(event))
            case _ if self._run:
                self._later(event, self._caused(event))
            case _:
                pass

    def _caused(self, event: Event) -> Sequence[Post]:
        return self._heed(event) if self._heed is not None else ()

    def close(self) -> None:
        """Write what waits. A run that did not say how it ended was interrupted."""
        try:
            if self._run and not self._broken:
                self._end("interrupted", None)
            self._stop()
            if self._broken:
                raise self._broken
        finally:
            self._run, self._broken, self._pending, self._posts = "", None, [], []
            if self._connection:
                self._connection.close()
                self._connection = None

    def _begin(self, event: RunStarted) -> None:
        if self._connection is None:
            self._connection = database(self._path, create=True)
        self._by = actor(event.trigger, event.actor, self._host, self._email())
        with self._writing, transaction(self._connection, self._path) as connection:
            self._bury(connection)
            connection.execute(rows.BEGIN, rows.of_run(event, self._pid, self._host, birth(self._pid)))
            why = list(rows.of_grounds(event))
            connection.executemany(rows.ADD_TEXT, [text for text, _ in why])
            connection.executemany(rows.ADD_GROUNDS, [row for _, row in why])
            connection.execute(rows.ADD_EVENT, rows.of_event(event.run, 0, event))
            audit.began(connection, event, self._by)
        self._run, self._bad, self._number, self._attempts = event.run, False, 0, {}
        self._caused(event)

    def _bury(self, connection: Link) -> None:
        """Write down which runs were interrupted while it can still be told: a process number is used again one day."""
        open_runs = connection.execute("select id, pid, born from runs where status = 'running' and host = ?", (self._host,)).fetchall()
        dead = [(row["id"],) for row in open_runs if not alive(row["pid"], row["born"])]
        connection.executemany("update runs set status = 'interrupted' where id = ?", dead)

    def _later(self, event: Event, posts: Sequence[Post] = ()) -> None:
        match event:
            case NodeFinished():
                self._bad = self._bad or event.status in BAD
            case NodeStarted():
                self._attempts[event.node] = event.attempt
            case _:
                pass
        node = getattr(event, "node", None)
        with self._changed:
            self._number += 1
            self._pending.append((self._number, self._attempts.get(node) if node else None, event))
            self._posts += posts
            if self._writer is None:
                self._stopping = False
                self._writer = threading.Thread(target=self._write_along, name="run-history", daemon=True)
                self._writer.start()
            elif len(self._pending) == 1:
                self._changed.notify()

    def _write_along(self) -> None:
        while True:
            with self._changed:
                while not self._pending and not self._stopping:
                    self._changed.wait()
                if not self._stopping:
                    self._changed.wait_for(lambda: self._stopping, timeout=self._pause)
                if self._stopping:
                    return
            try:
                self._flush()
            except OrcError as error:
                self._broken = error
                return
            except Exception as error:  # noqa: BLE001  # a thread that dies silently would lose the rest of the history
                self._broken = StoreError(Problem("S004", f"the state database `{self._path}` cannot be written ({error!r})"))
                return

    def _flush(self) -> None:
        with self._writing:
            with self._changed:
                batch, self._pending = self._pending, []
                posts, self._posts = self._posts, []
            if not batch or self._connection is None:
                return
            run = self._run
            results = [(number, e) for number, _, e in batch if isinstance(e, NodeFinished)]
            tried: list[NodeRetried | NodeFinished] = [e for _, _, e in batch if isinstance(e, NodeRetried)]
            over = [e for _, e in results if is_attempt(e)]
            notes = [rows.of_note(run, e, number, attempt) for number, attempt, e in batch if isinstance(e, Noted)]
            with transaction(self._connection, self._path) as connection:
                connection.executemany(rows.ADD_TEXT, list(rows.texts([*(e for _, e in results), *tried])))
                connection.executemany(rows.ADD_RESULT, [rows.of_result(run, number, e) for number, e in results])
                connection.executemany(rows.ADD_ATTEMPT, [rows.of_attempt(run, e) for e in [*tried, *over]])
                connection.executemany(rows.ADD_NOTE, notes)
                connection.executemany(rows.ADD_EVENT, [rows.of_event(run, number, e) for number, _, e in batch])
                _enclose(connection, posts)

    def _stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._writer:
            self._writer.join()
            self._writer = None

    def _end(self, status: RunStatus, event: RunFinished | None, posts: Sequence[Post] = ()) -> None:
        self._stop()
        if self._broken:
            raise self._broken
        self._flush()
        if self._connection is None:
            return
        with self._writing, transaction(self._connection, self._path) as connection:
            connection.execute(rows.END, rows.of_end(status, event, self._run))
            if status == "cancelled" and event is not None and self._by is not None:
                audit.append(connection, Deed(self._by, "run.cancelled", self._run, run=self._run), event.at)
            _enclose(connection, posts)
            if self._keep is not None and event is not None:
                forget(connection, event.at - self._keep, self._run)
        self._run = ""

    def remark(self, run: str, note: Noted) -> None:
        """Keep a note about a run that is over."""
        link = database(self._path, create=True)
        try:
            with transaction(link, self._path) as connection:
                connection.execute(rows.ADD_NOTE, rows.of_note(run, note))
        finally:
            link.close()

    # The questions

    def runs(self, limit: int = 20, target: str | None = None, sought: Sought | None = None) -> tuple[Recorded, ...]:
        """The newest runs, newest first."""
        asked = sought or Sought()
        where, parameters = rows.sought(asked if target is None else replace(asked, target=target))
        if not asked.statuses:
            return self._recorded(where, parameters, limit)
        # A run whose process died says `running` in the file: what it is becomes known here.
        kept = sorted(asked.statuses | {"running"})
        either = f"{where} and status in ({', '.join('?' for _ in kept)})"
        return tuple(r for r in self._recorded(either, (*parameters, *kept), max(limit, 100)) if r.status in asked.statuses)[:limit]

    def run(self, id_: str) -> Recorded | None:
        """A run by its id, or by the beginning of its id when only one run's begins so."""
        found = self._recorded("id = ? or substr(id, 1, length(?)) = ?", (id_, id_, id_), 2)
        exact = [r for r in found if r.id == id_]
        return exact[0] if exact else found[0] if len(found) == 1 else None

    def last_run(self, target: str | None = None, commands: Iterable[str] = ()) -> Recorded | None:
        """The newest run that is over, however it ended."""
        wanted = tuple(commands)
        asked = ", ".join("?" for _ in wanted)
        where = f"(? is null or target = ?) and {f'command in ({asked})' if wanted else 'true'}"
        # A run that is under way is not over; there are never many of those.
        return next((r for r in self._recorded(where, (target, target, *wanted), 100) if r.status != "running"), None)

    def results(self, id_: str) -> tuple[NodeFinished, ...]:
        """A run's results, in order of completion."""
        return tuple(rows.result(row) for row in self._ask(rows.RESULTS, (id_,)))

    def latest(self, target: str, limit: int, *, tests: bool) -> Iterator[tuple[str, NodeFinished]]:
        """Each test's (or each other node's) newest results on a target, newest first, with their runs' ids; no statements."""
        with reading(self._path) as connection:
            for row in connection.execute(rows.LATEST, (int(tests), target, limit)) if connection is not None else ():
                yield row["run"], rows.result(row)

    def durations(self, target: str, nodes: Sequence[str], last: int = REMEMBERED) -> Mapping[str, tuple[float, ...]]:
        """What the last good builds of nodes on a target took, in seconds, newest first; those of a part of the rows do not count."""
        found: dict[str, tuple[float, ...]] = {}
        for first in range(0, len(nodes), AT_ONCE):
            some = nodes[first : first + AT_ONCE]
            for row in self._ask(rows.durations(len(some)), (*some, max(min(LOOKED_AT // len(nodes), DEEPEST), last), target, last)):
                found[row["node"]] = (*found.get(row["node"], ()), row["seconds"])
        return found

    def newest(self, target: str, runs: int) -> tuple[tuple[str, NodeFinished], ...]:
        """The newest result of each node and test in the last ``runs`` runs on a target, with its run's id; no statements."""
        return tuple((row["run"], rows.result(row)) for row in self._ask(rows.NEWEST, (target, runs)))

    def notes(self, id_: str, node: str | None = None, attempt: int | None = None) -> tuple[Noted, ...]:
        """A run's notes, in order; of one node, of one attempt at it."""
        return tuple(rows.note(row) for row in self._ask(rows.NOTES, (id_, node, node, attempt, attempt)))

    def attempts(self, id_: str, node: str | None = None) -> tuple[Tried, ...]:
        """A run's attempts, in order of their ends."""
        return tuple(rows.attempt(row) for row in self._ask(rows.ATTEMPTS, (id_, node, node)))

    def grounds(self, id_: str) -> Mapping[str, Grounds]:
        """Why each node was in a run, and what it would have been built from, by id."""
        return dict(rows.grounds(row) for row in self._ask(rows.GROUNDS, (id_,)))

    def events(self, id_: str, after: int = -1) -> tuple[tuple[int, Mapping[str, Any]], ...]:
        """A run's events behind number ``after``, each with its number."""
        return tuple((row["number"], json.loads(row["body"])) for row in self._ask(rows.EVENTS, (id_, after)))

    def prune(self, before: datetime) -> int:
        """Forget the runs that ended before an instant, and what only they knew; returns how many."""
        try:
            link = database(self._path, create=False)
        except FileNotFoundError:
            return 0
        try:
            with transaction(link, self._path) as connection:
                return forget(connection, before)
        finally:
            link.close()

    def unsuccessful(self, id_: str) -> tuple[str, ...]:
        """Ids a retry has to do again: what failed, crashed, was skipped or cancelled, and what the run did not get to."""
        found = self._recorded("id = ?", (id_,), 1)
        statuses = {
            row["node"]: Status(row["status"])
            for row in self._ask("select node, status from results where run = ? order by position", (id_,))
        }
        return unsuccessful(found[0].planned if found else (), statuses)

    def _recorded(self, where: str, parameters: tuple[Any, ...], limit: int) -> tuple[Recorded, ...]:
        found = self._ask(f"select * from runs where {where} order by started desc, id desc limit ?", (*parameters, limit))
        if not found:
            return ()
        asked = ", ".join("?" for _ in found)
        counted = self._ask(
            f"select run, status, count(*) as n from results where run in ({asked}) group by 1, 2", [r["id"] for r in found]
        )
        counts: dict[str, dict[str, int]] = {}
        for row in counted:
            counts.setdefault(row["run"], {})[row["status"]] = row["n"]
        return tuple(rows.recorded(row, self._status(row), counts.get(row["id"], {})) for row in found)

    def _status(self, row: Any) -> RunStatus:
        status: RunStatus = row["status"]
        # Of another machine's processes nothing is known: its run counts as running until it writes again.
        if status == "running" and row["host"] == self._host and not alive(row["pid"], row["born"]):
            return "interrupted"
        return status

    def _ask(self, question: str, parameters: Iterable[Any]) -> list[Any]:
        with reading(self._path) as connection:
            return [] if connection is None else list(connection.execute(question, tuple(parameters)).fetchall())


def _enclose(connection: Link, posts: Sequence[Post]) -> None:
    """Write the alerts that were caused; most runs cause none."""
    if posts:
        from orchestrator.record.outbox import enclose

        enclose(connection, posts)
