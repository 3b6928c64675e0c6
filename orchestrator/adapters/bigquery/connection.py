"""How to say it to BigQuery: every statement is a job; a session of BigQuery's own exists only while a transaction wants one."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any
from uuid import uuid4

from google.cloud import bigquery

from orchestrator.adapters.bigquery import answers, jobs
from orchestrator.adapters.bigquery.arriving import arrive
from orchestrator.adapters.bigquery.catalog import changed, described, snapshot
from orchestrator.adapters.bigquery.chores import describe, grant, inherit, partitions
from orchestrator.adapters.bigquery.dialect import BigQueryDialect
from orchestrator.adapters.bigquery.limits import limits, query_config
from orchestrator.adapters.bigquery.opening import credentials, opening, storage_client
from orchestrator.adapters.bigquery.problems import lost, unreachable
from orchestrator.adapters.bigquery.profile import BigQueryProfile
from orchestrator.adapters.bigquery.reading import typed
from orchestrator.adapters.bigquery.refreshing import refreshed
from orchestrator.adapters.bigquery.sending import NETWORK, Sender
from orchestrator.adapters.bigquery.suggesting import suggest
from orchestrator.adapters.bigquery.taking_over import take_over
from orchestrator.adapters.bigquery.types import arrow_schema, sql_type
from orchestrator.core.errors import ExecuteError, OrcError, Problem
from orchestrator.core.names import Relation
from orchestrator.core.ports import Answer, Dialect
from orchestrator.core.snapshot import Described, Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

_CONTROL = re.compile(r"\s*(?:(begin|start)|(commit|end)|(rollback|abort))(?:\s+(?:transaction|work))?\s*;?\s*", re.IGNORECASE)
_NOTHING = re.compile(r"(?:\s|;|--[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
PAGE = 50_000
"""Rows that one request for results brings at most."""


class BigQueryConnection:
    """One thread's way to BigQuery; only :meth:`cancel` may come from another thread."""

    def __init__(self, client: bigquery.Client, profile: BigQueryProfile, sender: Sender) -> None:
        self.client, self.profile, self._sender = client, profile, sender
        self._session: str | None = None
        self._open = False
        self._failure: ExecuteError | None = None
        self._stream: object = None
        self._spent: dict[str, int] = {}

    def execute(self, sql: str) -> Answer:
        """Run a statement, a script, or a job of :mod:`.jobs`; transaction words go the way of the methods named like them."""
        control = _CONTROL.fullmatch(sql)
        if control is not None:
            (self.begin if control[1] else self.commit if control[2] else self.rollback)()
            return Answer()
        self._stream = None
        if _NOTHING.fullmatch(sql):
            return Answer()
        with self._guard():
            return self._do(sql)

    def begin(self) -> None:
        """Open a transaction, in a session of BigQuery's own."""
        if self._open:
            raise ExecuteError(Problem("X105", "there is a transaction already"))
        job = self._query("begin transaction", session=True)
        if self._session is None:
            self._session = job.session_info.session_id if job.session_info else None
        self._open = True

    def commit(self) -> None:
        """Commit. Raises instead when a statement of the transaction had failed."""
        self._stream = None
        failure = self._failure
        if failure is not None:
            self.rollback()
            raise lost(failure)
        if not self._open:
            raise ExecuteError(Problem("X105", "there is no transaction to commit"))
        try:
            self._query("commit transaction")
        except ExecuteError:
            self.rollback()
            raise
        self._open = False

    def rollback(self) -> None:
        """Give the transaction up; harmless when there is none."""
        self._stream = None
        was, self._open, self._failure = self._open, False, None
        if was:
            with suppress(OrcError):  # an error may have ended it already
                self._query("rollback transaction", in_session=True)

    def columns(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        """Columns ``(name, type)`` of a relation."""
        self._stream = None
        with self._guard():
            table = self._sender.ask(lambda: self.client.get_table(self._reference(relation), retry=self._sender.retry))
        return tuple((f.name, sql_type(f.to_api_repr())) for f in table.schema)

    def describe(self, sql: str) -> tuple[tuple[str, str], ...]:
        """Output columns ``(name, type)`` of a query, without running it: by BigQuery's free dry run."""
        return tuple((str(f["name"]), sql_type(f)) for f in (g.to_api_repr() for g in self._dry(sql).schema or ()))

    def estimate(self, sql: str) -> int | None:
        """How many bytes a query would read, by BigQuery's free dry run."""
        return int(self._dry(sql).total_bytes_processed or 0)

    def read(self, sql: str) -> pa.RecordBatchReader:
        """A query's result as a stream; the connection's next statement ends a stream that was not read to its end."""
        import pyarrow as pa

        with self._guard():
            job = self._query(sql)
            self._spent = answers.summed(self._spent, answers.details(job, self._cost(job), None))
            rows = self._sender.ask(lambda: job.result(page_size=PAGE, retry=self._sender.retry, job_retry=None))
        schema = arrow_schema(f.to_api_repr() for f in rows.schema)
        token = object()
        self._stream = token
        return pa.RecordBatchReader.from_batches(schema, self._batches(rows, schema, token, sql))

    def load(
        self,
        relation: Relation,
        frames: pa.RecordBatchReader,
        types: dict[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> int:
        """Create (or replace) a table from Arrow batches as they come, by Parquet load jobs; returns the number of rows.

        An exception of the batches' own source is raised as it is.
        """
        from orchestrator.adapters.bigquery.loading import load

        self._stream = None
        with self._guard():
            try:
                return load(self._upload, self._do, relation, frames, types or {}, config or {})
            except ExecuteError as error:
                error.position = None  # the statement is ours
                raise

    def about(self, node: str | None) -> Mapping[str, int]:
        """Jobs from now on are named and labelled after ``node``; returns what those before cost."""
        self._sender.about(node)
        spent, self._spent = self._spent, {}
        return {key: value for key, value in spent.items() if value} and spent

    def ask(self, question: Any) -> Any:
        """A request that is no job; its refusals are raised as ``ExecuteError``."""
        return self._sender.ask(question)

    @property
    def retry(self) -> Any:
        """How requests that are refused for a moment are repeated."""
        return self._sender.retry

    def cancel(self) -> None:
        """Stop what runs on this connection now; callable from any thread."""
        self._sender.cancel()

    def close(self) -> None:
        """End the session; what was not committed is gone."""
        self.rollback()
        session, self._session = self._session, None
        if session is not None:
            with suppress(OrcError):
                self._query("call bq.abort_session()", session_id=session)
        self.client.close()

    def _do(self, sql: str) -> Answer:
        job = jobs.parsed(sql)
        if isinstance(job, jobs.Arrive):
            return arrive(job, sql, self._dry, self._answer)
        if isinstance(job, jobs.Refresh):
            return refreshed(job, sql, self._reference(job.target), self._answer)
        if isinstance(job, jobs.TakeOver):
            return take_over(job, self._answer, self._sender)
        return self._answer(sql) if job is None else self._chore(job)

    def _answer(self, sql: str) -> Answer:
        job = self._query(sql)
        kind = str(job.statement_type or "")
        spent = self._cost(job)
        rows = self._affected(job, kind)
        found = answers.details(job, spent, rows)
        self._spent = answers.summed(self._spent, found)
        if kind in answers.QUERIES:
            result = self._sender.ask(lambda: job.result(page_size=PAGE, retry=self._sender.retry, job_retry=None), sql)
            if result.schema:
                names = tuple(f.name for f in result.schema)
                return Answer(self._sender.ask(lambda: tuple(tuple(row.values()) for row in result)), names, details=found)
        return Answer(affected=rows, message=answers.message(kind, spent, rows), details=found)

    def _affected(self, job: bigquery.QueryJob, kind: str) -> int | None:
        """Rows that a statement changed; of a new table, those that are in it."""
        if kind == "CREATE_TABLE_AS_SELECT" and (made := job.ddl_target_table) is not None:
            return int(self._sender.ask(lambda: self.client.get_table(made, retry=self._sender.retry)).num_rows or 0)
        changed = job.num_dml_affected_rows
        return None if changed is None else int(changed)

    def _cost(self, job: bigquery.QueryJob) -> answers.Cost:
        children: tuple[Any, ...] = ()
        if job.num_child_jobs and not job.total_bytes_billed:
            with suppress(ExecuteError):
                children = self._sender.ask(lambda: tuple(self.client.list_jobs(parent_job=job.job_id, project=job.project)))
        return answers.cost(job, children)

    def _chore(self, job: jobs.Job) -> Answer:
        """A job that is not SQL."""
        match job:
            case jobs.Copy():
                names = partitions(self._answer, job.source) if job.partitions else [""]
                for name in names:
                    self._copy(job, name)
                return Answer(message="COPY" if not job.partitions else f"COPY {len(names)} PARTITIONS")
            case jobs.Inherit():
                self._sender.ask(lambda: inherit(self.client, self._reference(job.source), self._reference(job.target)))
            case jobs.Describe():
                self._sender.ask(lambda: describe(self.client, self._reference(job.target), job))
            case jobs.Grant():
                self._sender.ask(lambda: grant(self.client, self._reference(job.target), job.wanted))
        return Answer()

    def _copy(self, job: jobs.Copy, partition: str) -> None:
        def start(id_: str, labels: dict[str, str]) -> Any:
            config = bigquery.CopyJobConfig(write_disposition="WRITE_TRUNCATE", labels=labels, **limits(self.profile))
            if job.key:
                config.destination_encryption_configuration = bigquery.EncryptionConfiguration(kms_key_name=job.key)
            suffix = f"${partition}" if partition else ""
            return self.client.copy_table(
                f"{self._reference(job.source)}{suffix}",
                f"{self._reference(job.target)}{suffix}",
                job_id=id_,
                job_config=config,
                location=self.profile.location,
                project=self.profile.paying,
                retry=self._sender.retry,
                timeout=self.profile.creation_timeout,
            )

        self._sender.send(start)

    def _upload(self, file: IO[bytes], relation: Relation, config: bigquery.LoadJobConfig) -> None:
        def start(id_: str, labels: dict[str, str]) -> Any:
            config.labels = labels
            for key, value in limits(self.profile).items():
                setattr(config, key, value)
            return self.client.load_table_from_file(
                file,
                self._reference(relation),
                rewind=True,
                job_id=id_,
                location=self.profile.location,
                project=self.profile.paying,
                job_config=config,
            )

        self._sender.send(start)

    def _dry(self, sql: str) -> bigquery.QueryJob:
        self._stream = None
        with self._guard():
            config = query_config(self.profile, {})
            config.dry_run, config.use_query_cache = True, False
            where: dict[str, Any] = {"location": self.profile.location, "project": self.profile.paying}
            job: bigquery.QueryJob = self._sender.ask(
                lambda: self.client.query(sql, config, retry=self._sender.retry, job_retry=None, **where), sql
            )
            return job

    def _query(self, sql: str, *, session: bool = False, in_session: bool = False, session_id: str | None = None) -> bigquery.QueryJob:
        """Run a statement as a job; in the session that the transaction is in, if one is open."""
        known = session_id or (self._session if session or in_session or self._open else None)

        def start(id_: str, labels: dict[str, str]) -> Any:
            config = query_config(self.profile, labels)
            if session and known is None:
                config.create_session = True
            if known is not None:
                config.connection_properties = [*config.connection_properties, bigquery.ConnectionProperty("session_id", known)]
            return self.client.query(
                sql,
                config,
                job_id=id_,
                location=self.profile.location,
                project=self.profile.paying,
                retry=self._sender.retry,
                timeout=self.profile.creation_timeout,
                job_retry=None,
            )

        job: bigquery.QueryJob = self._sender.send(start, sql, again=known is None)
        return job

    def _reference(self, relation: Relation) -> str:
        return f"{relation.database or self.profile.project}.{relation.schema or self.profile.dataset}.{relation.name}"

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Remember that the transaction is lost, and say which relation may have been meant."""
        try:
            yield
        except ExecuteError as error:
            if self._open and self._failure is None:
                self._failure = error if error.problems else ExecuteError(Problem("X100", "the load failed"))
            suggest(error, self.client, self.profile)
            raise
        except BaseException as error:
            if self._open and self._failure is None:
                self._failure = ExecuteError(Problem("X100", f"{type(error).__name__}: {error}"))
            raise

    def _batches(self, rows: Any, schema: pa.Schema, token: object, sql: str) -> Iterator[pa.RecordBatch]:
        storage = storage_client(self.client, self.profile)
        try:
            yield from typed(rows.to_arrow_iterable(bqstorage_client=storage), schema, lambda: self._stream is token)
        except NETWORK as error:
            raise self._sender.failed(error, sql) from error


class BigQueryWarehouse:
    """A project of BigQuery. Each :meth:`connect` is a client of its own; signing in happens once."""

    dialect: Dialect = BigQueryDialect()

    def __init__(self, profile: BigQueryProfile, run: str = "") -> None:
        self.profile = replace(profile, run=run) if run else profile
        self._guard = threading.Lock()
        self._credentials: Any = None
        self._mark = uuid4().hex[:8]
        self._counts: dict[str, itertools.count[int]] = {}
        self._sessions = itertools.count(1)

    def connect(self) -> BigQueryConnection:
        """A client. Raises ``WarehouseError`` when nobody is signed in."""
        with self._guard:
            if self._credentials is None:
                self._credentials = credentials(self.profile)
            number = next(self._sessions)
        client = opening(self.profile, self._credentials)
        return BigQueryConnection(client, self.profile, Sender(client, self.profile, self._numbered, f"session {number}"))

    def snapshot(self, relations: Iterable[Relation]) -> Snapshot:
        """What exists in the datasets of ``relations``, and the ledger. Raises ``WarehouseError`` when BigQuery does not answer."""
        with self._asked() as session:
            return snapshot(session, tuple(relations), self.profile.project, self.profile.dataset)

    def changed(self, relations: Iterable[Relation]) -> Mapping[Relation, tuple[datetime, str]]:
        """When the rows of tables changed last. Views have none of their own, and rows that are streaming in are not counted yet."""
        with self._asked() as session:
            return changed(session, tuple(relations), self.profile.project, self.profile.dataset)

    def catalog(self, relations: Iterable[Relation]) -> tuple[Described, ...]:
        """What the catalog says of those of ``relations`` that exist. Raises ``WarehouseError`` when BigQuery does not answer."""
        with self._asked() as session:
            return described(session, tuple(relations), self.profile.project, self.profile.dataset)

    @contextmanager
    def _asked(self) -> Iterator[BigQueryConnection]:
        """A session for questions that every command has."""
        session = self.connect()
        try:
            yield session
        except ExecuteError as error:
            if isinstance(error.__cause__, NETWORK):
                raise unreachable(error.__cause__, self.profile.paying) from error
            raise
        finally:
            session.close()

    def close(self) -> None:
        """Nothing is held between connections."""

    def _numbered(self, node: str) -> str:
        """The next number of a node's jobs: no job of a run gets the id of another, whose answer it would get with it.

        One run may open the warehouse several times (to compare what it built; for a model in Python), so each has a mark of its own.
        """
        with self._guard:
            return f"{self._mark}-{next(self._counts.setdefault(node, itertools.count(1)))}"
