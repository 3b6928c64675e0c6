"""Jobs: from a request to DONE, possibly slowly, possibly cancelled."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.testing.bigquery import loading, parameters, statistics, storing
from orchestrator.testing.bigquery.catalog import Catalog, Key, named, now
from orchestrator.testing.bigquery.desk import Desk, Outcome, Session
from orchestrator.testing.bigquery.errors import Refusal, invalid_query, missing, taken, unknown
from orchestrator.testing.bigquery.evaluate import Evaluator
from orchestrator.testing.bigquery.faults import Faults
from orchestrator.testing.bigquery.rows import Rows
from orchestrator.testing.bigquery.script import paths, script
from orchestrator.testing.bigquery.types import Field

KINDS = ("query", "load", "copy")
ANYWHERE = {"us", "eu"}
"""Locations in which a job is found without naming them."""

QUERY = (
    "query", "useLegacySql", "defaultDataset", "destinationTable", "writeDisposition", "createDisposition", "priority",
    "maximumBytesBilled", "useQueryCache", "parameterMode", "queryParameters", "timePartitioning", "rangePartitioning", "clustering",
    "createSession", "connectionProperties", "schemaUpdateOptions", "allowLargeResults", "flattenResults",
    "destinationEncryptionConfiguration",
)  # fmt: skip
"""The keys of a query's configuration that are read here; others are refused."""

CANCELLED = Refusal("stopped", "Job execution was cancelled: User requested cancellation")


@dataclass
class Job:
    """One job. ``changed`` tells those who wait for it."""

    project: str
    id: str
    location: str
    kind: str
    configuration: dict[str, Any]
    content: bytes = b""
    state: str = "PENDING"
    error: Refusal | None = None
    statistics: dict[str, Any] = field(default_factory=dict)
    fields: Sequence[Field] | None = None
    rows: Rows | None = None
    created: int = field(default_factory=now)
    began: float = field(default_factory=time.monotonic)
    polls: int = 0
    seconds: float = 0.0
    failure: Refusal | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def resource(self) -> dict[str, Any]:
        """As REST answers it."""
        status: dict[str, Any] = {"state": self.state}
        if self.error is not None:
            status |= {"errorResult": self.error.proto, "errors": [self.error.proto]}
        return {
            "kind": "bigquery#job",
            "etag": uuid.uuid4().hex,
            "id": f"{self.project}:{self.location}.{self.id}",
            "jobReference": {"projectId": self.project, "jobId": self.id, "location": self.location},
            "user_email": "someone@example.com",
            "configuration": {**self.configuration, "jobType": self.kind.upper()},
            "status": status,
            "statistics": {"creationTime": str(self.created), **self.statistics},
        }

    @property
    def timeout(self) -> float | None:
        """Seconds that the job may take."""
        given = self.configuration.get("jobTimeoutMs")
        return None if given is None else int(given) / 1000


class Jobs:
    """All jobs of a server."""

    def __init__(self, catalog: Catalog, evaluator: Evaluator, faults: Faults) -> None:
        self.catalog = catalog
        self.evaluator = evaluator
        self.faults = faults
        self.known: dict[tuple[str, str], Job] = {}
        self.sessions: dict[str, Session] = {}
        self.results: dict[Key, tuple[Sequence[Field], Rows]] = {}
        self.polls = 0
        self.patience = 30.0

    def submit(self, project: str, body: Mapping[str, Any], content: bytes = b"") -> Job:
        """Take a job; it is done when this returns, unless it is held. Raises *duplicate* for an id that was used."""
        configuration = dict(body["configuration"])
        kind = next((name for name in KINDS if name in configuration), None)
        if kind is None:
            raise unknown(f"jobs of kind {sorted(set(configuration) - {'labels', 'dryRun', 'jobTimeoutMs', 'jobType'})}")
        reference = body.get("jobReference") or {}
        if reference.get("projectId", project) != project:
            raise Refusal("invalid", "Value for jobReference.projectId differs from the project of the request")
        name = reference.get("jobId") or f"job_{uuid.uuid4().hex[:24]}"
        location = reference.get("location") or self._location(project, kind, configuration[kind])
        job = Job(project, name, location, kind, configuration, content)
        if configuration.get("dryRun"):
            return self._dry(job)
        with self.catalog.lock:
            if (project, name) in self.known:
                raise taken("Job", f"{project}:{location}.{name}")
            self.known[(project, name)] = job
        self._start(job)
        return job

    def find(self, project: str, name: str, location: str | None) -> Job:
        """A job; those outside the multi-regions are found only by their location."""
        job = self.known.get((project, name))
        if job is None or (location or job.location).lower() != job.location.lower():
            raise missing("Job", f"{project}:{location}.{name}" if location else f"{project}:{name}")
        if location is None and job.location.lower() not in ANYWHERE:
            raise missing("Job", f"{project}:{name}")
        return job

    def poll(self, job: Job) -> None:
        """Somebody asks how the job is: one that is held for some polls comes nearer to its end."""
        with self.catalog.lock:
            if job.state == "DONE" or not job.polls:
                return
            if job.timeout is not None and time.monotonic() - job.began > job.timeout:
                job.polls = 0
                self._finish(job, _late(job))
                return
            job.polls -= 1
            job.state = "RUNNING"
            if job.polls:
                return
        self._launch(job)

    def cancel(self, job: Job) -> None:
        """Stop a job: what is held ends now; what runs ends without effect."""
        job.cancelled.set()
        with self.catalog.lock:
            if job.state != "DONE" and job.polls:
                job.polls = 0
                self._finish(job, CANCELLED)

    def _start(self, job: Job) -> None:
        job.polls = self.polls
        for fault in self.faults.of_job(f"{job.kind.upper()} {_text(job)}"):
            if fault.kind == "hold":
                job.polls, job.seconds = max(job.polls, fault.polls), max(job.seconds, fault.seconds)
            else:
                job.failure = fault.refusal
        if not job.polls:
            self._launch(job)

    def _launch(self, job: Job) -> None:
        threading.Thread(target=self._work, args=(job,), daemon=True).start()
        if not job.seconds:
            job.done.wait(self.patience)

    def _work(self, job: Job) -> None:
        job.state = "RUNNING"
        limit = job.timeout
        if job.seconds:
            late = limit is not None and limit < job.seconds
            if job.cancelled.wait(limit if late and limit is not None else job.seconds):
                self._finish(job, CANCELLED)
                return
            if late:
                self._finish(job, _late(job))
                return
        try:
            WORK["failure" if job.failure else job.kind](self, job)
        except Refusal as error:
            self._finish(job, error)
        except Exception as error:  # noqa: BLE001  a bug of ours must not look like one of BigQuery's
            self._finish(job, unknown(f"{type(error).__name__}: {error}"))
        else:
            self._finish(job, None)

    def _finish(self, job: Job, error: Refusal | None) -> None:
        job.error = error
        spent = max(1, int((time.monotonic() - job.began) * 1000))
        job.statistics |= {"startTime": str(job.created), "endTime": str(job.created + spent)}
        job.statistics.setdefault("totalSlotMs", str(spent))
        if "query" in job.statistics:
            job.statistics["query"].setdefault("totalSlotMs", str(spent))
        job.state = "DONE"
        job.done.set()

    def _dry(self, job: Job) -> Job:
        if job.kind != "query":
            raise unknown(f"a dry run of a {job.kind} job")
        self.query(job)
        job.id, job.state = "", "DONE"
        return job

    def _location(self, project: str, kind: str, given: Mapping[str, Any]) -> str:
        """Where a job runs that does not say so: where its tables are."""
        places: list[tuple[str, str]] = []
        home = _home(given, project)
        if kind == "query":
            if dataset := given.get("defaultDataset"):
                places.append((dataset.get("projectId") or project, dataset["datasetId"]))
            try:
                nodes = self.evaluator.parse(given.get("query", ""))
            except Refusal:
                nodes = []
            for names in paths(nodes):
                places.append((home, names[0]))
                if len(names) > 1:
                    places.append((names[0], names[1]))
        if table := given.get("destinationTable"):
            places.append(named(table, project)[:2])
        return next((str(self.catalog.datasets[place]["location"]) for place in places if place in self.catalog.datasets), "US")

    def desk(self, job: Job, session: Session, **more: Any) -> Desk:
        """Where a job works."""
        project = _home(job.configuration[job.kind], job.project)
        return Desk(self.catalog, self.evaluator, session, project, job.location, stopped=job.cancelled.is_set, **more)

    def query(self, job: Job) -> None:
        """Run a query job."""
        given = job.configuration["query"]
        if strange := sorted(set(given) - set(QUERY)):
            raise unknown(f"query configuration {strange}")
        if given.get("useLegacySql", True):
            raise unknown("legacy SQL")
        session, lasting = self._session(job, given)
        dataset = given.get("defaultDataset")
        default = ((dataset.get("projectId") or job.project), dataset["datasetId"]) if dataset else None
        dry = bool(job.configuration.get("dryRun"))
        desk = self.desk(job, session, default=default, parameters=parameters.read(given), dry=dry)
        limit = given.get("maximumBytesBilled")
        try:
            outcomes, several = script(desk, given["query"], None if limit is None else int(limit))
        except Refusal:
            if not lasting:
                with self.catalog.lock:
                    desk.close()
            raise
        if not lasting:
            with self.catalog.lock:
                desk.close()
        last = next((o for o, kind, _ in reversed(outcomes) if kind == "STATEMENT" and o.fields is not None and o.kind == "SELECT"), None)
        if several:
            self._children(job, outcomes)
        statistics.query(job, [o for o, _, _ in outcomes], several=several)
        if last is not None:
            job.fields, job.rows = last.fields, last.rows
            if not dry and not several:
                self._destination(desk, job, last)

    def _destination(self, desk: Desk, job: Job, result: Outcome) -> None:
        given = job.configuration["query"]
        target = given.get("destinationTable")
        if target is None:
            key = (job.project, "_anonymous", f"anon{job.id}")
            self.results[key] = (result.fields or [], result.rows or Rows())
            job.configuration["query"] = {**given, "destinationTable": dict(zip(("projectId", "datasetId", "tableId"), key, strict=True))}
            return
        with self.catalog.lock:
            storing.store(desk, named(target, job.project), result.fields or [], result.rows or Rows(), given, given)

    def _session(self, job: Job, given: Mapping[str, Any]) -> tuple[Session, bool]:
        if given.get("createSession"):
            session = Session()
            self.sessions[session.id] = session
            job.statistics["sessionInfo"] = {"sessionId": session.id}
            return session, True
        for pair in given.get("connectionProperties") or []:
            if pair["key"] == "dataset_project_id":
                continue
            if pair["key"] != "session_id":
                raise unknown(f"the connection property {pair['key']}")
            if pair["value"] not in self.sessions:
                raise invalid_query(f"Session {pair['value']} is not found or has expired")
            job.statistics["sessionInfo"] = {"sessionId": pair["value"]}
            return self.sessions[pair["value"]], True
        return Session(), False

    def _children(self, job: Job, outcomes: list[tuple[Outcome, str, tuple[int, int]]]) -> None:
        text = job.configuration["query"]["query"].encode()
        for number, (outcome, kind, span) in enumerate(outcomes):
            name = f"script_job_{job.id}_{number}"
            child = Job(
                job.project,
                name,
                job.location,
                "query",
                {"query": {"query": outcome.text, "useLegacySql": False}},
                created=job.created + number,
            )
            child.fields, child.rows = outcome.fields, outcome.rows
            child.statistics = {"parentJobId": job.id, "scriptStatistics": statistics.frame(text, span, kind)}
            statistics.query(child, [outcome], several=False)
            self._finish(child, None)
            self.known[(job.project, name)] = child
        job.statistics["numChildJobs"] = str(len(outcomes))

    def load(self, job: Job) -> None:
        """Run a load job."""
        with self.catalog.lock:
            _, count = loading.load(self.desk(job, Session()), job.project, job.configuration["load"], job.content)
        size = str(len(job.content))
        job.statistics["load"] = {
            "inputFiles": "1",
            "inputFileBytes": size,
            "outputRows": str(count),
            "outputBytes": size,
            "badRecords": "0",
        }

    def failed(self, job: Job) -> None:
        """Fail as was ordered."""
        raise job.failure or CANCELLED

    def copy(self, job: Job) -> None:
        """Run a copy job."""
        with self.catalog.lock:
            if job.cancelled.is_set():
                raise CANCELLED
            table = storing.copy(self.desk(job, Session()), job.project, job.configuration["copy"])
        job.statistics["copy"] = {
            "copiedRows": str(table.rows.count),
            "copiedLogicalBytes": str(sum(table.rows.sizes(table.cells).values())),
        }


def _home(given: Mapping[str, Any], project: str) -> str:
    """The project of datasets that a job names without one: its own, unless the property ``dataset_project_id`` says another."""
    pairs = given.get("connectionProperties") or []
    return next((str(p["value"]) for p in pairs if p["key"] == "dataset_project_id"), project)


def _late(job: Job) -> Refusal:
    return Refusal("stopped", f"Job execution was cancelled: Job timed out after {job.timeout:g}s")


def _text(job: Job) -> str:
    """What a job is about, for patterns of faults."""
    given = job.configuration[job.kind]
    if job.kind == "query":
        return str(given.get("query", ""))
    key = named(given["destinationTable"], job.project)
    return f"{key[0]}:{key[1]}.{key[2]}"


WORK = {"query": Jobs.query, "load": Jobs.load, "copy": Jobs.copy, "failure": Jobs.failed}
