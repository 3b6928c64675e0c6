"""Jobs of one session: each is started once, whatever the network does, and waited for."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import requests
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.auth import exceptions as signing

from orchestrator.adapters.bigquery import jobs
from orchestrator.adapters.bigquery.problems import RETRIED, Report, refused, too_long, unknown
from orchestrator.adapters.bigquery.profile import BigQueryProfile
from orchestrator.core.errors import ExecuteError, Problem

if TYPE_CHECKING:
    from google.cloud import bigquery

NETWORK = (
    exceptions.GoogleAPIError,
    signing.GoogleAuthError,
    requests.exceptions.RequestException,
    ConnectionError,
)
"""What Google's client raises for a refusal, or when nobody answers."""

LOOK_SECONDS = 60.0
"""How long one look at a job may take."""

FIRST_SECONDS, SLOWEST_SECONDS = 0.05, 1.0
"""Pauses between looks: at first short, for queries that are."""

GRACE_SECONDS = 30.0
"""How much longer than the server we wait for a job that is over its time, and for one that was cancelled to end."""

_BUSY = (429, 500, 502, 503, 504)

Start = Callable[[str, dict[str, str]], Any]
"""Starts a job under an id, with labels; raises ``Conflict`` when a job of that id is there."""


class Sender:
    """Sends jobs, one at a time; only :meth:`cancel` may come from another thread.

    ``numbered`` counts the jobs of a node, over all sessions: together with run and node that makes the job's id.
    """

    def __init__(self, client: bigquery.Client, profile: BigQueryProfile, numbered: Callable[[str], str], session: str) -> None:
        self.client, self.profile = client, profile
        self.node = session
        self._session, self._numbered = session, numbered
        self._run = profile.run or f"orc-{uuid4().hex}"  # of no run: a name that was used before would bring the answer of that time
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._busy = False
        self._job: Any = None
        self.retry = Retry(predicate=_for_a_moment, initial=0.2, maximum=10.0, multiplier=2.0, timeout=max(profile.retry_deadline, 1.0))

    def about(self, node: str | None) -> None:
        """Jobs from now on are for ``node``."""
        self.node = node or self._session

    def send(self, start: Start, sql: str = "", *, again: bool = True) -> Any:
        """Start a job and wait for its end; the job, done and well.

        A job that died for a reason of BigQuery's own is sent once more under the next id, as often as the profile allows, if it may
        be sent ``again``. Raises ``ExecuteError``.
        """
        sequence = self._numbered(self.node)
        with self._working():
            for attempt in range(self.profile.job_retries + 1):
                job = self._started(start, jobs.job_id(self._run, self.node, sequence, attempt), sql)
                self._wait(job)
                if job.error_result is None:
                    return job
                report = Report.of_job(job.error_result)
                dead = report.reason in RETRIED and not self._stop.is_set()
                if not dead or not again or attempt == self.profile.job_retries:
                    raise refused(report, sql, asked=self._stop.is_set(), transient=dead and not again and self.profile.job_retries > 0)
                self._stop.wait(random.uniform(0.5, 1) * min(2**attempt, 30))  # noqa: S311  jitter: others were refused, too
        raise AssertionError(sql)

    def ask(self, question: Callable[[], Any], sql: str = "") -> Any:
        """A request that is no job. Raises ``ExecuteError``."""
        with self._working():
            try:
                return question()
            except NETWORK as error:
                raise self.failed(error, sql) from error

    def cancel(self) -> None:
        """Stop the job that runs now, on the server; callable from any thread."""
        with self._guard:
            if not self._busy or self._stop.is_set():
                return
            self._stop.set()
            job = self._job
        if job is not None:
            self._cancel(job)

    @property
    def stopping(self) -> bool:
        """Whether what runs was asked to end."""
        return self._stop.is_set()

    @contextmanager
    def _working(self) -> Iterator[None]:
        with self._guard:
            nested, self._busy = self._busy, True
            if not nested:
                self._stop.clear()
        try:
            yield
        finally:
            with self._guard:
                self._busy = nested
                self._job = None

    def _started(self, start: Start, id_: str, sql: str) -> Any:
        """The job of this id: the one we start, or the one that an answer we never got had started."""
        labels = jobs.labels({"orc_run": self.profile.run, "orc_model": self.node, "orc_target": self.profile.target})
        try:
            job = start(id_, labels)
        except exceptions.Conflict as error:
            if "job" not in str(error).casefold():
                raise self.failed(error, sql) from error
            job = self._found(id_, sql)
            if job is None:
                raise self.failed(error, sql) from error
        except NETWORK as error:
            if not _unanswered(error):
                raise self.failed(error, sql) from error
            job = self._found(id_, sql)
            if job is None:
                raise self.failed(error, sql) from error
        with self._guard:
            self._job = job
        if self._stop.is_set():  # asked while the job was on its way
            self._cancel(job)
        return job

    def _found(self, id_: str, sql: str) -> Any:
        """The job of this id, ``None`` when there is none. Raises ``ExecuteError`` (X115) when nobody can say."""
        for pause in (0.0, 0.2, 1.0):
            time.sleep(pause)
            try:
                return self.client.get_job(id_, project=self.profile.paying, location=self.profile.location, retry=self.retry)
            except exceptions.NotFound:
                continue  # it may take a moment to be known everywhere
            except NETWORK as error:
                if _unanswered(error):
                    raise unknown(Report.of(error).message) from error
                raise self.failed(error, sql) from error
        return None

    def _wait(self, job: Any) -> None:
        """Until the job is done. One that outlives its time is cancelled, and counts as done if it ended well after all."""
        limit = self.profile.execution_timeout
        until = None if limit is None else time.monotonic() + limit + GRACE_SECONDS
        pause, overdue = FIRST_SECONDS, False
        while job.state != "DONE":
            if until is not None and time.monotonic() > until:
                if overdue:
                    raise too_long(limit or 0)
                self._cancel(job)
                overdue, until = True, time.monotonic() + GRACE_SECONDS
            if self._stop.is_set():
                time.sleep(pause)
            else:
                self._stop.wait(pause)
            pause = min(pause * 1.5, SLOWEST_SECONDS)
            try:
                job.reload(retry=self.retry, timeout=LOOK_SECONDS)
            except NETWORK as error:
                raise unknown(Report.of(error).message) if _unanswered(error) else self.failed(error, "") from error
        if overdue and job.error_result is not None:
            raise too_long(limit or 0)

    def end(self, job: Any) -> None:
        """Cancel a job of somebody else's and wait until it has ended. Raises ``ExecuteError`` (X115) when it does not."""
        self._cancel(job)
        until = time.monotonic() + GRACE_SECONDS
        while job.state != "DONE":
            if time.monotonic() > until:
                raise unknown(f"the job {job.job_id} of a run that died does not end")
            time.sleep(FIRST_SECONDS)
            self.ask(lambda: job.reload(retry=self.retry, timeout=LOOK_SECONDS))

    def _cancel(self, job: Any) -> None:
        with suppress(*NETWORK):
            self.client.cancel_job(job.job_id, project=job.project, location=job.location, retry=self.retry, timeout=LOOK_SECONDS)

    def failed(self, error: BaseException, sql: str) -> ExecuteError:
        """What Google's client raised, as an error of ours."""
        if isinstance(error, exceptions.RetryError) and error.cause is not None:
            error = error.cause
        if isinstance(error, signing.RefreshError):
            hint = "`gcloud auth application-default login`, or check the keys in the profile"
            return ExecuteError(Problem("X109", f"BigQuery does not know who we are any more: {error}", hint=hint))
        report = Report.of(error)
        if not report.reason and not report.status:
            return ExecuteError(Problem("X108", f"BigQuery does not answer: {report.message}", hint="nothing was started"))
        return refused(report, sql, asked=self._stop.is_set())


def _for_a_moment(error: BaseException) -> bool:
    """Whether the same request may be heard a moment later. It names its job, so sending it twice does no harm."""
    if isinstance(error, exceptions.GoogleAPICallError):
        return Report.of(error).reason in RETRIED or error.code in _BUSY
    return isinstance(error, (requests.exceptions.RequestException, ConnectionError, signing.TransportError)) and not isinstance(
        error, requests.exceptions.SSLError
    )


def _unanswered(error: BaseException) -> bool:
    """Whether a request may have been heard although it got no good answer."""
    if isinstance(error, exceptions.RetryError):
        return error.cause is None or _unanswered(error.cause)
    if isinstance(error, signing.RefreshError):
        return False
    if isinstance(error, exceptions.GoogleAPICallError):
        return isinstance(error, exceptions.ServerError)
    return True
