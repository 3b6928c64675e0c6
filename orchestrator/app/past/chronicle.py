"""Past runs, as their history tells them: which there were, what one did, what was said meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from orchestrator.core.chronicle import Chronicle, Part, Recorded
from orchestrator.core.duration import duration
from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.event import NodeFinished, plain
from orchestrator.record.history import History

POLL_SECONDS = 0.3
"""How often who follows a run looks again."""


def recorded(history: History, id_: str | None, target: str | None = None) -> Recorded:
    """A run by its id, the beginning of it, or ``last``.

    Raises:
        UsageError: U007, there is none.
    """
    if id_ in (None, "", "last"):
        found = next(iter(history.runs(1, target)), None)
        if found is None:
            raise UsageError(Problem("U007", "there is no run yet", None, "`orc build` makes one"))
        return found
    run = history.run(str(id_))
    if run is None:
        raise UsageError(Problem("U007", f"there is no run `{id_}`", None, "`orc runs` lists them"))
    return run


def chronicle(history: History, run: Recorded, now: datetime) -> Chronicle:
    """A run with all that is known of its nodes."""
    results = {r.node: r for r in history.results(run.id)}
    grounds = history.grounds(run.id)
    tries: dict[str, list[Any]] = {}
    for attempt in history.attempts(run.id):
        tries.setdefault(attempt.node, []).append(attempt)
    states = _states(history, run)
    notes = history.notes(run.id)
    order = dict.fromkeys([*results, *(n for n in states if n not in results), *run.planned])
    parts = []
    for id_ in order:
        result = results.get(id_)
        attempts = tuple(tries.get(id_, ()))
        begun = [a.started for a in attempts if a.started] + ([result.started] if result and result.started else [])
        state, at = states.get(id_, ("", None))
        status = (
            result.outcome
            if result
            else state
            if run.status == "running" and state
            else "pending"
            if run.status == "running"
            else "not reached"
        )
        mine = tuple(n for n in notes if n.node == id_)
        parts.append(
            Part(
                id_, name(id_, result), id_.partition(".")[0], status, min(begun) if begun else at, result, attempts, grounds.get(id_), mine
            )
        )
    return Chronicle(run, tuple(parts), tuple(n for n in notes if n.node is None or n.node not in order), now)


def _states(history: History, run: Recorded) -> dict[str, tuple[str, datetime]]:
    """What is under way in a run that is not over: ``running`` or ``waiting``, and since when."""
    found: dict[str, tuple[str, datetime]] = {}
    if run.status != "running":
        return found
    for _, body in history.events(run.id):
        match body["event"]:
            case "NodeStarted":
                found[body["node"]] = ("running", datetime.fromisoformat(body["at"]))
            case "NodeRetried":
                found[body["node"]] = ("waiting", datetime.fromisoformat(body["at"]))
            case "NodeFinished":
                found.pop(body["node"], None)
            case _:
                pass
    return found


def name(id_: str, result: NodeFinished | None = None) -> str:
    """What people call a node: a test's name, the last part of anything else's id."""
    if id_.startswith(("test.", "unit_test.")):
        return result.label.removeprefix("test ").removeprefix("unit_test ") if result else id_.split(".")[2]
    return id_.split(".", 2)[-1]


def part(found: Chronicle, word: str) -> Part:
    """A node of a run, by its name or id.

    Raises:
        UsageError: U080, the run has no such node.
    """
    from orchestrator.core.errors import did_you_mean

    exact = [p for p in found.parts if word in (p.node, p.name)]
    if not exact:
        hint = did_you_mean(word, [p.name for p in found.parts], also=f"`orc runs show {found.run.id[:8]}` lists its nodes")
        raise UsageError(Problem("U080", f"run {found.run.id[:8]} has no node `{word}`", None, hint))
    return exact[0]


def since(text: str, now: datetime) -> datetime:
    """The instant that ``--since`` means: a date or time, or how long ago.

    >>> since("2h", datetime.fromisoformat("2026-01-01T12:00:00+00:00")).hour
    10

    Raises:
        UsageError: U081, it is neither.
    """
    try:
        return now - timedelta(seconds=duration(text))
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        hint = "2h, 7d, 2026-01-31 or '2026-01-31 09:00'"
        raise UsageError(Problem("U081", f"`--since {text}` is neither a time nor a duration", None, hint)) from None
    return at if at.tzinfo else at.astimezone()


def logged(history: History, run: Recorded, *, follow: bool, sleep: Callable[[float], None] = time.sleep) -> Iterator[Mapping[str, Any]]:
    """A run's events as JSON, each with the number of the ``attempt`` at its node; with ``follow`` until the run is over.

    Runs of older versions have no events: their notes and results stand for them.
    """
    seen = -1
    tries: dict[str, int] = {}
    while True:
        over = (history.run(run.id) or run).status != "running"  # asked before the events: what comes last is not missed
        for number, body in history.events(run.id, seen):
            seen = number
            node = body.get("node")
            if body["event"] == "NodeStarted" and node:
                tries[node] = body.get("attempt", 1)
            yield {**body, "attempt": body.get("attempt") or tries.get(node or "")}
        if over or not follow:
            break
        sleep(POLL_SECONDS)
    if seen < 0:
        old = [({"event": "Noted"}, n) for n in history.notes(run.id)] + [({"event": "NodeFinished"}, r) for r in history.results(run.id)]
        for kind, event in sorted(old, key=lambda pair: pair[1].at):
            from orchestrator.core.event import as_json

            yield {**{k: v for k, v in as_json(event).items() if k != "sql"}, **kind, "attempt": None}


def as_data(found: Chronicle, *, texts: bool = False) -> dict[str, Any]:
    """A run as JSON-able data; with ``texts`` also the statements that were sent."""
    run = found.run
    return {
        "run": run_data(run, found.now),
        "nodes": [part_data(p, found.now, texts=texts) for p in found.parts],
        "notes": [plain({"at": n.at, "level": n.level, "message": n.message, "problem": n.problem}) for n in found.notes],
    }


def run_data(run: Recorded, now: datetime) -> dict[str, Any]:
    """A run's own facts as JSON-able data."""
    elapsed = run.seconds if run.seconds is not None else (now - run.started).total_seconds() if run.status == "running" else None
    return {
        "id": run.id,
        "command": run.command,
        "target": run.target,
        "status": run.status,
        "trigger": run.trigger,
        "actor": run.actor,
        "git_sha": run.git_sha,
        "dirty": run.dirty,
        "audit": run.audit or None,
        "started_at": plain(run.started),
        "ended_at": plain(run.finished),
        "elapsed": elapsed,
        "total": run.total,
        "counts": dict(run.counts),
        "arguments": plain(run.arguments),
        "version": run.version,
        "host": run.host,
        "pid": run.pid,
    }


def part_data(p: Part, now: datetime, *, texts: bool = False) -> dict[str, Any]:
    """A node of a run as JSON-able data."""
    result = p.result
    ended = result.at if result else None
    done = (
        {
            "seconds": plain(result.seconds),
            "message": result.message,
            "rows": result.rows,
            "failures": result.failures,
            "relation": result.relation,
            "because": result.because,
            "problem": plain(result.problem),
            "inspect": result.inspect,
            "bytes_processed": result.response.get("bytes_processed"),
            "bytes_billed": result.response.get("bytes_billed"),
        }
        if result
        else {}
    )
    return {
        "node": p.node,
        "name": p.name,
        "kind": p.kind,
        "status": p.status,
        "started_at": plain(p.began),
        "ended_at": plain(ended),
        "elapsed": (now - p.began).total_seconds() if p.began and not result else None,
        **done,
        "reason": p.grounds.reason if p.grounds else None,
        "fingerprint": p.grounds.fingerprint or None if p.grounds else None,
        "attempts": [attempt_data(a, texts=texts) for a in p.attempts],
        **({"sql": result.sql if result else None} if texts else {}),
    }


def attempt_data(a: Any, *, texts: bool = False) -> dict[str, Any]:
    """An attempt as JSON-able data. ``status`` is ``success``, or ``failed_`` with the class of its error."""
    good = a.status.value in ("passed", "warned", "nothing", "partial")
    return {
        "attempt": a.attempt,
        "label": a.label,
        "status": "success" if good else f"failed_{a.cause}" if a.cause else a.status.value,
        "started_at": plain(a.started),
        "ended_at": plain(a.finished),
        "seconds": plain(a.seconds),
        "wait": a.wait,
        "message": a.message,
        "problem": plain(a.problem),
        **({"sql": a.sql} if texts else {}),
    }
