"""How to say it to Postgres: one session per thread, used again by the next one that asks."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import pq

from orchestrator.adapters.postgres.answers import done
from orchestrator.adapters.postgres.catalog import changed, described, snapshot
from orchestrator.adapters.postgres.deadlines import Deadlines
from orchestrator.adapters.postgres.dialect import ALONE, PostgresDialect
from orchestrator.adapters.postgres.opening import greet, opening
from orchestrator.adapters.postgres.problems import Report, lost, refused, unknown
from orchestrator.adapters.postgres.profile import PostgresProfile
from orchestrator.adapters.postgres.reading import Stream, unwrapped
from orchestrator.core.errors import ExecuteError, OrcError, Problem, did_you_mean
from orchestrator.core.names import Relation
from orchestrator.core.ports import Answer, Dialect
from orchestrator.core.snapshot import Described, Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

_CONTROL = re.compile(r"\s*(?:(begin|start)|(commit|end)|(rollback|abort))(?:\s+(?:transaction|work))?\s*;?\s*", re.IGNORECASE)
_SAY = PostgresDialect()
_NAMESPACE_TRIES = 5
_CANCEL_SECONDS = 5.0
RECONNECTS = 4
"""How often at least a server is asked again for a session in place of one that broke, with growing pauses: about eight seconds."""
_OUTCOME_SECONDS = 30.0
"""How long to ask what became of a commit whose answer was lost."""


class PostgresConnection:
    """One session, used by one thread at a time; only :meth:`cancel` may come from another.

    A session that broke outside of a transaction is opened again by itself. ``opened`` makes a driver's connection, ``again`` one in
    place of one that broke; ``closed`` takes it back; ``names`` lists relations to suggest when one is not found; ``deadlines`` give up
    waiting for a server that is silent.
    """

    def __init__(
        self,
        opened: Callable[[], psycopg.Connection[Any]],
        closed: Callable[[psycopg.Connection[Any]], None],
        names: Callable[[], Iterable[str]] = tuple,
        again: Callable[[], psycopg.Connection[Any]] | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        self._deadlines = deadlines or Deadlines()
        self._opened, self._closed, self._names = again or opened, closed, names
        self._driver = opened()
        self._open = False
        self._xid: int | None = None
        self._failure: ExecuteError | None = None
        self._stream: Stream | None = None
        self._busy = False
        self._cancelled = False
        self._types: dict[tuple[int, int], str] = {}

    def execute(self, sql: str) -> Answer:
        """Run a statement (or several: the last one answers); transaction words go the way of the methods named like them."""
        control = _CONTROL.fullmatch(sql)
        if control is None:
            return self._alone(sql) if sql.startswith(ALONE) and not self._open else self._answer(sql)
        if control[1]:
            self.begin()
        else:
            (self.commit if control[2] else self.rollback)()
        return Answer()

    def begin(self, mode: str = "") -> None:
        """Open a transaction; one that may write learns its number at once, to be asked for should the commit's answer be lost."""
        if self._open:
            raise ExecuteError(Problem("X105", "there is a transaction already"))
        if mode:
            self._answer(f"begin {mode}")
            self._xid = None
        else:
            self._xid = int(self._answer("begin;\nselect txid_current()").rows[0][0])
        self._open = True

    def commit(self) -> None:
        """Commit. Postgres answers ROLLBACK, and no error, to the commit of a failed transaction; this raises instead."""
        self._release()
        self._cancelled = False
        failure = self._failure
        if failure is not None:
            self.rollback()
            raise lost(failure)
        if not self._open:
            raise ExecuteError(Problem("X105", "there is no transaction to commit"))
        xid = self._xid
        try:
            with self._guard("commit"):
                tag = self._driver.execute(b"commit").statusmessage
        except ExecuteError as error:
            self._open, self._failure = False, None
            if not self._driver.closed or xid is None:
                raise
            if not self._committed(xid):
                raise lost(error) from error
            return
        self._open, self._failure = False, None
        if tag != "COMMIT":
            raise lost(None)

    def rollback(self) -> None:
        """Give the transaction up; harmless when there is none."""
        self._release()
        was, self._open, self._failure = self._open, False, None
        with suppress(psycopg.Error):
            if not self._driver.closed and (was or self._driver.info.transaction_status != pq.TransactionStatus.IDLE):
                self._driver.execute(b"rollback")

    def columns(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        """Columns ``(name, type)`` of a relation, uncommitted ones of this session included."""
        rows = self._answer(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute"
            f" where attrelid = {_SAY.text(_SAY.relation(relation))}::regclass and attnum > 0 and not attisdropped order by attnum"
        ).rows
        return tuple((str(name), str(type_)) for name, type_ in rows)

    def describe(self, sql: str) -> tuple[tuple[str, str], ...]:
        """Output columns ``(name, type)`` of a query, without running it."""
        shape = self._shape(sql)
        unknown_types = {(oid, modifier) for _, oid, modifier in shape} - self._types.keys()
        if unknown_types:
            pairs = sorted(unknown_types)
            said = self._answer("select " + ", ".join(f"format_type({oid}, {modifier})" for oid, modifier in pairs)).rows[0]
            self._types.update(zip(pairs, map(str, said), strict=True))
        return tuple((name, self._types[oid, modifier]) for name, oid, modifier in shape)

    def estimate(self, sql: str) -> int | None:  # noqa: ARG002 - the port's signature
        """Nothing: the engine does not say beforehand what a query will read."""
        return None

    def read(self, sql: str) -> pa.RecordBatchReader:
        """A query's result as a stream; the session's next statement ends a stream that was not read to its end."""
        import pyarrow as pa

        shape = self._shape(sql)  # says, too, what is wrong with the query and where
        if not shape:
            raise self._failed(ExecuteError(Problem("X100", "the statement answers with no columns, so there is nothing to read")))
        stream = Stream(shape)
        prefix, text = unwrapped(stream, sql)
        self._enter(savepoint=True)
        with self._guard(text, prefix):
            stream.start(self._driver, text)
        self._stream = stream
        return pa.RecordBatchReader.from_batches(stream.schema, self._batches(stream, text, prefix))

    def load(
        self,
        relation: Relation,
        frames: pa.RecordBatchReader,
        types: dict[str, str] | None = None,
        config: Mapping[str, Any] | None = None,  # noqa: ARG002  nothing that the loading of rows could heed
    ) -> int:
        """Create (or replace) a table from Arrow batches as they come; returns the number of rows.

        An exception of the batches' own source is raised as it is.
        """
        from orchestrator.adapters.postgres.loading import load

        self._enter()
        own = not self._open
        if own:
            self.begin()
        try:
            with self._guard(""):
                rows = load(self._driver, relation, frames, types or {})
        except BaseException as error:
            if isinstance(error, ExecuteError):
                error.position = None  # the statement is ours
            if own:
                self.rollback()
            raise
        if own:
            self.commit()
        return rows

    def about(self, node: str | None) -> Mapping[str, int]:  # noqa: ARG002  nothing is named after it
        """Nothing costs money, and nothing is named after the node."""
        return {}

    def cancel(self) -> None:
        """Stop what runs on this connection now; callable from any thread."""
        if self._busy or self._stream is not None:  # a request that meets an idle session could hit what it does next
            self._cancelled = True
            with suppress(psycopg.Error):
                self._driver.cancel_safe(timeout=_CANCEL_SECONDS)
            self._deadlines.soon(self._driver)

    def close(self) -> None:
        """End the session; what was not committed is gone."""
        self.rollback()
        self._closed(self._driver)

    def _alone(self, sql: str) -> Answer:
        """A change of the namespace, sent again when another program made the same one at the same time."""
        for attempt in range(_NAMESPACE_TRIES):
            try:
                return self._answer(sql)
            except ExecuteError as error:
                if not error.transient or attempt == _NAMESPACE_TRIES - 1:
                    raise
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311  jitter: the other one tries again, too
        raise AssertionError(sql)

    def _answer(self, sql: str) -> Answer:
        self._enter()
        with self._guard(sql), self._driver.cursor() as cursor:
            cursor.execute(sql.encode())
            while cursor.nextset():
                pass
            tag = cursor.statusmessage or ""
            if cursor.description is not None:
                return Answer(rows=tuple(cursor.fetchall()), columns=tuple(d.name for d in cursor.description))
        return done(tag)

    def _shape(self, sql: str) -> list[tuple[str, int, int]]:
        """Names, types and type modifiers of a query's columns: the server plans it and does not run it."""
        self._enter()
        with self._guard(sql):
            connection = self._driver.pgconn
            for result in (connection.prepare(b"", sql.encode()), connection.describe_prepared(b"")):
                if result.status != pq.ExecStatus.COMMAND_OK:
                    raise psycopg.errors.error_from_result(result, "utf-8")
            return [((result.fname(i) or b"").decode(), result.ftype(i), result.fmod(i)) for i in range(result.nfields)]

    def _enter(self, *, savepoint: bool = False) -> None:
        """Before a statement: end an open stream, and open the session again if it broke while nothing was at stake."""
        self._release()
        self._cancelled = False
        if self._driver.closed and not self._open:
            self._driver = self._opened()
        if savepoint and self._open and self._failure is None:
            self._answer("savepoint orc_read")

    @contextmanager
    def _guard(self, sql: str, prefix: int = 0) -> Iterator[None]:
        """Translate the server's errors, and remember that the transaction is lost."""
        self._busy = True
        try:
            with self._deadlines.within(self._driver, sql):
                yield
        except psycopg.Error as error:
            self._busy = False
            report = Report.of(error)
            near = self._near(report) if report.state == "42P01" and not self._cancelled else None
            broken = self._driver.closed
            raise self._failed(refused(report, sql, prefix=prefix, asked=self._cancelled, broken=broken, near=near)) from error
        except ExecuteError as error:
            self._failed(error)
            raise
        except BaseException as error:
            self._failed(ExecuteError(Problem("X100", f"{type(error).__name__}: {error}")))
            raise
        finally:
            self._busy = False

    def _failed(self, failure: ExecuteError) -> ExecuteError:
        if self._open and self._failure is None:
            self._failure = failure if failure.problems else ExecuteError(Problem("X100", "the load failed"))
        return failure

    def _near(self, report: Report) -> str | None:
        """A relation whose name is like the one that is missing."""
        missing = re.search(r'"([^"]+)"', report.message)
        if missing is None:
            return None
        with suppress(OrcError, psycopg.Error):
            return did_you_mean(missing[1].rpartition(".")[2], self._names())
        return None

    def _batches(self, stream: Stream, sql: str, prefix: int) -> Iterator[pa.RecordBatch]:
        while self._stream is stream:
            with self._guard(sql, prefix):
                batch = stream.next()
            if batch is None:
                self._stream = None
                if self._open:
                    self._answer("release savepoint orc_read")
                return
            yield batch
        raise ExecuteError(Problem("X105", "the result was closed by the session's next statement"))

    def _release(self) -> None:
        """End a stream that is still open: its query is cancelled, and the transaction goes on as if it had not been asked."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        with suppress(psycopg.Error):
            stream.stop()
        if self._open and self._failure is None and not self._driver.closed:
            self._answer("rollback to savepoint orc_read;\nrelease savepoint orc_read")

    def _committed(self, xid: int) -> bool:
        """What became of a transaction whose commit got no answer. Raises when nobody can say."""
        until = time.monotonic() + _OUTCOME_SECONDS
        state = "unknown"
        while time.monotonic() < until:
            with suppress(OrcError, psycopg.Error):
                if self._driver.closed:
                    self._driver = self._opened()
                row = self._driver.execute(f"select txid_status({xid})".encode()).fetchone()
                if (state := str(row[0]) if row else "unknown") in ("committed", "aborted"):
                    return state == "committed"
            time.sleep(0.2)
        raise unknown(state)


class PostgresWarehouse:
    """A Postgres database. Sessions that were closed are kept for the next :meth:`connect`; :meth:`close` ends them all."""

    dialect: Dialect = PostgresDialect()
    changed = changed

    def __init__(self, profile: PostgresProfile, run: str = "") -> None:
        self.profile = replace(profile, run=run) if run else profile
        self._guard = threading.Lock()
        self._deadlines = Deadlines(profile.statement_timeout)
        self._idle: list[psycopg.Connection[Any]] = []
        self._all: list[psycopg.Connection[Any]] = []

    def connect(self) -> PostgresConnection:
        """A session. Raises ``WarehouseError`` with what is in the way when the server cannot be reached."""
        return PostgresConnection(self._taken, self._given, self._names, self._replaced, self._deadlines)

    def snapshot(self, relations: Iterable[Relation]) -> Snapshot:
        """What exists in the schemas of ``relations``, and the ledger."""
        with closing(self.connect()) as session:
            return snapshot(session, tuple(relations), self.profile.schema)

    def catalog(self, relations: Iterable[Relation]) -> tuple[Described, ...]:
        """What the engine's own catalog says of those of ``relations`` that exist."""
        with closing(self.connect()) as session:
            return described(session, tuple(relations), self.profile.schema)

    def close(self) -> None:
        """End all sessions."""
        with self._guard:
            connections, self._all, self._idle = self._all, [], []
        for connection in connections:
            with suppress(psycopg.Error):
                connection.close()

    def _taken(self) -> psycopg.Connection[Any]:
        """A session that somebody left, as if it were new; else a new one."""
        while True:
            with self._guard:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                break
            with suppress(psycopg.Error):
                connection.execute(b"discard all")
                greet(connection, self.profile)
                return connection
            connection.close()
        return self._new(self.profile)

    def _replaced(self) -> psycopg.Connection[Any]:
        """A session in place of one that broke: never one that lay idle, and the server gets the time that a restart takes."""
        return self._new(replace(self.profile, retries=max(self.profile.retries, RECONNECTS)))

    def _new(self, profile: PostgresProfile) -> psycopg.Connection[Any]:
        connection = opening(profile)
        with self._guard:
            self._all = [c for c in self._all if not c.closed] + [connection]
        return connection

    def _given(self, connection: psycopg.Connection[Any]) -> None:
        usable = not connection.closed and connection.info.transaction_status == pq.TransactionStatus.IDLE
        with self._guard:
            if usable and connection in self._all and connection not in self._idle:
                self._idle.append(connection)
                return
        connection.close()

    def _names(self) -> list[str]:
        """Names of all relations that are not the server's own."""
        session = self.connect()
        try:
            rows = session.execute(
                "select distinct c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
                " where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', '_orc')"
            ).rows
            return [str(row[0]) for row in rows]
        finally:
            session.close()
