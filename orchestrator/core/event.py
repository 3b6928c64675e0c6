"""What happens during a run. Console, history, artifacts, alerts and metrics are folds over one stream of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from math import isfinite
from typing import Any, get_args

from orchestrator.core.errors import Problem
from orchestrator.core.forecast import NOTHING, Forecast
from orchestrator.core.node import Kind


class Status(StrEnum):
    """How a node ended: *failed* is the author's SQL or a gate, *crashed* is the network or us; only crashed retries."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    CRASHED = "crashed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    REUSED = "reused"
    NOTHING = "nothing"
    PARTIAL = "partial"


_OUTCOMES = {
    Status.PASSED: "success",
    Status.WARNED: "warn",
    Status.FAILED: "error",
    Status.CRASHED: "error",
    Status.SKIPPED: "skipped",
    Status.CANCELLED: "skipped",
    Status.REUSED: "reused",
    Status.NOTHING: "no-op",
    Status.PARTIAL: "partial success",
}


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a node is in a run, and what it would be built from: ``parts`` of its fingerprint, each a digest or a value.

    ``code`` is its own text as understood, ``source`` as written; ``config`` what of its config shapes data; ``macros`` and
    ``upstream`` are digests by id.
    """

    reason: str
    fingerprint: str = ""
    parts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins. ``counts`` are the project's resources by kind; ``total`` is the number of results to expect.

    ``planned`` are the ids results are expected for: what a run that was killed did not get to. ``trigger`` and ``actor`` are what
    began it (``cli``, ``ci``, ``schedule:nightly``) and who; ``git_sha`` and ``dirty`` say from which code. ``grounds`` are why each
    node is in it, by id. ``forecast`` is how long its tasks are expected to take.
    """

    at: datetime
    run: str
    command: str
    version: str
    target: str
    threads: int
    total: int
    counts: Mapping[str, int] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    planned: tuple[str, ...] = ()
    trigger: str = ""
    actor: str = ""
    git_sha: str | None = None
    dirty: bool | None = None
    grounds: Mapping[str, Grounds] = field(default_factory=dict, metadata={"told": False})
    forecast: Forecast = field(default=NOTHING, metadata={"told": False})


@dataclass(frozen=True, slots=True)
class NodeStarted:
    """Work on a node begins. ``index`` counts from 1 to the run's ``total``, ``attempt`` from 1 each time the node is tried."""

    at: datetime
    node: str
    kind: Kind
    label: str
    index: int
    thread: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class NodeRetried:
    """An attempt at a node failed and there will be another: number ``attempt + 1``, in ``wait`` seconds.

    ``retries`` is how many there may be beside the first. ``cause`` is ``transient``, ``timeout``, ``test`` or ``permanent``;
    ``started`` and ``seconds`` are the attempt's, as are ``sql`` and ``response``.
    """

    at: datetime
    node: str
    kind: Kind
    label: str
    index: int
    thread: str
    attempt: int
    retries: int
    wait: float
    status: Status
    seconds: float
    started: datetime
    message: str = ""
    cause: str = "transient"
    problem: Problem | None = None
    sql: str | None = None
    response: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodeFinished:
    """A node or test ended (skipped ones too).

    ``failures`` is a test's count. ``message`` is one line. ``problem`` has the place in the author's file. ``seconds`` is
    wall time. ``because`` names the node that made this one skip. ``timing`` has the phases dbt's artifacts list.
    ``batches`` are the intervals of a model that is built by interval: ``successful`` and ``failed``, each ``(start, end)``.
    ``inspect`` is the query (or relation) that shows failing rows. ``response`` is what the engine answered
    (``rows_affected``, ``bytes_processed``, …). ``attempt`` is the number of the attempt that ended it: ``started`` and ``seconds``
    are that one's. ``cause`` is what it failed of, in the words of :class:`NodeRetried`. What is not
    ``repeatable`` would do a part of it twice.
    """

    at: datetime
    node: str
    kind: Kind
    label: str
    index: int
    status: Status
    seconds: float
    thread: str
    message: str = ""
    failures: int | None = None
    rows: int | None = None
    relation: str | None = None
    sql: str | None = None
    inspect: str | None = None
    because: str | None = None
    problem: Problem | None = None
    started: datetime | None = None
    response: Mapping[str, Any] = field(default_factory=dict)
    batches: Mapping[str, tuple[tuple[datetime, datetime], ...]] | None = None
    attempt: int = 1
    cause: str | None = None
    repeatable: bool = field(default=True, metadata={"told": False})

    @property
    def allowed(self) -> bool:
        """Whether it failed, and may (``on_failure: skip``): nothing was published, and what reads it is told that it was left out."""
        return self.status is Status.SKIPPED and self.problem is not None

    @property
    def outcome(self) -> str:
        """The status in the words of the artifacts: ``success error skipped no-op reused``, for tests ``pass fail warn error skipped``."""
        if self.kind in ("test", "unit_test"):
            if self.status is Status.PASSED:
                return "pass"
            if self.status is Status.FAILED and self.failures is not None:
                return "fail"
        elif self.status is Status.WARNED:
            return "success"
        return _OUTCOMES[self.status]


@dataclass(frozen=True, slots=True)
class BatchStarted:
    """Work on one interval of a node begins: ``number`` of ``total``."""

    at: datetime
    node: str
    label: str
    number: int
    total: int
    start: datetime
    end: datetime
    thread: str


@dataclass(frozen=True, slots=True)
class BatchFinished:
    """One interval of a node ended; what that means for the node, its own end says."""

    at: datetime
    node: str
    label: str
    number: int
    total: int
    start: datetime
    end: datetime
    thread: str
    status: Status
    seconds: float
    message: str = ""
    rows: int | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """A line for the reader: a warning, a hook's outcome, a ``{{ log() }}``. ``level`` is debug, info, warn or error."""

    at: datetime
    level: str
    message: str
    node: str | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run is over. ``cancelled`` says it was interrupted."""

    at: datetime
    run: str
    seconds: float
    cancelled: bool = False


Event = RunStarted | NodeStarted | NodeRetried | NodeFinished | BatchStarted | BatchFinished | Noted | RunFinished


_TOLD = {kind: tuple(f.name for f in fields(kind) if f.metadata.get("told", True)) for kind in get_args(Event)}
"""The fields that an event of each kind tells."""


def as_json(event: Event) -> dict[str, Any]:
    """An event as JSON-able data: its type under ``event``, times in UTC ISO 8601.

    >>> as_json(RunFinished(datetime(2026, 1, 1, tzinfo=UTC), "r1", 0.5))["event"]
    'RunFinished'
    """
    return {"event": type(event).__name__, **{name: plain(getattr(event, name)) for name in _TOLD[type(event)]}}


_AS_THEY_ARE = frozenset({str, int, bool})


def plain(value: Any) -> Any:
    """A value as data every JSON reader takes: no NaN, no secrets, times in UTC, what JSON has no word for as text.

    >>> plain({"at": datetime(2026, 1, 1, tzinfo=UTC), "ratio": float("nan"), "tags": {"x"}})
    {'at': '2026-01-01T00:00:00Z', 'ratio': None, 'tags': ['x']}
    """
    if value is None or type(value) in _AS_THEY_ARE:  # most of what events are made of
        return value
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Problem():
            span = value.span
            place = None if span is None else {"file": span.path, "line": span.line, "column": span.column}
            trail = [{"what": what, "file": s.path, "line": s.line, "column": s.column} for what, s in value.trail]
            return {
                "code": value.code,
                "message": value.message,
                "severity": value.severity,
                "hint": value.hint,
                "at": place,
                "trail": trail,
            }
        case StrEnum():
            return value.value
        case Mapping():
            return {str(k): plain(v) for k, v in value.items()}
        case tuple() | list():
            return [plain(v) for v in value]
        case set() | frozenset():
            return sorted((plain(v) for v in value), key=str)
        case float():
            return value if isfinite(value) else None
        case str():
            return str(value)  # a secret's text is its stars
        case int() | bool() | None:
            return value
        case _:
            return str(value)
