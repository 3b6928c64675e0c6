"""Events as rows of the state database, and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.core.errors import Problem
from orchestrator.core.event import NodeFinished, Noted, RunFinished, RunStarted, Status, plain
from orchestrator.core.files import Span, digest
from orchestrator.record.history import Recorded, RunStatus

BEGIN = """
insert into runs (id, command, target, version, threads, total, arguments, planned, status, started, pid, host, born)
values (?, ?, ?, ?, ?, ?, ?, ?, 'running', ?, ?, ?, ?)
"""
END = "update runs set status = ?, finished = coalesce(?, finished), seconds = coalesce(?, seconds) where id = ?"
ADD_TEXT = "insert or ignore into texts (key, text) values (?, ?)"
ADD_RESULT = """
insert or replace into results (run, node, kind, label, position, status, seconds, started, finished, thread, message,
  failures, rows, relation, because, problem, response, sql, inspect)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADD_NOTE = "insert into notes (run, at, level, message, node, problem) values (?, ?, ?, ?, ?, ?)"
RESULTS = """
select r.*, s.text as sql_text, i.text as inspect_text
from results r left join texts s on s.key = r.sql left join texts i on i.key = r.inspect
where r.run = ? order by r.position
"""
LATEST = """
select r.*, null as sql_text, null as inspect_text
from (select distinct node from results where (node glob 'test.*' or node glob 'unit_test.*') = ?) n
join results r on r.rowid in (
  select x.rowid from results x join runs u on u.id = x.run
  where x.node = n.node and u.target = ? order by x.finished desc, x.rowid desc limit ?
)
order by n.node, r.finished desc, r.rowid desc
"""
NOTES = "select * from notes where run = ? order by rowid"


def of_run(event: RunStarted, pid: int, host: str, born: str) -> tuple[Any, ...]:
    """Parameters of :data:`BEGIN`."""
    described = (event.run, event.command, event.target, event.version, event.threads, event.total)
    return (*described, _json(event.arguments), json.dumps(event.planned), _instant(event.at), pid, host, born)


def of_end(status: RunStatus, event: RunFinished | None, run: str) -> tuple[Any, ...]:
    """Parameters of :data:`END`."""
    return (status, _instant(event.at) if event else None, event.seconds if event else None, run)


def of_result(run: str, position: int, event: NodeFinished) -> tuple[Any, ...]:
    """Parameters of :data:`ADD_RESULT`."""
    return (
        run,
        event.node,
        event.kind,
        event.label,
        position,
        event.status.value,
        plain(event.seconds) or 0.0,
        _instant(event.started) if event.started else None,
        _instant(event.at),
        event.thread,
        _text(event.message),
        event.failures,
        event.rows,
        event.relation,
        event.because,
        _json(event.problem) if event.problem else None,
        _json(_response(event)) if event.response or event.batches else None,
        _key(event.sql),
        _key(event.inspect),
    )


def _response(event: NodeFinished) -> dict[str, Any]:
    """What the engine answered; of a model that is built by interval, also what became of its batches."""
    return dict(event.response) if event.batches is None else {**event.response, "batch_results": event.batches}


def of_note(run: str, event: Noted) -> tuple[Any, ...]:
    """Parameters of :data:`ADD_NOTE`."""
    return (run, _instant(event.at), event.level, _text(event.message), event.node, _json(event.problem) if event.problem else None)


def texts(events: Iterable[NodeFinished]) -> Iterator[tuple[str, str]]:
    """Parameters of :data:`ADD_TEXT`: the statements of results, by their digest."""
    for event in events:
        for text in (event.sql, event.inspect):
            if text is not None and (key := _key(text)):
                yield key, _text(text)


def recorded(row: sqlite3.Row, status: RunStatus, counts: Mapping[str, int]) -> Recorded:
    """A row of ``runs`` as a value."""
    return Recorded(
        id=row["id"],
        command=row["command"],
        target=row["target"],
        version=row["version"],
        status=status,
        started=_at(row["started"]),
        finished=_at(row["finished"]) if row["finished"] else None,
        seconds=row["seconds"],
        total=row["total"],
        counts=counts,
        arguments=json.loads(row["arguments"]),
        planned=tuple(json.loads(row["planned"])),
        pid=row["pid"],
        host=row["host"],
    )


def result(row: sqlite3.Row) -> NodeFinished:
    """A row of :data:`RESULTS` as the event it was."""
    response: dict[str, Any] = json.loads(row["response"]) if row["response"] else {}
    return NodeFinished(
        at=_at(row["finished"]),
        node=row["node"],
        kind=row["kind"],
        label=row["label"],
        index=row["position"],
        status=Status(row["status"]),
        seconds=row["seconds"],
        thread=row["thread"],
        message=row["message"],
        failures=row["failures"],
        rows=row["rows"],
        relation=row["relation"],
        sql=row["sql_text"],
        inspect=row["inspect_text"],
        because=row["because"],
        problem=_problem(row["problem"]),
        started=_at(row["started"]) if row["started"] else None,
        response={k: v for k, v in response.items() if k != "batch_results"},
        batches=_batches(response.get("batch_results")),
    )


def _batches(kept: Mapping[str, Any] | None) -> Mapping[str, tuple[tuple[datetime, datetime], ...]] | None:
    """Intervals as they were, from JSON."""
    if kept is None:
        return None
    return {how: tuple((_at(start), _at(end)) for start, end in pairs) for how, pairs in kept.items()}


def note(row: sqlite3.Row) -> Noted:
    """A row of ``notes`` as the event it was."""
    return Noted(_at(row["at"]), row["level"], row["message"], row["node"], _problem(row["problem"]))


def _problem(text: str | None) -> Problem | None:
    if not text:
        return None
    kept = json.loads(text)
    trail = tuple((step["what"], Span(step["file"], step["line"], step["column"])) for step in kept["trail"])
    at = kept["at"]
    span = Span(at["file"], at["line"], at["column"]) if at else None
    return Problem(kept["code"], kept["message"], span, kept["hint"], trail, kept["severity"])


def _json(value: object) -> str:
    return json.dumps(plain(value), allow_nan=False)


def _key(text: str | None) -> str | None:
    return None if text is None else digest(text.encode("utf-8", "surrogatepass"))


def _text(text: str) -> str:
    """A text UTF-8 can say: half a surrogate pair (from a file name, or a broken client encoding) becomes an escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
