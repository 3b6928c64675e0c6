"""A run as OpenTelemetry's spans: the run, its nodes, their attempts, the statements of each. The only door to that library.

Spans are made when what they tell of is over, with the times it had: nothing has to be carried along while a run goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from orchestrator.core.event import Event, NodeFinished, NodeRetried, RunFinished, RunStarted
from orchestrator.core.event import Status as Ended
from orchestrator.core.project import Secret, mask
from orchestrator.core.run import BAD
from orchestrator.core.sent import Sent, traceparent
from orchestrator.core.version import VERSION

PATIENCE = 10.0
"""Seconds that the end of a run waits for spans to be sent."""

LONGEST = 10_000
"""Characters of a statement that are told."""

NEVER_RAN = frozenset({Ended.SKIPPED, Ended.REUSED})


class Spans:
    """A sink. ``system`` names the engine; ``parent`` and ``state`` are W3C's ``traceparent`` and ``tracestate`` of whoever called us."""

    def __init__(
        self,
        exporters: Iterable[SpanExporter],
        say: Callable[[str], None],
        *,
        system: str,
        secrets: Sequence[Secret] = (),
        parent: str | None = None,
        state: str | None = None,
    ) -> None:
        self._counting = [Counting(exporter) for exporter in exporters]
        self._say, self._system, self._secrets = say, system, tuple(secrets)
        self._carrier = {"traceparent": parent, **({"tracestate": state} if state else {})} if traceparent(parent) and parent else {}
        self._provider: TracerProvider | None = None
        self._root: Span | None = None
        self._sent: dict[str, list[Sent]] = {}
        self._tried: dict[str, list[NodeRetried | NodeFinished]] = {}
        self._counts: dict[str, int] = {}
        self._bad = ""

    def statement(self, one: Sent) -> None:
        """A statement was sent; called in the thread that sent it, before its node ends."""
        self._sent.setdefault(one.node, []).append(one)

    def hear(self, event: Event) -> None:
        """Take note."""
        match event:
            case RunStarted():
                self._begin(event)
            case NodeRetried():
                self._tried.setdefault(event.node, []).append(event)
            case NodeFinished():
                self._finished(event)
            case RunFinished():
                self._end(event.at, "interrupted" if event.cancelled else self._bad)
            case _:
                pass

    def close(self) -> None:
        """Send what waits, for a while; then say what was lost."""
        if self._root is not None:
            self._root.end()
            self._root = None
        if self._provider is not None:
            ending = threading.Thread(target=self._provider.shutdown, name="orc-spans", daemon=True)
            ending.start()
            ending.join(PATIENCE)
            if ending.is_alive():
                self._say(f"opentelemetry: not all spans were sent within {PATIENCE:g} s")
            self._provider = None
        if lost := sum(each.lost for each in self._counting):
            self._say(f"opentelemetry: {lost} spans were not sent")

    def _begin(self, event: RunStarted) -> None:
        resource = Resource.create({"service.name": "orc", "service.version": VERSION}).merge(Resource.create({}))
        named = {k: v for k, v in resource.attributes.items() if k != "service.name" or not str(v).startswith("unknown_service")}
        self._provider = TracerProvider(resource=Resource({"service.name": "orc", **named}), shutdown_on_exit=False)
        for each in self._counting:
            self._provider.add_span_processor(BatchSpanProcessor(each))
        context = TraceContextTextMapPropagator().extract(self._carrier)
        told = {
            "orc.run": event.run,
            "orc.command": event.command,
            "orc.target": event.target,
            "orc.trigger": event.trigger,
            "orc.actor": event.actor,
            "orc.threads": event.threads,
            "vcs.ref.head.revision": event.git_sha or "",
        }
        given = {k: v for k, v in told.items() if v != ""}
        self._root = self._tracer.start_span(f"orc {event.command}", context, attributes=given, start_time=_nanos(event.at))

    @property
    def _tracer(self) -> trace.Tracer:
        if self._provider is None:
            raise AssertionError("a node before its run")
        return self._provider.get_tracer("orc", VERSION)

    def _finished(self, event: NodeFinished) -> None:
        self._counts[event.status.value] = self._counts.get(event.status.value, 0) + 1
        tried, sent = self._tried.pop(event.node, []), self._sent.pop(event.node, [])
        if event.status in BAD:
            self._bad = self._bad or f"{event.node}: {event.status.value}"
        if event.status in NEVER_RAN or self._root is None:
            return
        attempts = [*tried, event]
        started = attempts[0].started or event.at
        told: dict[str, Any] = {
            "orc.node": event.node,
            "orc.kind": event.kind,
            "orc.status": event.outcome,
            "orc.attempts": len(attempts),
            "thread.name": event.thread,
        }
        amounts = {
            "orc.rows": event.rows,
            "orc.failures": event.failures,
            "orc.relation": event.relation,
            "orc.bytes_processed": event.response.get("bytes_processed"),
            "orc.bytes_billed": event.response.get("bytes_billed"),
        }
        told |= {k: v for k, v in amounts.items() if v is not None}
        node = self._span(event.node.split(".", 2)[-1], self._root, told, started)
        test = event.kind in ("test", "unit_test")
        for attempt in attempts:
            self._attempt(attempt, node, [s for s in sent if _during(s, attempt)], test=test)
        _fail(node, event)
        node.end(_nanos(event.at))

    def _attempt(self, event: NodeRetried | NodeFinished, node: Span, sent: Sequence[Sent], *, test: bool) -> None:
        above = node
        if not test:  # a test has no attempts of its own: it is part of its model's
            told: dict[str, Any] = {"orc.attempt": event.attempt}
            told |= {"orc.cause": event.cause} if event.cause else {}
            told |= {"orc.wait": event.wait} if isinstance(event, NodeRetried) else {}
            above = self._span(f"attempt {event.attempt}", node, told, event.started or event.at)
        for one in sent:
            sql = mask(one.sql, self._secrets)[:LONGEST]
            word = sql.split(None, 1)[0].upper() if sql.split() else "SQL"
            statement = self._span(
                word, above, {"db.system": self._system, "db.statement": sql, "db.operation.name": word}, one.started, SpanKind.CLIENT
            )
            if one.error:
                statement.set_status(Status(StatusCode.ERROR, mask(one.error, self._secrets)))
            statement.end(_nanos(one.finished))
        if above is not node:
            _fail(above, event)
            above.end(_nanos(event.at))

    def _span(self, name: str, parent: Span, told: Mapping[str, Any], started: datetime, kind: SpanKind = SpanKind.INTERNAL) -> Span:
        context = trace.set_span_in_context(parent)
        return self._tracer.start_span(name, context, kind=kind, attributes=dict(told), start_time=_nanos(started))

    def _end(self, at: datetime, wrong: str) -> None:
        if self._root is None:
            return
        self._root.set_attributes({f"orc.count.{status}": n for status, n in sorted(self._counts.items())})
        if wrong:
            self._root.set_status(Status(StatusCode.ERROR, wrong))
        self._root.end(_nanos(at))
        self._root = None


class Counting:
    """An exporter that knows how many spans it lost."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self.lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; what goes wrong is counted."""
        try:
            found = self._inner.export(spans)
        except Exception:  # noqa: BLE001 - whoever listens is not the run's business
            found = SpanExportResult.FAILURE
        if found is not SpanExportResult.SUCCESS:
            self.lost += len(spans)
        return found

    def shutdown(self) -> None:
        """No more."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what the inner one holds."""
        return bool(self._inner.force_flush(timeout_millis))


def _during(sent: Sent, attempt: NodeRetried | NodeFinished) -> bool:
    started = attempt.started
    return (started is None or sent.started >= started) and sent.started <= attempt.at


def _fail(span: Span, event: NodeRetried | NodeFinished) -> None:
    if isinstance(event, NodeRetried) or event.status in BAD:
        span.set_status(Status(StatusCode.ERROR, event.problem.message if event.problem else event.message))
        if event.problem:
            span.set_attribute("error.type", event.problem.code)


def _nanos(at: datetime) -> int:
    """An instant as the library counts: nanoseconds since 1970, without the rounding of floats."""
    return round(at.timestamp() * 1_000_000) * 1_000
