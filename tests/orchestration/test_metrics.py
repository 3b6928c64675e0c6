"""0.22: `/metrics` is what Prometheus reads, with the right values, also after a restart and after old runs were forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.core.alert import Happening, Letter, Sealed
from orchestrator.core.event import NodeFinished, NodeRetried, RunFinished, RunStarted, Status
from orchestrator.core.freshness import Probe
from orchestrator.core.schedule import Board, Decision, Launch, Schedule, Tick
from orchestrator.record.database import Place
from orchestrator.record.measures import Last, Measured, Measures
from orchestrator.record.outbox import Outbox, put
from orchestrator.record.probes import Probes
from orchestrator.record.sqlite import Sqlite
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.spec import Spec
from orchestrator.serve import metrics as served
from orchestrator.serve.asking import Request
from orchestrator.serve.desk import Desk
from orchestrator.serve.keys import Keys
from orchestrator.serve.metrics import metrics
from orchestrator.serve.requests import Requests
from tests.projects.conftest import Make

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]

NOW = datetime(2026, 1, 10, tzinfo=UTC)
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = rf'({NAME})="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL},?)*)\}})? (\S+)")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


def parsed(text: str) -> Series:
    """The exposition format, strictly: every family once, HELP and TYPE before its samples, no sample twice, buckets that add up."""
    found: Series = {}
    kinds: dict[str, str] = {}
    family = ""
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ", 3)[2]
            assert family not in kinds, f"{family} twice"
            assert len(line.split(" ", 3)) == 4, line
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family, line
            kinds[name] = kind
            assert kind in SUFFIXES
            assert (kind == "counter") == name.endswith("_total"), name
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            name, labels, value = match[1], {k: unescaped(v) for k, v in re.findall(LABEL, match[2] or "")}, float(match[5])
            assert name in [family + suffix for suffix in SUFFIXES[kinds[family]]], line
            key = (name, frozenset(labels.items()))
            assert key not in found, line
            found[key] = value
    for name in [n for n, kind in kinds.items() if kind == "histogram"]:
        for schedule in {dict(labels)["schedule"] for (n, labels) in found if n == f"{name}_count"}:
            own = {dict(labels)["le"]: v for (n, labels), v in found.items() if n == f"{name}_bucket" and ("schedule", schedule) in labels}
            rising = [own[le] for le in sorted(own, key=float)]
            assert rising == sorted(rising)
            assert own["+Inf"] == found[f"{name}_count", frozenset({("schedule", schedule)})]
    with suppress(ImportError):  # where it is there, Prometheus's own parser has to agree
        from prometheus_client.parser import text_string_to_metric_families as families

        theirs = {(s.name, frozenset(s.labels.items())): s.value for f in families(text) for s in f.samples}
        assert theirs == found
    return found


def value(found: Series, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


@pytest.fixture(params=["file", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "file":
        yield tmp_path / "state.db"
        return
    from orchestrator.adapters.postgres.state import PostgresState

    yield PostgresState(request.getfixturevalue("own_postgres"))


@pytest.fixture
def table(place: Place) -> Iterator[Timetable]:
    found = Timetable(place, pid=1, host="h")
    yield found
    found.close()


def asked(place: Place, table: Timetable, measures: Measures | None = None, spec: Spec | None = None) -> Series:
    known = spec or Spec({"nightly": Schedule("nightly", cron="@daily")})
    desk = Desk(
        table,
        lambda: known,
        lambda: NOW,
        leads=lambda: True,
        beat=lambda: NOW,
        guarded=False,
        version="1.2",
        measures=measures or Measures(place),
    )
    reply = Requests(desk, Keys())(Request("GET", "/metrics", {}))
    assert reply.status == 200
    return parsed(reply.body)


def ran(
    place: Place, run: str, hours: int, status: Status, *, seconds: float = 4.0, trigger: str = "schedule:nightly", over: bool = True
) -> None:
    """A run of one model and one test; a model that fails was tried twice."""
    at = NOW - timedelta(hours=hours)
    history = Sqlite(place, pid=1, host="elsewhere")
    history.hear(RunStarted(at, run, "build", "0.1", "dev", 4, 2, planned=("model.p.a", "test.p.t"), trigger=trigger))
    if status is Status.CRASHED:
        history.hear(NodeRetried(at, "model.p.a", "model", "a", 1, "T", 1, 1, 0.0, Status.CRASHED, 1.0, at, "gone", "transient"))
    again = (
        {"attempt": 2, "cause": "transient"} if status is Status.CRASHED else {"cause": None if status is Status.PASSED else "permanent"}
    )
    rows = 7 if status is Status.PASSED else None
    history.hear(NodeFinished(at, "model.p.a", "model", "a", 1, status, 1.5, "T", rows=rows, started=at, **again))
    test = Status.PASSED if status is Status.PASSED else Status.SKIPPED
    history.hear(NodeFinished(at, "test.p.t", "test", "t", 2, test, 0.1, "T"))
    if over:
        history.hear(RunFinished(at + timedelta(seconds=seconds), run, seconds))
        history.close()
    else:
        history._flush()


def test_0_22_one_failed_and_two_good_runs(place: Place, table: Timetable) -> None:
    ran(place, "r1", 3, Status.PASSED)
    ran(place, "r2", 2, Status.CRASHED, seconds=61.5)
    ran(place, "r3", 1, Status.PASSED, seconds=0.5, trigger="cli")
    found = asked(place, table)
    runs = {labels: n for (name, labels), n in found.items() if name == "orc_runs_total"}
    assert runs == {
        frozenset({("trigger", "schedule"), ("schedule", "nightly"), ("status", "passed")}): 1,
        frozenset({("trigger", "schedule"), ("schedule", "nightly"), ("status", "failed")}): 1,
        frozenset({("trigger", "cli"), ("schedule", ""), ("status", "passed")}): 1,
    }
    assert value(found, "orc_run_duration_seconds_count", schedule="nightly") == 2
    assert value(found, "orc_run_duration_seconds_sum", schedule="nightly") == 65.5
    assert value(found, "orc_run_duration_seconds_bucket", schedule="nightly", le="5") == 1
    assert value(found, "orc_run_duration_seconds_bucket", schedule="nightly", le="60") == 1
    assert value(found, "orc_run_duration_seconds_bucket", schedule="nightly", le="300") == 2
    assert value(found, "orc_node_attempts_total", node="model.p.a", status="success", error_class="") == 2
    assert value(found, "orc_node_attempts_total", node="model.p.a", status="crashed", error_class="transient") == 2
    assert value(found, "orc_tests_total", status="passed") == 2
    assert value(found, "orc_tests_total", status="skipped") == 1
    assert value(found, "orc_node_rows", target="dev", node="model.p.a") == 7
    assert value(found, "orc_node_duration_seconds", target="dev", node="model.p.a") == 1.5
    assert value(found, "orc_build_info", version="1.2") == 1
    assert value(found, "orc_leader") == 1


def test_what_ends_later_is_counted_once_and_what_runs_not_yet(place: Place, table: Timetable) -> None:
    measures = Measures(place)
    assert value(asked(place, table, measures), "orc_tests_total", status="passed") is None
    ran(place, "r1", 3, Status.PASSED)
    for _ in range(2):
        assert value(asked(place, table, measures), "orc_tests_total", status="passed") == 1
    ran(place, "r2", 2, Status.PASSED, over=False)
    assert value(asked(place, table, measures), "orc_tests_total", status="passed") == 1
    ran(place, "r3", 1, Status.PASSED)
    assert value(asked(place, table, measures), "orc_tests_total", status="passed") == 2
    assert asked(place, table, measures) == asked(place, table)  # a restart loses nothing


def test_counters_never_go_back_when_runs_are_forgotten(place: Place, table: Timetable) -> None:
    ran(place, "r1", 300, Status.CRASHED, seconds=2.0)
    ran(place, "r2", 200, Status.PASSED)
    measures = Measures(place)
    before = asked(place, table, measures)
    history = Sqlite(place, pid=1, host="elsewhere")
    assert history.prune(NOW - timedelta(hours=250)) == 1
    assert asked(place, table, measures) == before
    assert asked(place, table) == before
    assert history.prune(NOW) == 1
    after = asked(place, table)
    kept = {k: v for k, v in before.items() if not k[0].startswith(("orc_node_rows", "orc_node_duration"))}
    assert {k: v for k, v in after.items() if k in kept} == kept
    ran(place, "r3", 1, Status.PASSED)
    assert value(asked(place, table), "orc_tests_total", status="passed") == 2


def test_schedules_ticks_and_queue(place: Place, table: Timetable) -> None:
    due = NOW - timedelta(hours=1)
    launch = Launch("nightly@1", "nightly", "schedule", due, due=due, pool="wh")
    table.commit(Decision(ticks=(Tick("nightly", due, "fired", "due", "nightly@1"),), launches=(launch,)), due + timedelta(seconds=2.5))
    table.commit(Decision(ticks=(Tick("nightly", due - timedelta(days=1), "missed", "nobody"),)), due + timedelta(seconds=3))
    table.begin("nightly@1", "r1", due)
    table.ask(Launch("nightly@2", "nightly", "user", due))
    spec = Spec({"nightly": Schedule("nightly", cron="@daily", pool="wh")})
    found = asked(place, table, spec=spec)
    assert value(found, "orc_schedule_tick_delay_seconds", schedule="nightly") == 2.5
    assert value(found, "orc_ticks_total", schedule="nightly", status="missed") == 1
    assert (value(found, "orc_queue_depth"), value(found, "orc_running"), value(found, "orc_pool_in_use", pool="wh")) == (1, 1, 1)
    assert value(found, "orc_schedule_last_success_timestamp", schedule="nightly") is None
    table.end("nightly@1", "passed", due + timedelta(minutes=1), code=0)
    found = asked(place, table, spec=spec)
    assert value(found, "orc_schedule_last_success_timestamp", schedule="nightly") == (due + timedelta(minutes=1)).timestamp()


def test_the_lag_of_sources_that_were_looked_at(place: Place, table: Timetable) -> None:
    seen = [
        Probe("source.p.raw.trips", NOW - timedelta(hours=2), None, NOW - timedelta(hours=9), "field", ""),
        Probe("source.p.raw.trips", NOW - timedelta(hours=1), None, NOW - timedelta(minutes=90), "field", ""),
        Probe("source.p.raw.users", NOW, None, None, "field", "no such table"),
    ]
    Probes(place).add("dev", seen)
    found = {k: v for k, v in asked(place, table).items() if k[0] == "orc_source_lag_seconds"}
    assert found == {("orc_source_lag_seconds", frozenset({("target", "dev"), ("source", "source.p.raw.trips")})): 5400.0}


def test_alerts_by_what_became_of_them(place: Place, table: Timetable) -> None:
    about = Happening(frozenset({"node_failed"}), "model.p.a", "a", NOW, "it failed")
    letters = [Sealed(f"l{n}", "always", "to 0", Letter("node_failed", "t", "b", {}), NOW, NOW) for n in range(3)]
    outbox = Outbox(place)
    with outbox._writing() as connection:
        for letter in letters:
            put(connection, letter, about)
    outbox.delivered("l0", NOW)
    outbox.returned("l1", "no such host", None)
    outbox.close()
    found = {dict(labels)["status"]: n for (name, labels), n in asked(place, table).items() if name == "orc_alerts"}
    assert found == {"sent": 1, "failed": 1, "waiting": 1}


def test_without_a_state_there_are_no_runs(tmp_path: Path) -> None:
    assert Measures(tmp_path / "state.db")() == Measured()
    assert not (tmp_path / "state.db").exists()


def test_a_large_project_has_few_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "NODES", 3)
    found = Measured(nodes={("dev", f"m{n}"): Last(1, 1.0) for n in range(9)})
    for n in range(9):
        found.counts["attempts", f"m{n}", "passed", ""] = 2
    text = metrics(Spec(), Board(), {}, found, NOW, leads=True, version="1")
    series = parsed(text)
    tried = {dict(labels)["node"]: n for (name, labels), n in series.items() if name == "orc_node_attempts_total"}
    assert tried == {"m0": 2, "m1": 2, "m2": 2, "(others)": 12}
    assert sum(name == "orc_node_rows" for name, _ in series) == 3


def test_names_with_quotes_and_line_breaks_are_told_as_they_are(place: Place, table: Timetable) -> None:
    odd = 'a "b"\\c\nd'
    ran(place, "r1", 1, Status.PASSED, trigger=f"schedule:{odd}")
    assert {dict(labels)["schedule"] for (name, labels) in asked(place, table) if name == "orc_run_duration_seconds_count"} == {odd}


def test_0_22_real_runs_of_a_project(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)  # which says who asks
    p = project({"models/a.sql": "select 1 as x", "models/b.sql": "select x from {{ ref('a') }}"})
    p.orc("build").exits(0)
    p.orc("build").exits(0)
    p.write({"models/b.sql": "select nothing_here from {{ ref('a') }}"}).orc("build").exits(1)
    state = p.root / ".orchestrator" / "state.db"
    table = Timetable(state, pid=1, host="h")
    found = asked(state, table)
    table.close()
    assert value(found, "orc_runs_total", trigger="cli", schedule="", status="passed") == 2
    assert value(found, "orc_runs_total", trigger="cli", schedule="", status="failed") == 1
    assert value(found, "orc_node_attempts_total", node="model.p.b", status="failed", error_class="permanent") == 1
    assert value(found, "orc_node_attempts_total", node="model.p.a", status="success", error_class="") == 3
