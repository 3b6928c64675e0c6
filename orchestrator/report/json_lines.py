"""Events as JSON, one object a line, in the shape log collectors know from dbt: ``{"info": {…}, "data": {…}}``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, TextIO

from orchestrator.core.event import (
    BatchFinished,
    BatchStarted,
    Event,
    NodeFinished,
    NodeRetried,
    NodeStarted,
    Noted,
    RunFinished,
    RunStarted,
    Status,
    as_json,
    plain,
)
from orchestrator.report.lines import PLAIN, lines
from orchestrator.report.lines import write as write_text
from orchestrator.report.story import BROKEN, Story

_RESULTS = {
    "model": ("LogModelResult", "Q012"),
    "seed": ("LogSeedResult", "Q016"),
    "snapshot": ("LogSnapshotResult", "Q015"),
    "test": ("LogTestResult", "Q007"),
    "unit_test": ("LogTestResult", "Q007"),
    "operation": ("LogHookEndLine", "Q033"),
}
_OTHER_RESULT = ("LogNodeResult", "Q008")
_STATS = {"pass": "PASS", "warn": "WARN", "error": "ERROR", "skip": "SKIP", "noop": "NO-OP", "reused": "REUSED"}


def json_line(event: Event, story: Story, invocation: str, pid: int) -> str:
    """An event as one line of JSON. ``story`` is the run up to and including it, ``invocation`` the run's id.

    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> line = json_line(Noted(at, "warn", "no such thing"), Story(), "r1", 7)
    >>> json.loads(line)["info"]["level"], json.loads(line)["data"]["msg"]
    ('warn', 'no such thing')
    """
    name, code = _identity(event)
    info = {
        "category": "",
        "code": code,
        "extra": {},
        "invocation_id": invocation,
        "level": _level(event),
        "msg": _message(event, story),
        "name": name,
        "pid": pid,
        "thread": event.thread
        if isinstance(event, NodeStarted | NodeRetried | NodeFinished | BatchStarted | BatchFinished)
        else "MainThread",
        "ts": plain(event.at),
    }
    return json.dumps({"info": info, "data": _data(event, story)}, allow_nan=False, ensure_ascii=False)


class JsonLines:
    """A sink that writes a line of JSON for every event; ``quiet`` keeps errors only."""

    def __init__(self, stream: TextIO, pid: int, *, quiet: bool = False, debug: bool = False) -> None:
        self._stream = stream
        self._pid = pid
        self._quiet = quiet
        self._debug = debug
        self._run = ""
        self._story = Story()

    def hear(self, event: Event) -> None:
        """Write the event."""
        self._story = self._story.apply(event)
        if isinstance(event, RunStarted):
            self._run = event.run
        level = _level(event)
        if (self._quiet and level != "error") or (level == "debug" and not self._debug):
            return
        write_text(self._stream, json_line(event, self._story, self._run, self._pid) + "\n")

    def close(self) -> None:
        """Leave the stream open: it is the process's, not ours."""
        self._stream.flush()


def _identity(event: Event) -> tuple[str, str]:
    match event:
        case RunStarted():
            return "MainReportVersion", "A001"
        case NodeStarted():
            return "LogStartLine", "Q011"
        case NodeRetried():
            return "LogRetryLine", "Z051"
        case NodeFinished(status=Status.SKIPPED):
            return "SkippingDetails", "Q034"
        case NodeFinished():
            return _RESULTS.get(event.kind, _OTHER_RESULT)
        case BatchStarted():
            return "LogStartBatch", "Q045"
        case BatchFinished():
            return "LogBatchResult", "Q046"
        case Noted(level="warn"):
            return "LogWarning", "I057"
        case Noted():
            return "JinjaLogInfo" if event.level == "info" else "Note", "I062" if event.level == "info" else "Z050"
        case RunFinished():
            return "StatsLine", "Z023"


def _level(event: Event) -> str:
    match event:
        case NodeFinished(status=found):
            return "error" if found in BROKEN else "warn" if found is Status.WARNED else "info"
        case NodeRetried():
            return "warn"
        case BatchFinished(status=found):
            return "info" if found is Status.PASSED else "error"
        case Noted():
            return event.level
        case _:
            return "info"


def _message(event: Event, story: Story) -> str:
    if isinstance(event, Noted):
        return str(event.problem) if event.problem else event.message
    told = [line for line in lines(event, story, PLAIN) if line]
    # Opening and closing are several lines on a console; the first (version) and the last (counts) say what this one event is.
    line = told[-1] if isinstance(event, RunFinished) else told[0]
    return line.split("  ", 1)[1]


def _data(event: Event, story: Story) -> dict[str, Any]:
    match event:
        case RunStarted():
            return {**as_json(event), "version": f"={event.version}"}
        case NodeStarted():
            node = _node(event, "started", event.at, None)
            return {"description": event.label, "index": event.index, "total": story.total, "node_info": node}
        case NodeFinished():
            started = event.started or event.at
            return {
                "description": event.label,
                "execution_time": plain(event.seconds),
                "index": event.index,
                "total": story.total,
                "status": event.outcome if event.kind in ("test", "unit_test") else event.message or event.outcome,
                "num_failures": event.failures,
                "rows": event.rows,
                "message": event.message,
                "because": event.because,
                "problem": plain(event.problem),
                "node_info": _node(event, event.outcome, started, event.at),
            }
        case NodeRetried():
            return {**as_json(event), "sql": None, "description": event.label, "total": story.total}
        case BatchStarted() | BatchFinished():
            found = as_json(event)
            return {**found, "batch_index": event.number, "total_batches": event.total, "description": event.label}
        case Noted():
            return {
                "msg": event.message or (event.problem.message if event.problem else ""),
                "node": event.node,
                "problem": plain(event.problem),
            }
        case RunFinished():
            stats = {key: story.count(column) for key, column in _STATS.items()} | {"total": sum(story.counts.values())}
            return {"stats": stats, "elapsed": plain(event.seconds), "keyboard_interrupt": event.cancelled}


def _node(event: NodeStarted | NodeFinished, ended: str, started: datetime, finished: datetime | None) -> dict[str, Any]:
    relation = event.relation if isinstance(event, NodeFinished) else None
    return {
        "unique_id": event.node,
        "node_name": event.node.rsplit(".", 1)[-1]
        if event.kind not in ("test", "unit_test")
        else event.label.removeprefix(f"{event.kind} "),
        "resource_type": event.kind,
        "node_status": ended,
        "node_started_at": _instant(started),
        "node_finished_at": _instant(finished) if finished else "",
        "node_relation": {"relation_name": relation or ""},
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat()
