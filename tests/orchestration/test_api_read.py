"""0.6, 1.7, 1.13, 3.5, 4.14: what is known of runs, models and schedules, asked for over HTTP. Requests as values, a clock set by hand."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from orchestrator.app.web import stream
from orchestrator.app.web.reading import READING
from orchestrator.core.alert import Happening, Letter, Post
from orchestrator.core.audit import Actor, Deed
from orchestrator.core.errors import Problem
from orchestrator.core.event import Event, Grounds, NodeFinished, NodeRetried, NodeStarted, Noted, RunFinished, RunStarted, Status
from orchestrator.core.files import Span
from orchestrator.core.promise import Promise
from orchestrator.core.schedule import Decision, Limits, Schedule, Tick, Trigger, Watch
from orchestrator.record.audit import Audit
from orchestrator.record.glance import Glance
from orchestrator.record.outbox import Outbox
from orchestrator.record.sqlite import Sqlite
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.decide import asked
from orchestrator.schedule.freshness import Condition, Prospect
from orchestrator.schedule.needs import Need
from orchestrator.schedule.spec import Spec
from orchestrator.serve.asking import Reply, Request
from orchestrator.serve.desk import Desk
from orchestrator.serve.keys import Keys
from orchestrator.serve.requests import Requests
from orchestrator.serve.site import Site

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
SPEC = Spec(
    {
        "nightly": Schedule("nightly", cron="0 2 * * *", zone="Europe/Berlin", deadline="08:00", pool="wh"),
        "often": Schedule("often", every=900, overlap="skip", select=("stg+",), pool="wh"),
        "after": Schedule("after", after=("nightly",)),
    },
    {"loaded": Trigger("loaded", Schedule("loaded", vars={"day": None}), debounce=60)},
    Limits(pools={"wh": 1}),
)
M = {name: f"model.p.{name}" for name in ("stg", "core", "mart", "alone")}
GATE = "test.p.positive_core.1a2b"
NODES = [
    {"id": M["alone"], "kind": "model", "name": "alone", "columns": 1, "tests": 0},
    {"id": M["core"], "kind": "model", "name": "core", "columns": 1, "tests": 1, "parents": [3]},
    {"id": M["mart"], "kind": "model", "name": "mart", "columns": 1, "tests": 0, "parents": [1]},
    {"id": M["stg"], "kind": "model", "name": "stg", "columns": 1, "tests": 0},
    {"id": "exposure.p.accounting", "kind": "exposure", "name": "accounting", "columns": 0, "tests": 0, "parents": [2]},
    {"id": "exposure.p.<b>&", "kind": "exposure", "name": "<b>&", "columns": 0, "tests": 0, "parents": [0]},
]


class Seen:
    """A state database, a site of a project, and somebody who asks."""

    def __init__(self, root: Path) -> None:
        self.root, self.now = root, NOON
        place = root / ".orchestrator" / "state.db"
        self.history = Sqlite(place, pid=1, host="elsewhere", pause=0.01)
        self.timetable = Timetable(place, pid=1, host="h")
        self.glance = Glance(place)
        self.outbox, self.audit = Outbox(place), Audit(place)
        self.prospects: dict[str, Prospect] = {}
        data = root / "site" / "data"
        data.mkdir(parents=True)
        told = {"name": "p", "target": "dev", "engine": "duckdb", "generated_at": "2026-01-10T00:00:00Z", "nodes": NODES}
        (data / "project.json").write_text(json.dumps(told), encoding="utf-8")
        (data / "tests.json").write_text(json.dumps({GATE: [1]}), encoding="utf-8")
        self.desk = Desk(
            self.timetable,
            lambda: SPEC,
            lambda: self.now,
            leads=lambda: True,
            beat=lambda: self.now,
            guarded=False,
            version="1",
            root=root,
            history=self.history,
            glance=self.glance,
            outbox=self.outbox,
            audit=self.audit,
            prospects=lambda: self.prospects,
            site=Site(Path(__file__).parents[2] / "orchestrator/publish/site/built", root / "site", "default-src 'self'"),
        )
        self.answer = Requests(self.desk, Keys(), READING)

    def reply(self, path: str, **headers: str) -> Reply:
        return self.answer(Request("GET", path, {k.replace("_", "-"): v for k, v in headers.items()}))

    def get(self, path: str) -> Any:
        reply = self.reply(f"/api/v1{path}")
        assert reply.status == 200, reply.body
        json.dumps(reply.body, allow_nan=False)  # it can be said in JSON
        return reply.body

    def tell(self, *events: Event) -> None:
        for event in events:
            self.history.hear(event)

    def written(self) -> None:
        """The history writes along in a thread of its own."""
        time.sleep(0.05)

    def run(self, id_: str, at: datetime, *, passes: bool = True, trigger: str = "cli", finish: bool = True, **more: Any) -> None:
        """A run of four models: in a bad one a test keeps `core` back, and `mart` is skipped."""
        ids = (M["stg"], M["core"], GATE, M["mart"], M["alone"])
        grounds = {
            M["stg"]: Grounds("code changed"),
            M["core"]: Grounds("code changed", "f", {"upstream": {M["stg"]: "x"}}),
            M["mart"]: Grounds("an upstream changed", "f", {"upstream": {M["core"]: "x"}}),
            M["alone"]: Grounds("selected"),
        }
        begun = RunStarted(at, id_, "build", "1", more.pop("target", "dev"), 2, 5, planned=ids, trigger=trigger, grounds=grounds, **more)
        self.tell(begun)
        for node in (M["stg"], M["alone"]):
            self.tell(start(node, at), done(node, at, Status.PASSED, rows=3))
        if not finish:
            self.tell(start(M["core"], at))
            self.written()
            return
        self.tell(start(M["core"], at), start(GATE, at, "test"))
        if passes:
            self.tell(*(done(n, at, Status.PASSED, kind="test" if n == GATE else "model") for n in (GATE, M["core"], M["mart"])))
        else:
            where = Span("models/core.sql", 2, 3)
            self.tell(
                done(GATE, at, Status.FAILED, kind="test", label="positive_core", message="Got 1 result", failures=1),
                Noted(at, "warn", "1 row was negative", M["core"]),
                done(
                    M["core"],
                    at,
                    Status.FAILED,
                    message="not published: 1 test failed (positive_core)",
                    problem=Problem("X300", "no", where),
                    sql="select bad",
                ),
                done(M["mart"], at, Status.SKIPPED, message="`core` failed", because=M["core"]),
            )
        self.tell(RunFinished(at + timedelta(seconds=9), id_, 9.0))
        self.history.close()

    def hears(self, id_: str, after: int | None = None) -> list[tuple[int | None, str, Any]]:
        """What the stream of a run says until it ends."""
        headers = {} if after is None else {"last-event-id": str(after)}
        asked_ = Request("GET", f"/api/v1/runs/{id_}/events", headers)
        reply = self.answer(asked_)
        assert reply.status == 200
        return said(b"".join(reply.body).decode())


def said(text: str) -> list[tuple[int | None, str, Any]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "data" in fields:
            found.append((int(fields["id"]) if "id" in fields else None, fields["event"], json.loads(fields["data"])))
    return found


def start(node: str, at: datetime, kind: Any = "model", attempt: int = 1) -> NodeStarted:
    return NodeStarted(at, node, kind, node.split(".")[2], 1, "t", attempt)


def done(node: str, at: datetime, status: Status, *, kind: Any = "model", label: str = "", **more: Any) -> NodeFinished:
    return NodeFinished(at + timedelta(seconds=2), node, kind, label or node.split(".")[2], 1, status, 2.0, "t", started=at, **more)


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Seen]:
    found = Seen(tmp_path)
    yield found
    found.glance.close()
    found.timetable.close()
    found.outbox.close()


class TestRuns:
    def test_1_13_runs_by_status_and_no_others(self, seen: Seen) -> None:
        seen.run("good", NOON - timedelta(hours=3))
        seen.run("bad", NOON - timedelta(hours=2), passes=False)
        seen.run("now", NOON - timedelta(minutes=1), finish=False)

        def ids(words: str) -> list[str]:
            return [run["id"] for run in seen.get(f"/runs?status={words}")["runs"]]

        assert ids("running,failed,success") == ["now", "bad", "good"]
        assert (ids("running"), ids("failed"), ids("success"), ids("passed,failed")) == (["now"], ["bad"], ["good"], ["bad", "good"])
        assert ids("cancelled") == []

    def test_every_filter_narrows_down(self, seen: Seen) -> None:
        seen.run("a", NOON - timedelta(days=3), trigger="schedule:nightly", actor="ann")
        seen.run("b", NOON - timedelta(hours=2), trigger="manual:nightly", actor="ben", target="prod")
        seen.run("c", NOON - timedelta(hours=1), trigger="cli", actor="ann")

        def ids(question: str) -> str:
            return "".join(run["id"] for run in seen.get(f"/runs?{question}")["runs"])

        assert ids("") == "cba"
        assert (ids("schedule=nightly"), ids("trigger=schedule"), ids("trigger=manual:nightly"), ids("schedule=night")) == (
            "ba",
            "a",
            "b",
            "",
        )
        assert (ids("actor=ann"), ids("target=prod"), ids("since=1d"), ids("since=2026-01-10")) == ("ca", "b", "cb", "cb")
        assert (ids("model=core"), ids("model=model.p.core"), ids("model=nope")) == ("cba", "cba", "")
        assert ids("actor=ann&since=1d&model=mart") == "c"
        assert (seen.reply("/api/v1/runs?since=soon").status, seen.reply("/api/v1/runs?limit=x").status) == (400, 400)
        assert seen.reply("/api/v1/runs?before=x").status == 400

    def test_pages_hold_every_run_once_while_new_ones_begin(self, seen: Seen) -> None:
        for i in range(7):
            seen.run(f"r{i}", NOON - timedelta(minutes=10 - i // 2))  # two at a time
        found, question = [], "/runs?limit=3"
        while True:
            page = seen.get(question)
            found += [run["id"] for run in page["runs"]]
            seen.run(f"new{len(found)}", NOON)
            if page["next"] is None:
                break
            question = f"/runs?limit=3&before={page['next']}"
        assert sorted(found) == [f"r{i}" for i in range(7)]
        assert found == ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]

    def test_0_6_while_a_model_runs_what_is_above_is_built_and_what_is_below_waits(self, seen: Seen) -> None:
        seen.run("now", NOON - timedelta(seconds=5), finish=False)
        told = seen.get("/runs/now")
        nodes = {node["name"]: node for node in told["nodes"]}
        assert {name: nodes[name]["status"] for name in ("stg", "core", "mart")} == {"stg": "success", "core": "running", "mart": "pending"}
        assert (nodes["core"]["elapsed"], told["run"]["elapsed"]) == (5.0, 5.0)
        assert (nodes["core"]["parents"], nodes["mart"]["parents"], nodes["alone"]["parents"]) == ([M["stg"]], [M["core"]], [])

    def test_4_14_the_root_cause_comes_first_with_its_evidence_and_what_was_skipped_below_it(self, seen: Seen) -> None:
        seen.run("bad", NOON - timedelta(hours=1), passes=False)
        [cause] = seen.get("/runs/bad")["causes"]
        assert (cause["name"], cause["sql"]) == ("core", "select bad")
        assert [gate["name"] for gate in cause["gates"]] == ["positive_core"]
        assert [skipped["name"] for skipped in cause["skipped"]] == ["mart"]
        assert cause["log"] == ["1 row was negative"]
        assert cause["source"] is None  # the test says more than the first line of the model
        one = seen.get("/runs/bad/nodes/core")
        assert (one["attempts"][0]["sql"], one["cause"]["name"]) == ("select bad", "core")

    def test_4_14_what_was_skipped_stands_below_what_it_was_skipped_for_in_the_order_of_the_failures(self, seen: Seen) -> None:
        seen.tell(
            RunStarted(NOON, "r", "build", "1", "dev", 4, 4, planned=tuple(M.values())),
            done(M["stg"], NOON + timedelta(seconds=1), Status.FAILED, message="second"),
            done(M["alone"], NOON, Status.CRASHED, message="first"),
            done(M["core"], NOON, Status.SKIPPED, because=M["stg"]),
            done(M["mart"], NOON, Status.SKIPPED, because=M["stg"]),
            RunFinished(NOON, "r", 1.0),
        )
        seen.history.close()
        told = [(c["name"], c["message"], [s["name"] for s in c["skipped"]]) for c in seen.get("/runs/r")["causes"]]
        assert told == [("alone", "first", []), ("stg", "second", ["core", "mart"])]

    def test_4_14_an_error_comes_with_the_lines_around_its_place(self, seen: Seen) -> None:
        (seen.root / "models").mkdir()
        (seen.root / "models/core.sql").write_text("select\n  fare\nfrom stg\n", encoding="utf-8")
        problem = Problem("X102", "no such column", Span("models/core.sql", 2, 3), "there is `id`")
        begun = RunStarted(NOON, "r", "build", "1", "dev", 1, 1, planned=(M["core"],))
        seen.tell(begun, done(M["core"], NOON, Status.FAILED, problem=problem), RunFinished(NOON, "r", 1.0))
        seen.history.close()
        [cause] = seen.get("/runs/r")["causes"]
        assert cause["source"] == {"file": "models/core.sql", "first": 1, "line": 2, "column": 3, "lines": ["select", "  fare", "from stg"]}
        assert cause["problem"]["hint"] == "there is `id`"

    def test_secrets_of_profiles_and_files_outside_are_never_read_for_an_excerpt(self, seen: Seen) -> None:
        (seen.root / "profiles.yml").write_text("password: hush\n" * 3, encoding="utf-8")
        for i, path in enumerate(("profiles.yml", "../secret.txt", "/etc/passwd")):
            (seen.root.parent / "secret.txt").write_text("hush\n" * 3, encoding="utf-8")
            seen.tell(
                RunStarted(NOON, f"r{i}", "build", "1", "dev", 1, 1, planned=(M["stg"],)),
                done(M["stg"], NOON, Status.FAILED, problem=Problem("C001", "no", Span(path, 1, 1))),
                RunFinished(NOON, f"r{i}", 1.0),
            )
            seen.history.close()
            assert seen.get(f"/runs/r{i}")["causes"][0]["source"] is None

    def test_a_run_that_waits_is_known_by_the_id_it_will_have(self, seen: Seen) -> None:
        launch = seen.timetable.ask(asked(SPEC.schedules["nightly"], "nightly@x", "manual", NOON, reason="asked for", actor="ann"))
        [told] = seen.get("/launches")["launches"]
        shown = seen.get(f"/runs/{told['run_id']}")
        assert (shown["run"]["status"], shown["launch"]["launch"]) == ("queued", launch.id)
        assert seen.reply("/api/v1/runs/nope").status == 404

    def test_logs_of_a_run_of_a_node_of_a_level_from_the_end(self, seen: Seen) -> None:
        seen.run("bad", NOON, passes=False)
        told = seen.get("/runs/bad/logs")
        assert told["lines"][0]["text"] == "orc build on dev begins: 5 results to come"
        assert [line["number"] for line in told["lines"]] == sorted(line["number"] for line in told["lines"])
        own = seen.get("/runs/bad/logs?node=core")["lines"]
        assert [(line["level"], line["text"]) for line in own][1:] == [
            ("warn", "1 row was negative"),
            ("error", "failed in 2.00 s: not published: 1 test failed (positive_core)"),
        ]
        assert [line["name"] for line in seen.get("/runs/bad/logs?level=error")["lines"]] == ["positive_core", "core"]
        tail = seen.get("/runs/bad/logs?limit=2")
        assert (len(tail["lines"]), tail["more"]) == (2, True)
        before = seen.get(f"/runs/bad/logs?limit=2&before={tail['lines'][0]['number']}")["lines"]
        assert [line["number"] for line in before] == [line["number"] for line in told["lines"]][-4:-2]
        plain = seen.reply("/api/v1/runs/bad/logs?format=text")
        assert "core  failed in 2.00 s" in plain.body
        assert seen.reply("/api/v1/runs/bad/logs?attempt=x").status == 400


class TestEvents:
    def test_3_5_each_node_is_queued_then_runs_then_ends_and_no_number_is_missing(self, seen: Seen) -> None:
        seen.run("good", NOON)
        told = seen.hears("good")
        numbers = [number for number, _, _ in told if number is not None]
        assert numbers == list(range(len(numbers)))
        for node in (M["stg"], M["core"], M["alone"]):
            assert [data["status"] for _, kind, data in told if kind == "node" and data["node"] == node] == ["queued", "running", "success"]
        assert told[0][2]["status"] == "running"
        assert [kind for _, kind, _ in told][-2:] == ["run", "end"]

    @pytest.mark.parametrize("after", [0, 2, 5, 6, 9])
    def test_who_was_away_goes_on_where_they_were(self, seen: Seen, after: int) -> None:
        seen.run("good", NOON)
        whole = [told for told in seen.hears("good") if told[0] is not None]
        assert [told for told in seen.hears("good", after) if told[0] is not None] == whole[after + 1 :]

    def test_a_browser_that_knows_everything_is_told_to_ask_no_more(self, seen: Seen) -> None:
        seen.run("good", NOON)
        last = [number for number, _, _ in seen.hears("good") if number is not None][-1]
        assert seen.reply("/api/v1/runs/good/events", last_event_id=str(last)).status == 204
        assert seen.reply("/api/v1/runs/good/events", last_event_id="x").status == 400
        assert seen.reply("/api/v1/runs/nope/events").status == 404

    def test_events_come_while_the_run_goes_on(self, seen: Seen) -> None:
        seen.run("now", NOON, finish=False)
        steps: list[Any] = []

        def meanwhile(_: float) -> None:
            """Something happens between two looks."""
            steps.append(1)
            if len(steps) == 1:
                wait = NodeRetried(NOON, M["core"], "model", "core", 1, "t", 1, 2, 10.0, Status.CRASHED, 1.0, NOON, "lost the line")
                seen.tell(wait, start(M["core"], NOON, attempt=2))
                seen.written()
            elif len(steps) == 2:
                seen.tell(done(M["core"], NOON, Status.PASSED, attempt=2), RunFinished(NOON, "now", 1.0))
                seen.history.close()

        reply = stream.events(seen.desk, _asked("/api/v1/runs/now/events", run="now"), sleep=meanwhile)
        told = said(b"".join(reply.body).decode())
        core = [data["status"] for _, kind, data in told if kind == "node" and data["node"] == M["core"]]
        assert core == ["queued", "running", "waiting", "running", "success"]
        numbers = [number for number, _, _ in told if number is not None]
        assert numbers == list(range(len(numbers)))
        assert told[-1][1] == "end"

    def test_what_is_new_is_said_once(self, seen: Seen) -> None:
        pieces = stream.changes(seen.desk, _asked("/api/v1/events"), sleep=lambda _: None).body
        first = [next(pieces) for _ in range(2)]
        assert first[1].startswith(b"event: changed")
        assert next(pieces) == b": here\n\n"  # nothing was new for a while
        seen.run("now", NOON, finish=False)
        assert next(pieces).startswith(b"event: changed")
        seen.timetable.pause("nightly", "x", NOON, "ann")
        assert next(pieces).startswith(b"event: changed")
        pieces.close()

    def test_listeners_hold_places_and_give_them_back(self, seen: Seen) -> None:
        held = [seen.reply("/api/v1/events") for _ in range(64)]
        assert seen.reply("/api/v1/events").status == 503
        for reply in held:
            reply.body.close()
            reply.body.close()  # twice is once
        assert seen.reply("/api/v1/events").status == 200


def _asked(path: str, **places: str) -> Any:
    from orchestrator.serve.desk import Asked
    from orchestrator.serve.keys import Caller

    return Asked(Request("GET", path), Caller(), places)


class TestModels:
    def test_models_say_how_they_ended_last_with_their_tests(self, seen: Seen) -> None:
        seen.run("bad", NOON - timedelta(hours=2), passes=False)
        told = {m["name"]: m for m in seen.get("/models")["models"]}
        assert {name: m["status"] for name, m in told.items()} == {"alone": "success", "core": "error", "mart": "skipped", "stg": "success"}
        assert told["core"]["failing_tests"] == ["positive_core"]
        seen.run("good", NOON - timedelta(hours=1))
        assert {m["name"]: m["status"] for m in seen.get("/models")["models"]}["core"] == "success"
        assert {m["status"] for m in seen.get("/models?target=prod")["models"]} == {None}

    def test_what_was_not_built_again_is_as_it_was_built_last(self, seen: Seen) -> None:
        seen.run("bad", NOON - timedelta(hours=2), passes=False)
        reused = done(M["core"], NOON, Status.REUSED, message="nothing is new")
        seen.tell(RunStarted(NOON, "r", "build", "1", "dev", 1, 1, planned=(M["core"],)), reused, RunFinished(NOON, "r", 1.0))
        seen.history.close()
        told = {m["name"]: (m["status"], m["run"]) for m in seen.get("/models")["models"]}
        assert told["core"] == ("error", "bad")
        assert seen.get("/models/core")["status"] == "error"

    def test_a_model_has_a_history(self, seen: Seen) -> None:
        seen.run("good", NOON - timedelta(hours=3))
        seen.run("bad", NOON - timedelta(hours=1), passes=False)
        told = seen.get("/models/core")
        assert [(r["run"], r["status"], r["seconds"]) for r in told["runs"]] == [("bad", "error", 2.0), ("good", "success", 2.0)]
        assert (told["status"], told["age"]) == ("error", 3 * 3600 - 2)
        assert [(t["name"], t["status"], t["failures"]) for t in told["tests"]] == [("positive_core", "fail", 1)]
        assert told["lineage"] == f"/#/node/{M['core']}?tab=lineage"
        assert seen.reply("/api/v1/models/nope").status == 404

    def test_without_a_site_what_ran_is_shown(self, seen: Seen) -> None:
        seen.run("good", NOON)
        (seen.root / "site/data/project.json").unlink()
        assert {m["name"] for m in seen.get("/models")["models"]} == {"alone", "core", "mart", "stg"}
        assert seen.get(f"/models/{M['core']}")["status"] == "success"


class TestBadge:
    def badge(self, seen: Seen, name: str = "accounting") -> str:
        reply = seen.reply(f"/api/v1/exposures/{name}/badge.svg")
        assert (reply.status, reply.type) == (200, "image/svg+xml")
        return str(ET.fromstring(reply.body).attrib["aria-label"])

    def test_1_7_a_badge_says_whether_an_exposure_is_fresh(self, seen: Seen) -> None:
        assert self.badge(seen) == "accounting: unknown · never built"
        seen.run("good", NOON - timedelta(hours=2))
        assert self.badge(seen) == "accounting: fresh · 1h59m"
        seen.run("bad", NOON - timedelta(hours=1), passes=False)
        assert self.badge(seen) == "accounting: failing"
        assert seen.reply("/api/v1/exposures/nope/badge.svg").status == 404
        assert seen.reply("/api/v1/exposures/core/badge.svg").status == 404

    def test_hostile_names_are_text(self, seen: Seen) -> None:
        assert self.badge(seen, "%3Cb%3E&") == "<b>&: unknown · never built"


class TestSchedules:
    def test_schedules_say_what_comes_what_was_and_what_holds(self, seen: Seen) -> None:
        ticks = tuple(Tick("often", NOON - timedelta(minutes=15 * i), "missed" if i else "fired", f"why {i}") for i in range(3))
        watch = Watch("often", SPEC.schedules["often"].timing, NOON, NOON)
        seen.timetable.commit(Decision(ticks=ticks, watches=(watch,)), NOON)
        told = {s["name"]: s for s in seen.get("/schedules")["schedules"]}
        assert [t["local"] for t in told["nightly"]["next"]][:2] == ["2026-01-11T02:00+01:00", "2026-01-12T02:00+01:00"]
        assert (told["nightly"]["when"], told["often"]["when"], told["after"]["when"]) == (
            "every day at 02:00",
            "every 15m",
            "after nightly succeeds",
        )
        assert [(t["status"], t["reason"]) for t in told["often"]["last"]] == [("fired", "why 0"), ("missed", "why 1"), ("missed", "why 2")]
        assert "while a run goes on, ticks are skipped" in told["often"]["words"]
        assert "to be done by 08:00" in told["nightly"]["words"]
        [trigger] = seen.get("/schedules")["triggers"]
        assert (trigger["name"], trigger["words"], trigger["path"]) == (
            "loaded",
            ["requests within 1m share a run"],
            "/api/v1/triggers/loaded",
        )

    def test_a_paused_schedule_has_no_next_tick(self, seen: Seen) -> None:
        seen.timetable.pause("often", SPEC.schedules["often"].timing, NOON, "ann")
        [told] = [s for s in seen.get("/schedules")["schedules"] if s["name"] == "often"]
        assert (told["state"], told["next"], told["paused_since"]) == ("paused", [], "2026-01-10T12:00:00Z")

    def test_pools_say_who_is_in_them_and_who_waits(self, seen: Seen) -> None:
        for name in ("nightly", "often"):
            seen.timetable.ask(asked(SPEC.schedules[name], f"{name}@x", "manual", NOON))
        seen.timetable.begin("nightly@x", "r", NOON)
        [pool] = seen.get("/pools")["pools"]
        assert (pool["name"], pool["limit"], [h["launch"] for h in pool["holders"]]) == ("wh", 1, ["nightly@x"])
        assert [(w["launch"], "pool" in w["waits_for"]) for w in pool["waiters"]] == [("often@x", True)]
        [often] = [s for s in seen.get("/schedules")["schedules"] if s["name"] == "often"]
        assert (often["state"], [g["launch"] for g in often["going"]]) == ("waiting", ["often@x"])


class TestFreshness:
    def promise(self, seen: Seen, age: Any) -> None:
        need = Need(M["mart"], "mart", Promise(3600.0), (M["stg"], M["mart"]), oldest=NOON - timedelta(hours=2))
        seen.prospects = {
            M["mart"]: Prospect(need, "due", "it is time", NOON, (Condition("no pause", holds=True, value="none"),), age, 7200.0)
        }

    def test_promises_say_how_they_are_kept_and_why(self, seen: Seen) -> None:
        self.promise(seen, "late")
        [told] = seen.get("/freshness")["promises"]
        assert (told["name"], told["age"], told["lag_seconds"], told["builds"]) == ("mart", "late", 7200.0, [M["stg"], M["mart"]])
        assert told["conditions"][0] == {"what": "no pause", "holds": True, "value": "none", "below": []}
        assert [one["name"] for one in seen.get("/home")["stale"]] == ["mart"]
        seen.run("good", NOON)
        assert seen.get("/models/mart")["promise"]["age"] == "late"

    def test_1_7_a_broken_promise_makes_a_badge_stale(self, seen: Seen) -> None:
        seen.run("good", NOON - timedelta(hours=2))
        for age, word in (("kept", "fresh"), ("warned", "fresh"), ("late", "stale")):
            self.promise(seen, age)
            assert f"accounting: {word}" in seen.reply("/api/v1/exposures/accounting/badge.svg").body.decode()

    def test_news_of_promises_are_news(self, seen: Seen) -> None:
        pieces = stream.changes(seen.desk, _asked("/api/v1/events"), sleep=lambda _: None).body
        assert [next(pieces) for _ in range(2)][1].startswith(b"event: changed")
        self.promise(seen, "late")
        assert next(pieces).startswith(b"event: changed")
        pieces.close()


class TestAlertsAndAudit:
    def test_incidents_and_letters_are_told_without_addresses(self, seen: Seen) -> None:
        bad = Happening(frozenset({"node_failed"}), M["core"], "core", NOON, "core failed", "dev", "r1")
        post = Post(
            "oncall",
            "opens",
            (bad,),
            lambda _: Letter("node_failed", "core failed", "line 1\nline 2", {"run": "r1"}),
            lambda _: ("to 0",),
            frozenset({"node_failed"}),
        )
        seen.outbox.enclose([post])
        told = seen.get("/alerts")
        assert [(i["subject"], i["aspect"], i["run"], i["closed"]) for i in told["open"]] == [(M["core"], "failed", "r1", None)]
        assert [(x["title"], x["address"], x["status"], x["run"]) for x in told["letters"]] == [("core failed", "to 0", "waiting", "r1")]
        assert [x["title"] for x in seen.get("/alerts?run=r1")["letters"]] == ["core failed"]
        assert (seen.get("/alerts?run=r2")["letters"], told["closed"]) == ([], [])

    def test_the_audit_says_who_did_what_and_whether_it_holds(self, seen: Seen) -> None:
        for i, (who, action) in enumerate((("ann", "schedule.paused"), ("ben", "run.cancel.asked"))):
            seen.audit.add(Deed(Actor("user", who, "10.0.0.1"), action, "nightly", after={"paused": True}), NOON + timedelta(seconds=i))
        told = seen.get("/audit")
        assert [(e["seq"], e["actor"], e["action"]) for e in told["entries"]] == [
            (2, "ben", "run.cancel.asked"),
            (1, "ann", "schedule.paused"),
        ]
        assert (told["entries"][0]["after"], told["verdict"]) == ({"paused": True}, None)
        assert [e["actor"] for e in seen.get("/audit?action=schedule")["entries"]] == ["ann"]
        assert [e["actor"] for e in seen.get("/audit?actor=be")["entries"]] == ["ben"]
        assert seen.get("/audit?verify=1&limit=1")["verdict"]["faults"] == []
        from orchestrator.record.database import database

        link = database(seen.root / ".orchestrator" / "state.db", create=False)
        for trigger in [row[0] for row in link.execute("select name from sqlite_schema where type = 'trigger'").fetchall()]:
            link.execute(f"drop trigger {trigger}")
        link.execute("update audit set actor = 'eve' where seq = 1")
        link.close()
        [fault] = seen.get("/audit?verify=1")["verdict"]["faults"]
        assert fault.startswith("row 1 ")
        assert seen.reply("/api/v1/audit?since=soon").status == 400


class TestHome:
    def test_what_fails_runs_and_comes_next(self, seen: Seen) -> None:
        seen.run("bad", NOON - timedelta(hours=1), passes=False)
        seen.run("now", NOON, finish=False)
        told = seen.get("/home")
        assert [(f["name"], f["run"]) for f in told["failing"]] == [("core", "bad")]
        assert [r["id"] for r in told["running"]] == ["now"]
        assert (told["healthy"], told["models"]) == (2, 4)
        assert told["next"][0]["schedule"] == "often"
        assert (len(told["days"]), told["days"][-1]) == (30, {"day": "2026-01-10", "counts": {"failed": 1, "running": 1}})
        assert seen.get("/system")["role"] == "leader"

    def test_nothing_there_is_no_error(self, seen: Seen) -> None:
        (seen.root / "site/data/project.json").unlink()
        told = seen.get("/home")
        assert (told["failing"], told["running"], told["models"]) == ([], [], 0)
        assert (seen.get("/runs")["runs"], seen.get("/models")["models"]) == ([], [])


class TestPages:
    def test_the_page_says_that_it_is_live_and_is_locked_down(self, seen: Seen) -> None:
        reply = seen.reply("/")
        assert b'<meta name="orc-live" content="/api/v1" />' in reply.body
        assert reply.headers["Content-Security-Policy"] == "default-src 'self'; frame-ancestors 'none'"
        script = re.search(rb'src="\./(assets/app-[^"]+)"', reply.body)
        assert script
        asset = seen.reply(f"/{script[1].decode()}", accept_encoding="gzip")
        assert (asset.status, asset.type, asset.headers["Content-Encoding"]) == (200, "text/javascript; charset=utf-8", "gzip")
        assert seen.reply(f"/{script[1].decode()}", accept_encoding="gzip", if_none_match=asset.headers["ETag"]).status == 304

    @pytest.mark.parametrize(
        "path", ["/assets/../page.py", "/assets/%2e%2e/page.py", "/data/../../.orchestrator/state.db", "/data/x", "/data/.orc-docs.json"]
    )
    def test_nothing_else_is_served(self, seen: Seen, path: str) -> None:
        assert seen.reply(path).status == 404

    def test_data_of_the_project_is_served(self, seen: Seen) -> None:
        assert json.loads(seen.reply("/data/project.json").body)["name"] == "p"

    @pytest.mark.parametrize(
        ("path", "place"),
        [
            ("/runs/a%0d%0ab", "/#/run/a%0D%0Ab"),
            ("/models/core", f"/#/node/{M['core']}"),
            ("/runs", "/#/runs"),
            ("/schedules", "/#/schedules"),
        ],
    )
    def test_addresses_for_people_lead_to_the_pages(self, seen: Seen, path: str, place: str) -> None:
        reply = seen.reply(path)
        assert (reply.status, reply.headers["Location"]) == (302, place)


def test_ten_thousand_runs_are_no_reason_to_wait(seen: Seen) -> None:
    """The first page of runs, and home, each within 300 ms."""
    from orchestrator.record.database import database, transaction

    place = seen.root / ".orchestrator" / "state.db"
    link = database(place, create=True)
    planned = [f"model.p.m{i}" for i in range(4)]
    with transaction(link, place):
        for i in range(10_000):
            at = (NOON - timedelta(minutes=i)).isoformat(timespec="microseconds")
            run = (
                f"{i:08}",
                "build",
                "dev",
                "1",
                4,
                4,
                "{}",
                json.dumps(planned),
                "failed" if i % 9 == 0 else "passed",
                at,
                at,
                1.0,
                1,
                "x",
                "",
            )
            link.execute(
                f"insert into runs (id, command, target, version, threads, total, arguments, planned, status, started, finished, seconds, pid, host, born) values ({', '.join('?' * 15)})",
                run,
            )
            rows = [(run[0], node, "model", node, n, "passed", 0.5, at, "t", "") for n, node in enumerate(planned)]
            link.executemany(
                "insert into results (run, node, kind, label, position, status, seconds, finished, thread, message) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
    link.close()
    for question in ("/runs", "/runs?status=failed", "/runs?model=model.p.m3", "/home", "/models"):
        seen.get(question)
        begun = time.perf_counter()
        seen.get(question)
        assert time.perf_counter() - begun < 0.3, question
