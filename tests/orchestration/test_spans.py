"""OpenTelemetry: a run is a trace, a node a span, an attempt its child, a statement the attempt's; off unless somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from orchestrator.app.schedules.scheduling import order
from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.event import NodeFinished, NodeRetried, RunFinished, RunStarted, Status
from orchestrator.core.ports import Answer
from orchestrator.core.project import Secret
from orchestrator.core.schedule import Schedule, Trigger
from orchestrator.core.sent import Sent, traceparent, tracing
from orchestrator.execute.watched import Watched
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.spec import Spec
from orchestrator.serve.asking import Request
from orchestrator.serve.desk import Desk
from orchestrator.serve.keys import Keys
from orchestrator.serve.requests import Requests
from tests.projects.conftest import Make

AT = datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


# With the library


@pytest.fixture
def told() -> Callable[..., list[Any]]:
    """Folds events and statements into spans, with the library's exporter in memory."""
    pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed: there is nothing to make spans with")
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from orchestrator.adapters.tracing.spans import Spans

    def fold(*heard: Any, lost: list[str] | None = None, **more: Any) -> list[Any]:
        memory = InMemorySpanExporter()
        sink = Spans([memory], (lost if lost is not None else []).append, system="duckdb", **more)
        for each in heard:
            sink.statement(each) if isinstance(each, Sent) else sink.hear(each)
        sink.close()
        return list(memory.get_finished_spans())

    return fold


BEGAN = RunStarted(AT, "r1", "build", "0.1", "dev", 4, 2, trigger="cli", git_sha="abc")
OVER = RunFinished(after(9), "r1", 9.0)


def ended(name: str = "model.p.a", status: Status = Status.PASSED, *, begin: float = 1, end: float = 3, **more: Any) -> NodeFinished:
    kind: Any = name.partition(".")[0]
    return NodeFinished(after(end), name, kind, name, 1, status, end - begin, "T-1", started=after(begin), **more)


def by_name(spans: list[Any]) -> dict[str, Any]:
    return {s.name: s for s in spans}


def nanos(at: datetime) -> int:
    return int(at.timestamp()) * 10**9 + at.microsecond * 1000


def test_the_run_its_node_its_attempt_and_its_statement_are_one_below_the_other(told: Any) -> None:
    sent = Sent("model.p.a", "create table a as select 1", after(1.5), after(2))
    spans = by_name(told(BEGAN, sent, ended(rows=7), OVER))
    run, node, attempt, statement = (spans[n] for n in ("orc build", "a", "attempt 1", "CREATE"))
    assert run.parent is None
    assert [s.parent.span_id for s in (node, attempt, statement)] == [s.context.span_id for s in (run, node, attempt)]
    assert {s.context.trace_id for s in spans.values()} == {run.context.trace_id}
    assert (run.start_time, run.end_time) == (nanos(AT), nanos(after(9)))
    assert (node.start_time, node.end_time) == (nanos(after(1)), nanos(after(3)))
    assert (statement.start_time, statement.end_time) == (nanos(after(1.5)), nanos(after(2)))
    assert dict(run.attributes)["vcs.ref.head.revision"] == "abc"
    assert dict(run.attributes)["orc.count.passed"] == 1
    assert {k: node.attributes[k] for k in ("orc.node", "orc.rows", "orc.status", "thread.name")} == {
        "orc.node": "model.p.a",
        "orc.rows": 7,
        "orc.status": "success",
        "thread.name": "T-1",
    }
    assert dict(statement.attributes) == {
        "db.system": "duckdb",
        "db.statement": "create table a as select 1",
        "db.operation.name": "CREATE",
    }
    assert statement.kind.name == "CLIENT"
    assert run.resource.attributes["service.name"] == "orc"


def test_each_attempt_has_its_own_statements_and_says_what_it_failed_of(told: Any) -> None:
    lost = NodeRetried(after(2), "model.p.a", "model", "a", 1, "T", 1, 2, 5.0, Status.CRASHED, 1.0, after(1), "gone", "transient")
    spans = told(
        BEGAN,
        Sent("model.p.a", "insert 1", after(1.2), after(1.9), "connection lost"),
        lost,
        Sent("model.p.a", "select 2", after(7.5), after(7.9)),
        ended(begin=7, end=8, attempt=2),
        OVER,
    )
    found = by_name(spans)
    assert found["INSERT"].parent.span_id == found["attempt 1"].context.span_id
    assert found["SELECT"].parent.span_id == found["attempt 2"].context.span_id
    assert (found["attempt 1"].status.status_code.name, found["attempt 1"].status.description) == ("ERROR", "gone")
    assert (found["attempt 1"].attributes["orc.cause"], found["attempt 1"].attributes["orc.wait"]) == ("transient", 5.0)
    assert found["INSERT"].status.description == "connection lost"
    assert found["a"].status.status_code.name == found["orc build"].status.status_code.name == "UNSET"
    assert found["a"].start_time == nanos(after(1))


def test_what_failed_is_an_error_up_to_the_run(told: Any) -> None:
    found = by_name(told(BEGAN, ended(status=Status.FAILED, problem=Problem("X101", "no such column")), OVER))
    assert (found["a"].status.description, found["a"].attributes["error.type"]) == ("no such column", "X101")
    assert found["orc build"].status.status_code.name == "ERROR"


def test_what_never_ran_has_no_span_and_is_counted(told: Any) -> None:
    spans = told(BEGAN, ended(status=Status.SKIPPED), ended("model.p.b", Status.REUSED), OVER)
    assert [s.name for s in spans] == ["orc build"]
    assert spans[0].attributes["orc.count.reused"] == 1


def test_a_test_has_no_attempts_of_its_own(told: Any) -> None:
    found = by_name(told(BEGAN, ended("test.p.t", Status.FAILED, failures=3), OVER))
    assert set(found) == {"orc build", "t"}
    assert found["t"].attributes["orc.failures"] == 3


def test_a_run_that_was_cut_off_still_ends(told: Any) -> None:
    assert [s.name for s in told(BEGAN)] == ["orc build"]


def test_secrets_in_statements_are_stars(told: Any) -> None:
    sent = Sent("model.p.a", "create secret s (key 'hunter22')", AT, after(1), "wrong key hunter22")
    found = by_name(told(BEGAN, sent, ended(begin=0), OVER, secrets=[Secret("hunter22")]))["CREATE"]
    assert found.attributes["db.statement"] == "create secret s (key '****')"
    assert found.status.description == "wrong key ****"


def test_who_called_us_is_the_parent(told: Any) -> None:
    run = by_name(told(BEGAN, OVER, parent=PARENT))["orc build"]
    assert (f"{run.context.trace_id:032x}", f"{run.parent.span_id:016x}") == (TRACE, SPAN)
    assert by_name(told(BEGAN, OVER, parent="nonsense"))["orc build"].parent is None


def test_an_exporter_that_fails_costs_nothing_but_a_line(told: Any) -> None:
    from orchestrator.adapters.tracing.spans import Spans

    class Broken:
        def export(self, spans: Any) -> None:
            raise OSError("no collector")

        def shutdown(self) -> None:
            pass

    said: list[str] = []
    sink = Spans([Broken()], said.append, system="duckdb")
    for event in (BEGAN, ended(), OVER):
        sink.hear(event)
    sink.close()
    assert said == ["opentelemetry: 3 spans were not sent"]


def test_a_project_from_end_to_end(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter", reason="the extra `otel` is not installed")
    exporter = memory.InMemorySpanExporter()
    monkeypatch.setattr("orchestrator.adapters.tracing.exporters.exporters", lambda _env: (exporter,))
    p = project({"models/a.sql": "select 1 as x, 'hunter22' as y", "models/b.sql": "select x from {{ ref('a') }}"})
    monkeypatch.setenv("OTEL_SERVICE_NAME", "nightly")
    p.orc("build", env={"OTEL_TRACES_EXPORTER": "otlp", "TRACEPARENT": PARENT, "ORC_SECRET_Y": "hunter22"}).exits(0)
    spans = list(exporter.get_finished_spans())
    assert {"orc build", "a", "b", "attempt 1", "COMMIT"} <= {s.name for s in spans}
    assert {f"{s.context.trace_id:032x}" for s in spans} == {TRACE}
    assert {s.resource.attributes["service.name"] for s in spans} == {"nightly"}
    ids = {s.context.span_id for s in spans} | {int(SPAN, 16)}
    assert all(s.parent.span_id in ids for s in spans)
    statements = [s.attributes["db.statement"] for s in spans if "db.statement" in s.attributes]
    assert any("select 1 as x" in s and "****" in s for s in statements)
    assert not any("hunter22" in s.to_json() for s in spans)
    exporter.clear()
    p.orc("build").exits(0)  # nobody asked
    assert not exporter.get_finished_spans()


# Without it


@pytest.mark.parametrize(
    ("env", "asked"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "console"}, False),
        ({"TRACEPARENT": PARENT}, False),
    ],
)
def test_spans_are_off_unless_a_standard_variable_asks(env: Mapping[str, str], asked: bool) -> None:
    assert tracing(env) is asked


def test_an_exporter_that_is_not_there_costs_no_run(project: Make) -> None:
    done = project({"models/a.sql": "select 1 as x"}).orc("build", env={"OTEL_TRACES_EXPORTER": "no_such_thing"}).exits(0)
    assert "opentelemetry: no spans are told: " in done.stderr
    assert "sql-orchestrator[otel]" in done.stderr


class Slow:
    """A connection on which everything takes two seconds."""

    def __init__(self) -> None:
        self.now_ = AT

    def now(self) -> datetime:
        return self.now_

    def monotonic(self) -> float:
        return 0.0

    def execute(self, sql: str) -> Answer:
        self.now_ += timedelta(seconds=2)
        if "wrong" in sql:
            raise ExecuteError(Problem("X101", "no such column"))
        return Answer(message=sql)

    def commit(self) -> None:
        self.now_ += timedelta(seconds=2)

    def about(self, node: str) -> str:
        return node


def test_a_watched_connection_is_as_it_is_and_tells_every_statement() -> None:
    heard: list[Sent] = []
    slow = Slow()
    spoken: Any = Watched(slow, "model.p.a", heard.append, slow)  # type: ignore[arg-type]
    assert spoken.execute("select 1").message == "select 1"
    with pytest.raises(ExecuteError):
        spoken.execute("select wrong")
    spoken.commit()
    assert spoken.about("x") == "x"
    assert [(s.sql, s.error, (s.finished - s.started).total_seconds()) for s in heard] == [
        ("select 1", "", 2.0),
        ("select wrong", "no such column", 2.0),
        ("commit", "", 2.0),
    ]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x",
        f"00-{TRACE}-{SPAN}",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"{PARENT}\nX: y",
    ],
)
def test_what_is_no_traceparent_is_nobodys_parent(text: str | None) -> None:
    assert traceparent(text) is None


def test_a_trigger_hands_the_trace_of_its_sender_to_the_run(tmp_path: Path) -> None:
    token = "0123456789abcdef"
    spec = Spec(triggers={"loaded": Trigger("loaded", Schedule("loaded"))})
    table = Timetable(tmp_path / "state.db", pid=1, host="h")
    clock = count()  # a launch is named by its instant
    desk = Desk(table, lambda: spec, lambda: after(next(clock)), leads=lambda: True, beat=lambda: AT, guarded=False, version="1")
    answer = Requests(desk, Keys({"ci": token}))
    given = {"authorization": f"Bearer {token}"}
    replies = [
        answer(Request("POST", "/api/v1/triggers/loaded", {**given, **more}, b""))
        for more in ({"traceparent": PARENT}, {"traceparent": "x; rm"})
    ]
    assert [r.status for r in replies] == [202, 202]
    launches = [table.launch(r.body["launch"]) for r in replies]
    table.close()
    environments = [order(spec.triggers["loaded"].schedule, launch, "r1")["env"] for launch in launches if launch]
    assert [e.get("TRACEPARENT") for e in environments] == [PARENT, None]
