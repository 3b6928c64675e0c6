"""How to say it to DuckDB: one database per process, one session per thread."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import duckdb

from orchestrator.adapters.duckdb.catalog import changed, described, snapshot
from orchestrator.adapters.duckdb.dialect import DuckDBDialect
from orchestrator.adapters.duckdb.opening import opening
from orchestrator.adapters.duckdb.problems import lost, refused
from orchestrator.adapters.duckdb.profile import DuckDBProfile
from orchestrator.core.errors import ExecuteError, Problem, did_you_mean
from orchestrator.core.names import Relation
from orchestrator.core.ports import Answer, Dialect
from orchestrator.core.snapshot import Described, Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

_ATTACH = "attach if not exists"
_CONTROL = re.compile(r"\s*(?:(begin|start)|(commit|end)|(rollback|abort))(?:\s+(?:transaction|work))?\s*;?\s*", re.IGNORECASE)
_VERB = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(\w+)", re.DOTALL)
_STATUS = (("Success",), ("Count",))
_FRAMES = "__orc_frames"
_BATCH = 65_536
DIGITS = 38
"""The most a decimal has."""


class DuckDBConnection:
    """One session, used by one thread at a time; only :meth:`cancel` may come from another."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._open = False
        self._failure: ExecuteError | None = None
        self._reader: pa.RecordBatchReader | None = None

    def execute(self, sql: str) -> Answer:
        """Run a statement; transaction words go the same way as the methods named like them, so that nothing is pretended."""
        control = _CONTROL.fullmatch(sql)
        if control is None:
            try:
                return self._answer(sql)
            except ExecuteError as error:
                # DuckDB looks and attaches in two steps: of two sessions that attach at once the later one is told that it is there.
                if sql.startswith(_ATTACH) and "already exists" in error.first.message:
                    return Answer()
                raise
        (self.begin if control[1] else self.commit if control[2] else self.rollback)()
        return Answer()

    def begin(self) -> None:
        """Open a transaction."""
        self._answer("begin transaction")
        self._open = True

    def commit(self) -> None:
        """Commit. DuckDB answers "OK" to the commit of a failed transaction after rolling it back; this raises instead."""
        failure = self._failure
        if failure is not None:
            self.rollback()
            raise lost(failure)
        try:
            self._answer("commit")
        finally:
            # a commit that fails has rolled back already
            self._open, self._failure = False, None

    def rollback(self) -> None:
        """Give the transaction up; harmless when there is none."""
        self._release()
        with suppress(duckdb.Error):
            if self._open:
                self._cursor.execute("rollback")
        self._open, self._failure = False, None

    def columns(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        """Columns ``(name, type)`` of a relation, uncommitted ones of this session included."""
        rows = self._answer(f"describe {DuckDBDialect().relation(relation)}").rows
        return tuple((str(row[0]), str(row[1])) for row in rows)

    def describe(self, sql: str) -> tuple[tuple[str, str], ...]:
        """Output columns ``(name, type)`` of a query, without running it."""
        return tuple((str(row[0]), str(row[1])) for row in self._answer(sql, "describe ").rows)

    def estimate(self, sql: str) -> int | None:  # noqa: ARG002 - the port's signature
        """Nothing: the engine does not say beforehand what a query will read."""
        return None

    def read(self, sql: str) -> pa.RecordBatchReader:
        """A query's result as a stream; the session's next statement ends a stream that was not read to its end."""
        import pyarrow as pa

        self._release()
        try:
            with self._guard(sql):
                self._reader = self._cursor.sql(sql).to_arrow_reader(_BATCH)
        except ExecuteError:
            self.describe(sql)  # the relational API says no position; this raises the same with one
            raise
        return pa.RecordBatchReader.from_batches(self._reader.schema, self._batches(self._reader, sql))

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
        import pyarrow as pa

        failures: list[BaseException] = []

        def watched() -> Iterator[pa.RecordBatch]:
            try:
                yield from frames
            except BaseException as error:
                failures.append(error)
                raise

        columns = _select_list(frames.schema, types or {})
        dialect = DuckDBDialect()
        self._release()
        try:
            with self._guard(""):
                self._cursor.register(_FRAMES, pa.RecordBatchReader.from_batches(frames.schema, watched()))
            answer = self._answer(dialect.create_table(relation, f"select {columns} from {dialect.quote(_FRAMES)}", {}))
        except ExecuteError as error:
            error.position = None  # the statement is ours
            if failures:
                raise failures[0] from None
            raise
        finally:
            with suppress(duckdb.Error):  # a failed transaction took the registration with it
                self._cursor.unregister(_FRAMES)
        return answer.affected or 0

    def about(self, node: str | None) -> Mapping[str, int]:  # noqa: ARG002  nothing is named after it
        """Nothing costs money, and nothing is named after the node."""
        return {}

    def cancel(self) -> None:
        """Stop what runs on this connection now; callable from any thread."""
        self._cursor.interrupt()

    def close(self) -> None:
        """End the session; what was not committed is gone."""
        with suppress(duckdb.Error):
            self.rollback()
            self._cursor.close()

    def _answer(self, sql: str, prefix: str = "") -> Answer:
        self._release()
        sent = prefix + sql
        with self._guard(sent, len(prefix)):
            result = self._cursor.execute(sent)
            described = self._cursor.description
            if described is None:  # nothing but a comment
                return Answer()
            columns = tuple(str(d[0]) for d in described)
            affected, rows = result.rowcount, tuple(result.fetchall())
        if affected >= 0:
            return Answer(affected=affected, message=f"{_verb(sql)} {affected}", details={"rows_affected": affected})
        return Answer() if not rows and columns in _STATUS else Answer(rows=rows, columns=columns)

    @contextmanager
    def _guard(self, sql: str, prefix: int = 0) -> Iterator[None]:
        """Translate DuckDB's errors, and remember that the transaction is lost: DuckDB itself forgets at COMMIT."""
        try:
            yield
        except duckdb.Error as error:
            if self._failure is not None and "transaction is aborted" in str(error):
                raise lost(self._failure) from error  # the cause helps its reader, the consequence does not
            failure = refused(error, sql, prefix=prefix, statements=self._count(sql))
            self._fail(failure)
            raise failure from error
        except ExecuteError:
            raise
        except BaseException as error:
            self._fail(ExecuteError(Problem("X100", f"{type(error).__name__}: {error}")))
            raise

    def _fail(self, failure: ExecuteError) -> None:
        if self._open and self._failure is None:
            self._failure = failure

    def _count(self, sql: str) -> int:
        if ";" not in sql:
            return 1
        try:
            return len(self._cursor.extract_statements(sql))
        except duckdb.Error:
            return 1

    def _batches(self, reader: pa.RecordBatchReader, sql: str) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        with self._guard(sql):
            try:
                yield from reader
            except (pa.ArrowException, OSError) as error:  # how Arrow passes on what DuckDB says once rows flow
                failure = refused(error, sql)
                self._fail(failure)
                raise failure from error

    def _release(self) -> None:
        """End a stream that is still open: DuckDB runs one thing at a time on a session."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


def _verb(sql: str) -> str:
    """What a statement did, in the word that people know: a table made by a query counts as its ``SELECT``."""
    found = _VERB.match(sql)
    verb = found[1].upper() if found else "OK"
    return "SELECT" if verb == "CREATE" else verb


def _select_list(schema: pa.Schema, types: dict[str, str]) -> str:
    """The columns of Arrow data, cast where asked; raises ``ExecuteError`` for names a table cannot have."""
    import pyarrow as pa

    say = DuckDBDialect()
    folded: dict[str, str] = {}
    for name in schema.names:
        if name.casefold() in folded:
            message = f"two columns are named `{name}` (the engine does not tell `{folded[name.casefold()]}` from `{name}`)"
            raise ExecuteError(Problem("X112", message))
        folded[name.casefold()] = name
    if not folded:
        raise ExecuteError(Problem("X112", "the data has no columns, so it cannot become a table"))
    for field in schema:
        if not field.name or "\x00" in field.name:
            raise ExecuteError(
                Problem("X112", "a column of the data has no name" if not field.name else f"`{field.name!r}` cannot name a column")
            )
        if pa.types.is_decimal(field.type) and field.type.precision > DIGITS:
            message = f"column `{field.name}` has {field.type.precision} digits; DuckDB's decimals have at most {DIGITS}"
            raise ExecuteError(Problem("X112", message, hint="round it, or make it text"))
    for name in types:
        if name.casefold() not in folded:
            hint = did_you_mean(name, schema.names)
            raise ExecuteError(Problem("X112", f"a type is given for `{name}`, which is not a column of the data", hint=hint))
    wanted = {name.casefold(): type_ for name, type_ in types.items()}
    # a column without a single value would get a type that nothing can be stored in
    untyped = {f.name.casefold(): "varchar" for f in schema if pa.types.is_null(f.type)}
    casts = {**untyped, **wanted}
    quoted = {name: say.quote(name) for name in schema.names}
    return ", ".join(f"cast({q} as {casts[n.casefold()]}) as {q}" if n.casefold() in casts else q for n, q in quoted.items())


class DuckDBWarehouse:
    """A DuckDB file. It is opened at the first :meth:`connect`, once for the process, and let go by :meth:`close`."""

    dialect: Dialect = DuckDBDialect()

    def __init__(self, profile: DuckDBProfile, run: str = "") -> None:  # noqa: ARG002  a file has no list of sessions
        self.profile = profile
        self._opening = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._greeting: tuple[str, ...] = ()
        self._sessions: WeakSet[DuckDBConnection] = WeakSet()

    def connect(self) -> DuckDBConnection:
        """A new session. Raises ``WarehouseError`` naming the process that holds the file, or what else is in the way."""
        with self._opening:
            if self._database is None:
                self._database, self._greeting = opening(self.profile)
            session = DuckDBConnection(self._database.cursor())
            self._sessions.add(session)
        for statement in self._greeting:
            session.execute(statement)
        return session

    def snapshot(self, relations: Iterable[Relation]) -> Snapshot:
        """What exists in the schemas of ``relations``, and the ledger. A file that is not there yet is not created for it."""
        profile = self.profile
        if self._database is None and profile.is_file and not profile.attach and not Path(profile.path).exists():
            return Snapshot()
        session = self.connect()
        try:
            return snapshot(session, tuple(relations))
        finally:
            session.close()

    def changed(self, relations: Iterable[Relation]) -> Mapping[Relation, tuple[datetime, str]]:
        """When the file of an attached database changed last; of our own file every run would say that it just did."""
        session = self.connect()
        try:
            return changed(session, tuple(relations))
        finally:
            session.close()

    def catalog(self, relations: Iterable[Relation]) -> tuple[Described, ...]:
        """What the engine's own catalog says of those of ``relations`` that exist."""
        session = self.connect()
        try:
            return described(session, tuple(relations))
        finally:
            session.close()

    def close(self) -> None:
        """End all sessions and let the file go."""
        with self._opening:
            for session in tuple(self._sessions):
                session.close()
            self._sessions.clear()
            database, self._database = self._database, None
            if database is not None:
                database.close()
