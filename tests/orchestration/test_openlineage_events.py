"""OpenLineage events of a run: told where somebody asked for it, in the words of the spec, and never at the run's expense (0.9)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from orchestrator.adapters.lineage.transport import transport
from orchestrator.cli.main import call
from orchestrator.core.emission import Emission
from orchestrator.core.errors import ConfigError
from orchestrator.core.event import Event, NodeFinished, NodeStarted, RunFinished, RunStarted, Status
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import Node, SourceBody
from orchestrator.core.project import Secret
from orchestrator.load.emission import emission
from orchestrator.publish.lineage_events import LineageEvents, Telling, node_run_id, run_id
from orchestrator.record.emitting import Emitting
from tests.projects.conftest import Make

FILES = {
    "pyproject.toml": """
        [tool.orchestrator]
        name = "rides"
        openlineage = {file = "target/events.jsonl", namespace = "team"}
    """,
    "models/stg_trips.sql": "select 1 as id, 10.5 as fare union all select 2, 7",
    "models/core_trips.sql": "{{ config(materialized='table', group='pay') }} select id as trip, fare * 2 as doubled from {{ ref('stg_trips') }} where fare > 0",
    "models/broken.sql": "select no_such_column from {{ ref('core_trips') }}",
    "models/below.sql": "select * from {{ ref('broken') }}",
    "models/about.yml": """
        version: 2
        groups: [{name: pay, owner: {name: Pay, email: pay@example.org}}]
        models:
          - name: core_trips
            description: One row a trip.
            columns: [{name: trip, data_tests: [not_null, {accepted_values: {arguments: {values: [1]}, config: {severity: warn}}}]}]
    """,
}


def told(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def of(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [e for e in events if e["job"]["name"].startswith(name)]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What one run of the project told."""
    root = tmp_path_factory.mktemp("told")
    for path, text in FILES.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(dedent(text).lstrip(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(root))
        assert call(["build", "--project-dir", str(root)]) == 1
    return told(root / "target" / "events.jsonl")


class TestARun:
    def test_the_run_and_each_node_begin_once_and_end_once(self, events: list[dict[str, Any]]) -> None:
        kinds: dict[str, list[str]] = {}
        for event in events:
            kinds.setdefault(event["job"]["name"], []).append(event["eventType"])
        tests = {name: k for name, k in kinds.items() if name.startswith("test.")}
        assert {name: k for name, k in kinds.items() if name not in tests} == {
            "orc.build.dev": ["START", "FAIL"],
            "model.rides.stg_trips": ["START", "COMPLETE"],
            "model.rides.core_trips": ["START", "COMPLETE"],
            "model.rides.broken": ["START", "FAIL"],
            "model.rides.below": ["START", "ABORT"],
        }
        assert [*tests.values()] == [["START", "COMPLETE"]] * 2
        assert events[0]["job"]["name"] == events[-1]["job"]["name"] == "orc.build.dev"
        assert {e["job"]["namespace"] for e in events} == {"team"}

    def test_nodes_name_the_run_they_are_part_of(self, events: list[dict[str, Any]]) -> None:
        whole = events[0]["run"]["runId"]
        for event in (*of(events, "model."), *of(events, "test.")):
            parent = event["run"]["facets"]["parent"]
            assert (parent["run"]["runId"], parent["job"]) == (whole, {"namespace": "team", "name": "orc.build.dev"})
            assert event["run"]["runId"] == node_run_id(whole, event["job"]["name"])

    def test_a_model_that_was_built(self, events: list[dict[str, Any]]) -> None:
        start, end = of(events, "model.rides.core_trips")
        assert "sql" not in start["job"]["facets"]
        facets = end["job"]["facets"]
        assert "fare * 2 as doubled" in facets["sql"]["query"]
        assert facets["sql"]["dialect"] == "duckdb"
        assert facets["documentation"]["description"] == "One row a trip."
        assert facets["ownership"]["owners"] == [{"name": "pay@example.org"}]
        assert facets["jobType"]["jobType"] == "MODEL"
        [made] = end["outputs"]
        assert made["name"].endswith(".main.core_trips")
        assert made["namespace"].startswith("duckdb://")
        assert made["outputFacets"]["outputStatistics"]["rowCount"] == 2
        assert [f["name"] for f in made["facets"]["schema"]["fields"]] == ["trip", "doubled"]
        lineage = made["facets"]["columnLineage"]
        [origin] = lineage["fields"]["doubled"]["inputFields"]
        assert (origin["field"], origin["transformations"][0]["subtype"]) == ("fare", "TRANSFORMATION")
        assert [(i["field"], i["transformations"][0]["subtype"]) for i in lineage["dataset"]] == [("fare", "FILTER")]
        [read] = end["inputs"]
        assert read["name"].endswith(".main.stg_trips")
        assert origin["name"] == read["name"]

    def test_tests_are_assertions_about_what_they_looked_at(self, events: list[dict[str, Any]]) -> None:
        found = {}
        for event in of(events, "test."):
            if event["eventType"] == "COMPLETE":
                [looked] = event["inputs"]
                [assertion] = looked["inputFacets"]["dataQualityAssertions"]["assertions"]
                assert looked["name"].endswith(".core_trips")
                assert event["outputs"] == []
                found[assertion["assertion"]] = (assertion["success"], assertion["severity"], assertion["column"], assertion["actual"])
        assert found == {"not_null": (True, "error", "trip", "0"), "accepted_values": (False, "warn", "trip", "1")}

    def test_what_failed_says_why_and_what_never_ran_too(self, events: list[dict[str, Any]]) -> None:
        failed, skipped = of(events, "model.rides.broken")[-1], of(events, "model.rides.below")[-1]
        assert "no_such_column" in failed["run"]["facets"]["errorMessage"]["message"]
        assert failed["run"]["facets"]["errorMessage"]["programmingLanguage"] == "SQL"
        assert "broken" in skipped["run"]["facets"]["errorMessage"]["message"]
        assert "outputFacets" not in failed["outputs"][0]

    def test_nothing_is_told_where_nobody_asked(self, project: Make) -> None:
        p = project({"models/a.sql": "select 1 as x"})
        p.orc("build").exits(0)
        assert not [*p.root.rglob("*openlineage*"), *p.root.rglob("events.jsonl")]
        q = project(FILES, "q")
        q.orc("run", "-s", "stg_trips", env={"OPENLINEAGE_DISABLED": "true"}).exits(0)
        assert not (q.root / "target" / "events.jsonl").exists()

    def test_secrets_are_stars(self, project: Make) -> None:
        p = project({**FILES, "models/stg_trips.sql": "select 1 as id, 2 as fare, 'hunter22' as password"})
        p.orc("run", "-s", "stg_trips", env={"ORC_SECRET_X": "hunter22"}).exits(0)
        text = (p.root / "target" / "events.jsonl").read_text(encoding="utf-8")
        assert "hunter22" not in text
        assert "****" in text


# The spec's own classes


def made_of(classes: Any, data: Any) -> Any:
    """A facet as the spec's class: unknown and missing fields are errors."""
    return classes(**{k: v for k, v in data.items() if not k.startswith("_")})


def test_events_are_valid_by_the_classes_of_the_spec(events: list[dict[str, Any]]) -> None:
    """openlineage-python generates these classes from the JSON schema that is published."""
    v2 = pytest.importorskip("openlineage.client.facet_v2", reason="openlineage-python is not installed: nothing to validate against")
    from openlineage.client import event_v2

    known: Mapping[str, Any] = {
        "parent": v2.parent_run.ParentRunFacet,
        "nominalTime": v2.nominal_time_run.NominalTimeRunFacet,
        "processing_engine": v2.processing_engine_run.ProcessingEngineRunFacet,
        "errorMessage": v2.error_message_run.ErrorMessageRunFacet,
        "jobType": v2.job_type_job.JobTypeJobFacet,
        "sql": v2.sql_job.SQLJobFacet,
        "schema": v2.schema_dataset.SchemaDatasetFacet,
        "columnLineage": v2.column_lineage_dataset.ColumnLineageDatasetFacet,
        "dataSource": v2.datasource_dataset.DatasourceDatasetFacet,
        "outputStatistics": v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
        "dataQualityAssertions": v2.data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet,
    }
    either = {
        "documentation": (v2.documentation_job.DocumentationJobFacet, v2.documentation_dataset.DocumentationDatasetFacet),
        "ownership": (v2.ownership_job.OwnershipJobFacet, v2.ownership_dataset.OwnershipDatasetFacet),
    }
    seen: set[str] = set()

    def facets(of: Any, *, dataset: bool) -> dict[str, Any]:
        found = {}
        for name, data in of.items():
            kind = known.get(name) or either[name][dataset]
            found[name] = made_of(kind, data)
            theirs, ours = kind._get_schema(), data["_schemaURL"]
            assert ours.rpartition("/")[2] == theirs.rpartition("/")[2]
            assert ours.split("/")[-4] <= theirs.split("/")[-4], name  # 1-1-1: an older version is a valid one
            seen.add(name)
        for nested in ("parent",):
            if nested in found:
                v2.parent_run.Run(**of[nested]["run"])
                v2.parent_run.Job(**of[nested]["job"])
                v2.parent_run.RootRun(**of[nested]["root"]["run"])
        for assertion in of.get("dataQualityAssertions", {}).get("assertions", ()):
            v2.data_quality_assertions_dataset.Assertion(**assertion)
        for fields in of.get("columnLineage", {}).get("fields", {}).values():
            for field in fields["inputFields"]:
                made_of(v2.column_lineage_dataset.InputField, {**field, "transformations": []})
                [v2.column_lineage_dataset.Transformation(**t) for t in field["transformations"]]
        return found

    for event in events:
        run, job = event["run"], event["job"]
        made = event_v2.RunEvent(
            eventTime=event["eventTime"],
            producer=event["producer"],
            eventType=event_v2.RunState[event["eventType"]],
            run=event_v2.Run(runId=run["runId"], facets=facets(run["facets"], dataset=False)),
            job=event_v2.Job(namespace=job["namespace"], name=job["name"], facets=facets(job["facets"], dataset=False)),
            inputs=[
                event_v2.InputDataset(
                    namespace=d["namespace"],
                    name=d["name"],
                    facets=facets(d["facets"], dataset=True),
                    inputFacets=facets(d.get("inputFacets", {}), dataset=True),
                )
                for d in event["inputs"]
            ],
            outputs=[
                event_v2.OutputDataset(
                    namespace=d["namespace"],
                    name=d["name"],
                    facets=facets(d["facets"], dataset=True),
                    outputFacets=facets(d.get("outputFacets", {}), dataset=True),
                )
                for d in event["outputs"]
            ],
        )
        assert event["schemaURL"] == made.schemaURL
    assert seen == {*known, *either} - {"nominalTime"}


# The fold, event by event

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def folded(*heard: Event, parent: tuple[str, str, str] | None = None) -> list[dict[str, Any]]:
    node = Node("model.p.a", "model", "a", "p", "a.sql", ("p", "a"), {"meta": {"owner": "ann"}}, relation=Relation("db", "s", "a"))
    telling = Telling(Graph({node.id: node}, {node.id: SourceBody()}), {}, "p", "duckdb://x", "duckdb", parent=parent)
    tell = LineageEvents(telling)
    return [message for event in heard for message in tell(event)]


def started(**arguments: Any) -> RunStarted:
    return RunStarted(AT, "r1", "build", "0.1", "dev", 4, 1, arguments=arguments)


def end(status: Status, **more: Any) -> NodeFinished:
    return NodeFinished(AT + timedelta(seconds=1), "model.p.a", "model", "a", 1, status, 1.0, "T", started=AT, **more)


class TestTheFold:
    @pytest.mark.parametrize(
        ("status", "word"),
        [
            (Status.PASSED, "COMPLETE"),
            (Status.WARNED, "COMPLETE"),
            (Status.NOTHING, "COMPLETE"),
            (Status.FAILED, "FAIL"),
            (Status.CRASHED, "FAIL"),
            (Status.PARTIAL, "FAIL"),
            (Status.SKIPPED, "ABORT"),
            (Status.CANCELLED, "ABORT"),
        ],
    )
    def test_every_status_ends_what_began(self, status: Status, word: str) -> None:
        assert [e["eventType"] for e in folded(started(), end(status))[1:]] == ["START", word]

    def test_a_reused_node_did_not_run(self) -> None:
        assert len(folded(started(), end(Status.REUSED))) == 1

    def test_a_node_that_is_tried_again_begins_once(self) -> None:
        begins = NodeStarted(AT, "model.p.a", "model", "a", 1, "T")
        told = folded(started(), begins, begins, end(Status.PASSED))
        assert [e["eventType"] for e in told] == ["START", "START", "COMPLETE"]

    def test_a_run_that_was_interrupted_is_aborted(self) -> None:
        assert folded(started(), RunFinished(AT, "r1", 1.0, cancelled=True))[-1]["eventType"] == "ABORT"
        assert folded(started(), end(Status.FAILED), RunFinished(AT, "r1", 1.0))[-1]["eventType"] == "FAIL"
        assert folded(started(), RunFinished(AT, "r1", 1.0))[-1]["eventType"] == "COMPLETE"

    def test_the_tick_of_a_schedule_is_the_nominal_time(self) -> None:
        [one] = folded(started(launch="nightly@2026-01-02T02:00:00+00:00"))
        assert one["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2026-01-02T02:00:00.000Z"
        [two] = folded(started(event_time_start="2026-01-01", event_time_end="2026-01-02"))
        assert two["run"]["facets"]["nominalTime"]["nominalEndTime"] == "2026-01-02T00:00:00.000Z"
        assert "nominalTime" not in folded(started(launch="nightly@by hand"))[0]["run"]["facets"]

    def test_who_called_us_is_the_root(self) -> None:
        above = ("airflow", "dag.task", "3f5e83fa-3480-44ff-99c5-ff943904e5e8")
        whole, begin, _ = folded(started(), end(Status.PASSED), parent=above)
        assert whole["run"]["facets"]["parent"]["job"] == {"namespace": "airflow", "name": "dag.task"}
        assert begin["run"]["facets"]["parent"]["run"]["runId"] == run_id("r1")
        assert begin["run"]["facets"]["parent"]["root"]["run"]["runId"] == above[2]

    def test_the_owner_of_a_node_wins(self) -> None:
        assert folded(started(), end(Status.PASSED))[-1]["job"]["facets"]["ownership"]["owners"] == [{"name": "ann"}]


# Where events go


class TestWhere:
    def asked(self, root: Path, env: Mapping[str, str] | None = None, /, **said: Any) -> Emission | None:
        return emission(root, env or {}, said)

    def test_the_standard_variables(self, tmp_path: Path) -> None:
        env = {"OPENLINEAGE_URL": "http://marquez:5000", "OPENLINEAGE_API_KEY": "k3y", "OPENLINEAGE_NAMESPACE": "n"}
        found = self.asked(tmp_path, env, file="x.jsonl")
        assert found is not None
        assert (found.kind, found.url, found.namespace) == ("http", "http://marquez:5000/api/v1/lineage", "n")
        assert found.key is not None
        assert found.key.reveal() == "k3y"
        assert "k3y" not in repr(found)
        assert self.asked(tmp_path, {**env, "OPENLINEAGE_DISABLED": "True"}) is None
        own = self.asked(tmp_path, {**env, "OPENLINEAGE_ENDPOINT": "/events/"})
        assert own is not None
        assert own.url == "http://marquez:5000/events"

    def test_the_standard_file_wins_over_the_variable(self, tmp_path: Path) -> None:
        (tmp_path / "openlineage.yml").write_text("transport: {type: file, log_file_path: out.jsonl}", encoding="utf-8")
        found = self.asked(tmp_path, {"OPENLINEAGE_URL": "http://x"})
        assert found is not None
        assert (found.kind, found.path) == ("file", tmp_path / "out.jsonl")
        (tmp_path / "other.yml").write_text(
            "transport: {type: http, url: 'https://x', auth: {type: api_key, apiKey: s3cr3t}, timeout: 2}", encoding="utf-8"
        )
        other = self.asked(tmp_path, {"OPENLINEAGE_CONFIG": "other.yml"})
        assert other == Emission("http", url="https://x/api/v1/lineage", key=Secret("s3cr3t"), timeout=2.0)
        (tmp_path / "openlineage.yml").write_text("transport: {type: noop}", encoding="utf-8")
        assert self.asked(tmp_path) is None

    @pytest.mark.parametrize(
        ("said", "yml"),
        [
            ({"file": "a", "url": "http://x"}, None),
            ({"url": "ftp://x"}, None),
            ({"url": "http://me:pass@x"}, None),
            ({}, "transport: {type: kafka}"),
            ({}, "transport: {type: file}"),
            ({}, "transport: {type: http, url: 'https://x', timeout: never}"),
            ({}, "nothing: here"),
        ],
    )
    def test_what_makes_no_sense_is_said(self, tmp_path: Path, said: dict[str, str], yml: str | None) -> None:
        if yml:
            (tmp_path / "openlineage.yml").write_text(yml, encoding="utf-8")
        with pytest.raises(ConfigError) as error:
            self.asked(tmp_path, None, **said)
        assert error.value.first.code == "C260"
        assert "pass" not in error.value.first.message

    def test_a_misspelled_key_is_said_with_a_hint(self, project: Make) -> None:
        p = project({**FILES, "pyproject.toml": '[tool.orchestrator]\nname = "rides"\nopenlineage = {flie = "x"}\n'})
        assert "file" in p.orc("run").exits(2).stderr


@contextmanager
def server(status: int = 201) -> Iterator[tuple[str, list[tuple[dict[str, str], Any]]]]:
    got: list[tuple[dict[str, str], Any]] = []

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            got.append(({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}}, body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}", got
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


class TestSending:
    def test_over_http_with_the_key(self, project: Make) -> None:
        with server() as (url, got):
            p = project({k: v for k, v in FILES.items() if k != "pyproject.toml"})
            env = {"OPENLINEAGE_URL": url, "OPENLINEAGE_API_KEY": "k3y-of-ours"}
            done = p.orc("run", "-s", "stg_trips", env=env).exits(0)
        assert [body["eventType"] for _, body in got] == ["START", "START", "COMPLETE", "COMPLETE"]
        assert {(h["path"], h["authorization"], h["content-type"]) for h, _ in got} == {
            ("/api/v1/lineage", "Bearer k3y-of-ours", "application/json")
        }
        assert "openlineage:" not in done.stderr

    def test_0_9_the_run_knows_how_many_of_its_events_were_sent(self, project: Make) -> None:
        p = project(FILES)
        p.orc("run", "-s", "stg_trips").exits(0)
        p.orc("run", "-s", "stg_trips", env={"OPENLINEAGE_URL": "http://127.0.0.1:9"}).exits(0)
        runs = [r["id"] for r in json.loads(p.orc("runs", "--output", "json").exits(0).stdout)]
        notes = [json.loads(p.orc("runs", "show", run, "--output", "json").exits(0).stdout)["notes"] for run in reversed(runs)]
        assert [(n["level"], n["message"]) for each in notes for n in each] == [
            ("info", "openlineage: 4 of 4 events sent"),
            ("warn", "openlineage: 0 of 4 events sent"),
        ]

    def test_a_server_that_is_not_there_costs_no_run(self, project: Make) -> None:
        p = project({k: v for k, v in FILES.items() if k != "pyproject.toml"})
        done = p.orc("run", "-s", "stg_trips", env={"OPENLINEAGE_URL": "http://127.0.0.1:9", "OPENLINEAGE_API_KEY": "k3y-of-ours"}).exits(0)
        assert "openlineage: 4 of 4 events were not sent (127.0.0.1 does not answer" in done.stderr
        assert "k3y-of-ours" not in done.stderr

    def test_a_server_that_refuses_is_not_asked_for_ever(self) -> None:
        said: list[str] = []
        with server(500) as (url, got):
            sink = Emitting(lambda _: [{"n": 1}], transport(Emission("http", url=url)), said.append, name="openlineage")
            for _ in range(20):
                sink.hear(RunFinished(AT, "r1", 1.0))
            sink.close()
        assert len(got) == 3
        assert (sink.sent, sink.lost) == (0, 20)
        assert said == ["openlineage: 20 of 20 events were not sent (127.0.0.1 answers with 500)"]

    def test_a_slow_server_holds_neither_the_run_nor_its_end(self) -> None:
        gate = threading.Event()
        said: list[str] = []

        def send(_: Mapping[str, Any]) -> None:
            gate.wait(30)

        sink = Emitting(lambda _: [{"n": 1}], send, said.append, name="openlineage", room=5, patience=0.2)
        for _ in range(50):
            sink.hear(RunFinished(AT, "r1", 1.0))
        sink.close()
        gate.set()
        assert sink.lost >= 49
        assert "they came faster" in said[0]

    def test_what_cannot_be_worked_out_costs_no_run(self) -> None:
        said: list[str] = []

        def fold(_: Event) -> Iterator[dict[str, Any]]:
            raise ValueError("a bug of ours")
            yield {}

        sink = Emitting(fold, lambda _: None, said.append, name="openlineage")
        sink.hear(RunFinished(AT, "r1", 1.0))
        sink.close()
        assert said == ["openlineage: 1 of 1 events were not sent (a bug of ours)"]

    def test_lines_of_a_file_are_whole_whoever_writes(self, tmp_path: Path) -> None:
        send = transport(Emission("file", path=tmp_path / "deep" / "e.jsonl"))
        threads = [threading.Thread(target=lambda n=n: [send({"n": n, "text": "ü" * 500}) for _ in range(50)]) for n in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len(told(tmp_path / "deep" / "e.jsonl")) == 200
