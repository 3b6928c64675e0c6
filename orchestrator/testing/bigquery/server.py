"""The HTTP side: BigQuery's v2 REST protocol on a local port."""

from __future__ import annotations

import gzip
import json
import re
import threading
import time
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from orchestrator.sql.googlesql_engine import Engine
from orchestrator.testing.bigquery import datasets, routes
from orchestrator.testing.bigquery.catalog import Catalog
from orchestrator.testing.bigquery.errors import Refusal, missing, unknown
from orchestrator.testing.bigquery.evaluate import Evaluator
from orchestrator.testing.bigquery.faults import Faults
from orchestrator.testing.bigquery.jobs import Job, Jobs

PREFIX = "/bigquery/v2/projects/"
Answer = tuple[int, dict[str, Any] | None, dict[str, str]]
"""HTTP status, body, extra headers."""


@dataclass(frozen=True)
class Request:
    """A request as it was logged: when it came, and what was answered (0: the connection was dropped)."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    status: int

    def __str__(self) -> str:
        return f"{self.method} {self.path} -> {self.status}"


class Server:
    """A BigQuery of one's own: ``url`` is the client's ``api_endpoint``.

    Settings: ``polls`` (every job answers so many polls before it is done). ``faults`` are things that go wrong on order, ``log`` what was
    asked. What a client cannot see by itself (``catalog``, ``jobs``) may be looked at.
    """

    def __init__(self, engine: Engine) -> None:
        self.evaluator = Evaluator(engine)
        self.faults = Faults()
        self.log: list[Request] = []
        self.catalog = Catalog()
        self.jobs = Jobs(self.catalog, self.evaluator, self.faults)
        self.uploads: dict[str, tuple[str, dict[str, Any], bytearray]] = {}
        server = self

        class Conversation(_Conversation):
            home = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Conversation)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def polls(self) -> int:
        """How many polls every job answers before it is done."""
        return self.jobs.polls

    @polls.setter
    def polls(self, count: int) -> None:
        self.jobs.polls = count

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()

    def reset(self) -> None:
        """Forget everything, as if the server had just been started."""
        self.faults.clear()
        self.log.clear()
        self.uploads.clear()
        self.catalog = Catalog()
        self.jobs = Jobs(self.catalog, self.evaluator, self.faults)

    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Any, raw: bytes) -> Answer:
        """What a request is answered. Raises a refusal."""
        if path.startswith(("/resumable/upload", "/upload")):
            return self._upload(method, path, query, headers, raw)
        if not path.startswith(PREFIX):
            raise missing("Address", path)
        body = json.loads(raw) if raw else {}
        parts = [unquote(part) for part in path[len(PREFIX) :].strip("/").split("/")]
        match method, parts:
            case _, [project, "jobs" | "queries", *rest]:
                return 200, self._jobs(method, project, parts[1], rest, query, body), {}
            case "POST", [project, "datasets", dataset, "tables", name] if ":" in name:
                table, _, verb = name.partition(":")
                if verb not in {"getIamPolicy", "setIamPolicy"}:
                    raise unknown(f"the method {verb}")
                return 200, routes.policy(self.jobs, (project, dataset, table), body if verb == "setIamPolicy" else None), {}
            case _, [project, "datasets", *rest]:
                with self.catalog.lock:
                    made = self._datasets(method, project, rest, query, body, headers.get("If-Match"))
                return (204, None, {}) if method == "DELETE" else (200, made, {})
        raise unknown(f"{method} {path}")

    def _datasets(
        self, method: str, project: str, rest: list[str], query: Mapping[str, str], body: Any, etag: str | None
    ) -> dict[str, Any]:
        match method, rest:
            case "GET", []:
                return routes.list_datasets(self.jobs, project, query)
            case "POST", []:
                return datasets.create(self.catalog, project, body)
            case _, [name]:
                return routes.dataset(self.jobs, method, project, name, body, query, etag)
            case "GET", [name, "tables"]:
                return routes.list_tables(self.jobs, project, name, query)
            case "POST", [name, "tables"]:
                return routes.insert_table(self.jobs, project, name, body)
            case "GET", [name, "tables", table]:
                return routes.get_table(self.jobs, (project, name, table))
            case "PATCH" | "PUT", [name, "tables", table]:
                return routes.change_table(self.jobs, (project, name, table), body, etag, whole=method == "PUT")
            case "DELETE", [name, "tables", table]:
                routes.delete_table(self.jobs, (project, name, table))
                return {}
            case "GET", [name, "tables", table, "data"]:
                return routes.rows(self.jobs, (project, name, table), query)
        raise unknown(f"{method} {'/'.join(rest)}")

    def _jobs(self, method: str, project: str, what: str, rest: list[str], query: Mapping[str, str], body: Any) -> dict[str, Any]:
        location = query.get("location")
        match method, what, rest:
            case "POST", "jobs", []:
                return self._inserted(self.jobs.submit(project, body))
            case "GET", "jobs", []:
                return self._listed(project, query)
            case "GET", "jobs", [name]:
                job = self.jobs.find(project, name, location)
                self.jobs.poll(job)
                return job.resource
            case "POST", "jobs", [name, "cancel"]:
                job = self.jobs.find(project, name, location)
                self.jobs.cancel(job)
                return {"kind": "bigquery#jobCancelResponse", "job": job.resource}
            case "DELETE", "jobs", [name, "delete"]:
                job = self.jobs.find(project, name, location)
                for key in [key for key, other in self.jobs.known.items() if other is job or other.statistics.get("parentJobId") == job.id]:
                    del self.jobs.known[key]
                return {}
            case "POST", "queries", []:
                return self._query(project, body)
            case "GET", "queries", [name]:
                job = self.jobs.find(project, name, location)
                self.jobs.poll(job)
                return self._results(job, query)
        raise unknown(f"{method} {what}/{'/'.join(rest)}")

    def _inserted(self, job: Job) -> dict[str, Any]:
        """A job that was just submitted; one that failed is answered as a job, not as an HTTP error."""
        made = job.resource
        if not job.id:
            made["jobReference"].pop("jobId")
        return made

    def _listed(self, project: str, query: Mapping[str, str]) -> dict[str, Any]:
        parent, states = query.get("parentJobId"), {s.upper() for s in query.get("stateFilter", "").split(",") if s}
        found = [
            {**job.resource, "state": job.state}
            for (owner, _), job in self.jobs.known.items()
            if owner == project and job.statistics.get("parentJobId") == parent and (not states or job.state in states)
        ]
        found.sort(key=lambda job: int(job["statistics"]["creationTime"]), reverse=True)
        listed, more = routes.page(found, query)
        return {"kind": "bigquery#jobList", "etag": uuid.uuid4().hex, "jobs": listed, **more}

    def _query(self, project: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """jobs.query: a job and its first rows in one answer."""
        own = {
            "kind",
            "location",
            "maxResults",
            "timeoutMs",
            "labels",
            "dryRun",
            "requestId",
            "formatOptions",
            "jobTimeoutMs",
            "jobCreationMode",
        }
        configuration: dict[str, Any] = {"query": {"useLegacySql": True, **{k: v for k, v in body.items() if k not in own}}}
        configuration |= {name: body[name] for name in ("labels", "dryRun", "jobTimeoutMs") if name in body}
        job = self.jobs.submit(project, {"configuration": configuration, "jobReference": {"location": body.get("location")}})
        query = {"maxResults": str(body["maxResults"])} if body.get("maxResults") else {}
        if (body.get("formatOptions") or {}).get("useInt64Timestamp"):
            query["formatOptions.useInt64Timestamp"] = "true"
        told = self._results(job, {**query, "timeoutMs": str(body.get("timeoutMs", 10_000))})
        if not job.id:
            told.get("jobReference", {}).pop("jobId", None)
            told["schema"] = {"fields": list(job.fields or [])}
        return {**told, "kind": "bigquery#queryResponse"}

    def _results(self, job: Job, query: Mapping[str, str]) -> dict[str, Any]:
        """The rows of a job's result, or that there are none yet."""
        if job.state != "DONE" and not job.polls:
            job.done.wait(int(query.get("timeoutMs") or 10_000) / 1000)
        told: dict[str, Any] = {
            "kind": "bigquery#getQueryResultsResponse",
            "etag": uuid.uuid4().hex,
            "jobReference": job.resource["jobReference"],
            "jobComplete": job.state == "DONE",
        }
        if job.state != "DONE":
            return told
        if job.error is not None:
            raise job.error
        statistics = job.statistics.get("query", {})
        told |= {"totalBytesProcessed": job.statistics.get("totalBytesProcessed", "0"), "cacheHit": False, "totalRows": "0"}
        for name in ("numDmlAffectedRows", "dmlStats"):
            if name in statistics:
                told[name] = statistics[name]
        if "sessionInfo" in job.statistics:
            told["sessionInfo"] = job.statistics["sessionInfo"]
        if job.rows is not None and job.fields is not None:
            asked = {**query, "maxResults": ""} if query.get("maxResults") == "0" else query
            told |= {"schema": {"fields": list(job.fields)}, **routes.slice_of(job.fields, job.rows, asked)}
            if query.get("maxResults") == "0":
                told.pop("rows", None)
                told.pop("pageToken", None)
        else:
            told["schema"] = {"fields": []}
        return told

    def _upload(self, method: str, path: str, query: Mapping[str, str], headers: Any, raw: bytes) -> Answer:
        """Load jobs bring their file: in one piece beside the job, or in pieces after it."""
        project = path.partition("/projects/")[2].partition("/")[0]
        if query.get("uploadType") == "multipart":
            asked, content = _parts(headers["Content-Type"], raw)
            return 200, self.jobs.submit(project, asked, content).resource, {}
        if method == "POST":
            name = uuid.uuid4().hex
            self.uploads[name] = (project, json.loads(raw), bytearray())
            return 200, {}, {"Location": f"{self.url}{path}?uploadType=resumable&upload_id={name}"}
        owner, body, content_so_far = self.uploads[query["upload_id"]]
        span = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", headers.get("Content-Range", ""))
        if span is None:
            raise Refusal("invalid", "Content-Range is missing")
        if span[1] is not None:
            del content_so_far[int(span[1]) :]
            content_so_far += raw
        if span[2] == "*" or len(content_so_far) < int(span[2]):
            return 308, None, {"Range": f"bytes=0-{len(content_so_far) - 1}"} if content_so_far else {}
        job = self.jobs.submit(owner, body, bytes(content_so_far))
        return 200, job.resource, {}


def _parts(kind: str, raw: bytes) -> tuple[dict[str, Any], bytes]:
    """The two parts of a multipart body: the job, and the bytes of its file exactly as they are."""
    found = re.search(r'boundary="?([^";]+)', kind)
    if found is None:
        raise Refusal("invalid", "multipart without a boundary")
    pieces = raw.split(b"--" + found[1].encode())
    bodies = [piece.split(b"\r\n\r\n", 1)[1] if b"\r\n\r\n" in piece else piece.split(b"\n\n", 1)[1] for piece in pieces[1:3]]
    content = bodies[1][:-2] if bodies[1].endswith(b"\r\n") else bodies[1].removesuffix(b"\n")
    return json.loads(bodies[0]), content


class _Conversation(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    home: Server
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Requests are logged on the server object."""

    def _talk(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        size = int(self.headers.get("Content-Length") or 0)
        raw = self._chunks() if self.headers.get("Transfer-Encoding") == "chunked" else self.rfile.read(size)
        if self.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        faults = self.home.faults.request(f"{self.command} {parts.path}")
        kinds = {fault.kind: fault for fault in faults}
        if "drop" in kinds:
            self._drop(parts.path, query, raw)
            return
        status, body, headers = self._answered(parts.path, query, raw, kinds.get("answer"))
        if "slow" in kinds:
            time.sleep(kinds["slow"].seconds)
        if "lose" in kinds:
            self._drop(parts.path, query, raw)
            return
        self._note(parts.path, query, raw, status)
        content = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _answered(self, path: str, query: Mapping[str, str], raw: bytes, fault: Any) -> Answer:
        if fault is not None:
            return fault.refusal.status, fault.refusal.body, {}
        try:
            return self.home.answer(self.command, path, query, self.headers, raw)
        except Refusal as error:
            return error.status, error.body, {}
        except Exception:  # noqa: BLE001  a bug of ours: 500 would be tried again for minutes
            refusal = unknown(f"its own bug: {traceback.format_exc(limit=-3)}")
            return refusal.status, refusal.body, {}

    def _drop(self, path: str, query: Mapping[str, str], raw: bytes) -> None:
        self._note(path, query, raw, 0)
        self.close_connection = True
        self.connection.close()

    def _note(self, path: str, query: Mapping[str, str], raw: bytes, status: int) -> None:
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw
        self.home.log.append(Request(self.command, path, query, body, status))

    def _chunks(self) -> bytes:
        read = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            read += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return read

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _talk  # noqa: N815  the library's names
