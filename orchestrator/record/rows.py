"""Events as rows of the state database, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.core.errors import Problem
from orchestrator.core.event import Event, Grounds, NodeFinished, NodeRetried, Noted, RunFinished, RunStarted, Status, as_json, plain
from orchestrator.core.files import Span, digest
from orchestrator.record.history import BUILT, UNTOLD, Recorded, RunStatus, Sought, Tried

BEGIN = """
insert into runs (id, command, target, version, threads, total, arguments, planned, status, started, pid, host, born,
  trigger, actor, git_sha, dirty)
values (?, ?, ?, ?, ?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing
"""
END = "update runs set status = ?, finished = coalesce(?, finished), seconds = coalesce(?, seconds) where id = ?"
ADD_TEXT = "insert into texts (key, text) values (?, ?) on conflict do nothing"
ADD_RESULT = """
insert into results (run, node, kind, label, position, status, seconds, started, finished, thread, message,
  failures, rows, relation, because, problem, response, sql, inspect, attempt, bytes_processed, bytes_billed)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (run, node) do update set (label, position, status, seconds, started, finished, thread, message,
  failures, rows, relation, because, problem, response, sql, inspect, attempt, bytes_processed, bytes_billed)
= (excluded.label, excluded.position, excluded.status, excluded.seconds, excluded.started, excluded.finished, excluded.thread,
  excluded.message, excluded.failures, excluded.rows, excluded.relation, excluded.because, excluded.problem, excluded.response,
  excluded.sql, excluded.inspect, excluded.attempt, excluded.bytes_processed, excluded.bytes_billed)
"""
ADD_NOTE = "insert into notes (run, at, level, message, node, problem, number, attempt) values (?, ?, ?, ?, ?, ?, ?, ?)"
ADD_ATTEMPT = """
insert into attempts (run, node, attempt, label, status, cause, started, finished, seconds, wait, message, problem, response, sql)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing
"""
ADD_EVENT = "insert into events (run, number, at, event, node, body) values (?, ?, ?, ?, ?, ?) on conflict do nothing"
ADD_GROUNDS = "insert into grounds (run, node, reason, fingerprint, parts) values (?, ?, ?, ?, ?) on conflict do nothing"
ATTEMPTS = """
select a.*, s.text as sql_text from attempts a left join texts s on s.key = a.sql
where a.run = ? and (? is null or a.node = ?) order by a.finished, a.attempt
"""
EVENTS = "select number, body from events where run = ? and number > ? order by number"
GROUNDS = "select g.node, g.reason, g.fingerprint, p.text from grounds g left join texts p on p.key = g.parts where g.run = ?"
RESULTS = """
select r.*, s.text as sql_text, i.text as inspect_text
from results r left join texts s on s.key = r.sql left join texts i on i.key = r.inspect
where r.run = ? order by r.position
"""
LATEST = """
select r.*, null as sql_text, null as inspect_text from (
  select x.*, row_number() over (partition by x.node order by x.finished desc, u.started desc, x.position desc) as newness
  from results x join runs u on u.id = x.run
  where (x.kind in ('test', 'unit_test')) = (? = 1) and u.target = ?
) r
where newness <= ? order by r.node, newness
"""
DURATIONS = """
with wanted (node) as (values {wanted}), since as (
  select w.node, coalesce((select x.finished from results x where x.node = w.node order by x.finished desc limit 1 offset ?), '') as at
  from wanted w
)
select node, seconds from (
  select r.node, r.seconds, row_number() over (partition by r.node order by r.finished desc) as newness
  from since s join results r on r.node = s.node and r.finished >= s.at join runs u on u.id = r.run
  where u.target = ? and r.status in ({built})
    and u.arguments not like '%"empty": true%' and u.arguments not like '%"sample": %'
) r
where newness <= ? order by node, newness
"""
NEWEST = """
select r.*, null as sql_text, null as inspect_text from (
  select x.*, row_number() over (partition by x.node order by x.finished desc, x.position desc) as newness
  from results x where x.run in (select id from runs where target = ? order by started desc, id desc limit ?)
) r
where newness = 1 order by r.node
"""
NOTES = "select * from notes where run = ? and (? is null or node = ?) and (? is null or attempt = ?) order by at, number"
"""An older database has no numbers: there the time decides."""


def durations(count: int) -> str:
    """The question how long ``count`` nodes took: by the index of results by node, so many rows of each."""
    return DURATIONS.format(wanted=", ".join(["(?)"] * count), built=", ".join(f"'{status.value}'" for status in BUILT))


def of_run(event: RunStarted, pid: int, host: str, born: str) -> tuple[Any, ...]:
    """Parameters of :data:`BEGIN`."""
    described = (event.run, event.command, event.target, event.version, event.threads, event.total)
    dirty = None if event.dirty is None else int(event.dirty)
    who = (_text(event.trigger), _text(event.actor), event.git_sha, dirty)
    return (*described, _json(event.arguments), json.dumps(event.planned), instant(event.at), pid, host, born, *who)


def of_end(status: RunStatus, event: RunFinished | None, run: str) -> tuple[Any, ...]:
    """Parameters of :data:`END`."""
    return (status, instant(event.at) if event else None, event.seconds if event else None, run)


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
        instant(event.started) if event.started else None,
        instant(event.at),
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
        event.attempt,
        _whole(event.response.get("bytes_processed")),
        _whole(event.response.get("bytes_billed")),
    )


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def of_attempt(run: str, event: NodeRetried | NodeFinished) -> tuple[Any, ...]:
    """Parameters of :data:`ADD_ATTEMPT`: one that is followed by another, or the one that ended the node."""
    problem = _json(event.problem) if event.problem else None
    cause, wait = event.cause, event.wait if isinstance(event, NodeRetried) else None
    started = instant(event.started) if event.started else None
    begun = (
        run,
        event.node,
        event.attempt,
        event.label,
        event.status.value,
        cause,
        started,
        instant(event.at),
        plain(event.seconds) or 0.0,
    )
    return (*begun, wait, _text(event.message), problem, _json(event.response) if event.response else None, _key(event.sql))


def of_event(run: str, number: int, event: Event) -> tuple[Any, ...]:
    """Parameters of :data:`ADD_EVENT`; statements are in ``texts`` once, not here again."""
    body = {k: v for k, v in as_json(event).items() if k not in UNTOLD}
    return (run, number, instant(event.at), type(event).__name__, getattr(event, "node", None), _text(json.dumps(body, allow_nan=False)))


def of_grounds(event: RunStarted) -> Iterator[tuple[tuple[str, str], tuple[Any, ...]]]:
    """Parameters of :data:`ADD_TEXT` and of :data:`ADD_GROUNDS`, node by node."""
    for node, why in event.grounds.items():
        parts = json.dumps(plain(why.parts), sort_keys=True, allow_nan=False)
        key = digest(parts.encode())
        yield (key, parts), (event.run, node, _text(why.reason), why.fingerprint, key)


def grounds(row: Any) -> tuple[str, Grounds]:
    """A row of :data:`GROUNDS` as a node's id and what it was."""
    return row["node"], Grounds(row["reason"], row["fingerprint"], json.loads(row["text"]) if row["text"] else {})


def attempt(row: Any) -> Tried:
    """A row of :data:`ATTEMPTS` as a value."""
    return Tried(
        row["node"],
        row["attempt"],
        row["label"],
        Status(row["status"]),
        row["cause"],
        _at(row["started"]) if row["started"] else None,
        _at(row["finished"]),
        row["seconds"],
        row["wait"],
        row["message"],
        _problem(row["problem"]),
        row["sql_text"],
    )


def _response(event: NodeFinished) -> dict[str, Any]:
    """What the engine answered; of a model that is built by interval, also what became of its batches."""
    return dict(event.response) if event.batches is None else {**event.response, "batch_results": event.batches}


def of_note(run: str, event: Noted, number: int = 0, attempt: int | None = None) -> tuple[Any, ...]:
    """Parameters of :data:`ADD_NOTE`."""
    problem = _json(event.problem) if event.problem else None
    return (run, instant(event.at), event.level, _text(event.message), event.node, problem, number, attempt)


def texts(events: Iterable[NodeFinished | NodeRetried]) -> Iterator[tuple[str, str]]:
    """Parameters of :data:`ADD_TEXT`: the statements of results, by their digest."""
    for event in events:
        for text in (event.sql, event.inspect if isinstance(event, NodeFinished) else None):
            if text is not None and (key := _key(text)):
                yield key, _text(text)


def sought(asked: Sought) -> tuple[str, tuple[Any, ...]]:
    """A condition on ``runs`` and its parameters; statuses are looked at elsewhere."""
    where, parameters = ["true"], list[Any]()
    if asked.target is not None:
        where, parameters = [*where, "target = ?"], [*parameters, asked.target]
    if asked.since is not None:
        where, parameters = [*where, "started >= ?"], [*parameters, instant(asked.since)]
    if asked.trigger is not None:
        where.append("(trigger = ? or substr(trigger, 1, length(?) + 1) = ?)")
        parameters += [asked.trigger, asked.trigger, f"{asked.trigger}:"]
    if asked.schedule is not None:
        where, parameters = (
            [*where, "substr(trigger, length(trigger) - length(?)) = ?"],
            [*parameters, asked.schedule, f":{asked.schedule}"],
        )
    if asked.actor is not None:
        where, parameters = [*where, "actor = ?"], [*parameters, asked.actor]
    if asked.node is not None:
        where, parameters = [*where, "id in (select run from results where node = ?)"], [*parameters, asked.node]
    if asked.before is not None:
        at, id_ = instant(asked.before[0]), asked.before[1]
        where, parameters = [*where, "started <= ? and (started < ? or id < ?)"], [*parameters, at, at, id_]
    return " and ".join(where), tuple(parameters)


def recorded(row: Any, status: RunStatus, counts: Mapping[str, int]) -> Recorded:
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
        trigger=row["trigger"],
        actor=row["actor"],
        git_sha=row["git_sha"],
        dirty=None if row["dirty"] is None else bool(row["dirty"]),
        audit=row["audit"] or "",
    )


def result(row: Any) -> NodeFinished:
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
        attempt=row["attempt"],
    )


def _batches(kept: Mapping[str, Any] | None) -> Mapping[str, tuple[tuple[datetime, datetime], ...]] | None:
    """Intervals as they were, from JSON."""
    if kept is None:
        return None
    return {how: tuple((_at(start), _at(end)) for start, end in pairs) for how, pairs in kept.items()}


def note(row: Any) -> Noted:
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
    whole = text.replace("\x00", "\\x00") if "\x00" in text else text  # Postgres has no such character
    return whole if whole.isascii() else whole.encode("utf-8", "backslashreplace").decode("utf-8")


def instant(at: datetime) -> str:
    """A time as it is kept: in UTC, all of one length, so that their order is that of texts."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
