"""Wishes over HTTP: runs, cancelling, retrying, schedules; who may, what is refused, what the audit hears. One test over a real socket."""

from __future__ import annotations

import http.client
import json
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.app.schedules.scheduling import order
from orchestrator.app.web.routes import ROUTES
from orchestrator.core.audit import Actor
from orchestrator.core.event import NodeFinished, RunFinished, RunStarted, Status
from orchestrator.core.schedule import Launch, Limits, Schedule, Trigger
from orchestrator.record.audit import Audit
from orchestrator.record.sqlite import Sqlite
from orchestrator.record.timetable import Timetable
from orchestrator.record.tokens import Tokens
from orchestrator.schedule.decide import admit, decide
from orchestrator.schedule.spec import Spec
from orchestrator.serve.asking import Reply, Request
from orchestrator.serve.desk import Asked
from orchestrator.serve.desk import Desk as Surroundings
from orchestrator.serve.keys import Caller, Keys, grants
from orchestrator.serve.openapi import openapi
from orchestrator.serve.requests import Requests
from orchestrator.serve.routes import SERVED, Route, routed
from orchestrator.serve.scheduler import run_of

if TYPE_CHECKING:
    from tests.orchestration.rides import Rides

AT = datetime(2026, 1, 1, tzinfo=UTC)
ANN = Actor("cli", "ann@laptop", "laptop")
TOKENS = {name: f"{name}-0123456789abcdef" for name in ("reader", "loader", "runner", "boss")}
SCOPES = {"reader": ("read",), "loader": ("trigger:loaded",), "runner": ("run",), "boss": ("admin",)}
SPEC = Spec(
    {"nightly": Schedule("nightly", cron="@daily"), "once": Schedule("once", cron="@daily", overlap="skip")},
    {"loaded": Trigger("loaded", Schedule("loaded"))},
    Limits(pools={"wh": 2}),
)


class Desk:
    """Requests at a time that is set by hand."""

    def __init__(self, folder: Path) -> None:
        self.now = AT
        self.place = folder / "state.db"
        self.table = Timetable(self.place, pid=1, host="h")
        self.history = Sqlite(self.place, pid=1, host="h")
        self.ended: list[int] = []
        self.writing: list[Sqlite] = []
        self.surroundings = Surroundings(
            self.table,
            lambda: SPEC,
            lambda: self.now,
            leads=lambda: True,
            beat=lambda: self.now,
            guarded=True,
            version="1",
            host="h",
            history=self.history,
            ask_to_end=self.end,
        )
        self.answer = Requests(self.surroundings, Keys(TOKENS, scopes=SCOPES), ROUTES)

    def end(self, pid: int) -> bool:
        self.ended.append(pid)
        return True

    def post(self, path: str, body: Any = None, who: str | None = "runner", **headers: str) -> Reply:
        given = {**({"authorization": f"Bearer {TOKENS[who]}"} if who else {}), **{k.replace("_", "-"): v for k, v in headers.items()}}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.answer(Request("POST", f"/api/v1/{path}", given, raw, "10.0.0.7"))

    def ran(self, run: str, *, status: Status = Status.FAILED, over: bool = True, host: str = "h") -> None:
        history = Sqlite(self.place, pid=4242, host=host)
        history.hear(RunStarted(AT, run, "build", "1", "dev", 1, 1, {}, {}, ("model.p.a",), "cli", "ann@h"))
        self.writing.append(history)
        if over:
            history.hear(NodeFinished(AT, "model.p.a", "model", "a", 1, status, 0.1, "t"))
            history.hear(RunFinished(AT, run, 1.0))
            self.writing.pop().close()

    def heard(self) -> list[tuple[str, str, str, str]]:
        return [(e.kind, e.actor, e.action, e.object) for e in reversed(Audit(self.place).entries())]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.table.close()
    for history in found.writing:
        history.close()


def test_a_run_that_somebody_asks_for_waits_and_knows_all_it_has_to_do(desk: Desk) -> None:
    wish = {"select": ["tag:daily", "+orders"], "exclude": ["seeds"], "vars": {"day": "2026-01-02"}, "target": "prod", "full_refresh": True}
    reply = desk.post("runs", wish)
    assert reply.status == 202
    (launch,) = desk.table.launches()
    assert (launch.id, launch.trigger, launch.actor, launch.status) == (reply.body["launch"], "api", "token:runner", "queued")
    assert decide(SPEC, desk.table.board(), AT + timedelta(minutes=1)).stops == ()
    assert admit(SPEC, desk.table.board(), AT)[0] == (launch.id,)
    entry = launch.entry
    assert entry is not None
    words = order(entry, launch, reply.body["run_id"])["words"]
    expected = [
        "build",
        "--select",
        "tag:daily",
        "--select",
        "+orders",
        "--exclude",
        "seeds",
        "--target",
        "prod",
        "--full-refresh",
        "--vars",
    ]
    assert words == [*expected, '{"day": "2026-01-02"}']
    assert desk.heard() == [("token", "runner", "run.asked", launch.id)]
    (entry_,) = Audit(desk.place).entries()
    assert (entry_.source, entry_.run) == ("10.0.0.7", reply.body["run_id"])
    assert "2026-01-02" not in str(entry_.after)  # values may be private
    assert '"day"' in str(entry_.after)


def test_runs_that_were_asked_for_go_side_by_side_and_a_key_is_one_run(desk: Desk) -> None:
    first, second = (desk.post("runs", {"select": [name]}) for name in ("a", "b"))
    assert admit(SPEC, desk.table.board(), AT)[0] == tuple(sorted((first.body["launch"], second.body["launch"])))
    once, again = (desk.post("runs", {"select": ["a"]}, idempotency_key="x") for _ in range(2))
    assert (again.status, again.body["launch"]) == (202, once.body["launch"])
    assert desk.post("runs", {"select": ["a"]}, who="boss", idempotency_key="x").body["launch"] != once.body["launch"]
    assert len(desk.table.launches()) == len(desk.heard()) == 4
    assert desk.post("runs", {}, idempotency_key="ü").status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        {"select": "a"},
        {"select": ["--project-dir"]},
        {"select": ["a\n--target"]},
        {"select": [1]},
        {"select": ["a"] * 201},
        {"command": "clean"},
        {"command": "run-operation"},
        {"target": "--full-refresh"},
        {"target": "a b"},
        {"vars": ["x"]},
        {"vars": {"a b": 1}},
        {"threads": 0},
        {"threads": True},
        {"full_refresh": 1},
        {"project_dir": "/etc"},
        {"of": "r1"},
    ],
    ids=str,
)
def test_bodies_are_data_and_nothing_else(desk: Desk, body: Any) -> None:
    reply = desk.post("runs", body)
    assert (reply.status, list(reply.body)) == (400, ["error"])
    assert desk.table.launches() == ()
    assert desk.heard() == []


def test_a_waiting_run_is_cancelled_and_one_that_runs_is_stopped(desk: Desk) -> None:
    waiting, running = (desk.post("runs", {}).body for _ in range(2))
    desk.table.begin(running["launch"], running["run_id"], AT)
    assert desk.post(f"runs/{waiting['run_id']}/cancel").body["status"] == "cancelled"
    assert desk.post(f"runs/{running['launch'].replace('@', '%40')}/cancel").status == 202
    stopping = desk.table.launch(running["launch"])
    assert stopping is not None
    assert (stopping.status, stopping.stopping) == ("running", "cancelled")
    desk.table.end(running["launch"], "cancelled", AT)
    assert desk.post(f"runs/{running['run_id']}/cancel").status == 409
    assert desk.post("runs/nothing/cancel").status == 404
    assert [entry[2] for entry in desk.heard()] == ["run.asked", "run.asked", "run.cancel.asked", "run.cancel.asked"]


def test_a_run_that_was_begun_by_hand_is_asked_to_end_where_it_runs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.record.sqlite.alive", lambda *_: True)
    desk.ran("here", over=False)
    desk.ran("there", over=False, host="elsewhere")
    desk.ran("over")
    assert desk.post("runs/here/cancel").status == 202
    assert desk.ended == [4242]
    assert [desk.post(f"runs/{run}/cancel").status for run in ("there", "over")] == [409, 409]
    assert desk.heard()[-1] == ("token", "runner", "run.cancel.asked", "here")


def test_what_a_run_left_undone_is_asked_for_again(desk: Desk) -> None:
    desk.ran("bad")
    desk.ran("good", status=Status.PASSED)
    reply = desk.post("runs/bad/retry")
    assert reply.status == 202
    (launch,) = desk.table.launches()
    entry = launch.entry
    assert entry is not None
    assert order(entry, launch, "r", ("--project-dir", "/p"))["words"] == ["retry", "--of", "bad", "--project-dir", "/p", "--target", "dev"]
    assert [desk.post(f"runs/{run}/retry").status for run in ("good", "none")] == [409, 404]
    assert desk.post("runs/bad/retry", {"select": ["x"]}).status == 400
    assert desk.heard()[-1] == ("token", "runner", "run.retry.asked", launch.id)


def test_0_11_schedules_wait_come_again_and_run_now_each_with_a_row(desk: Desk) -> None:
    assert desk.post("schedules/nightly/pause").body == {"schedule": "nightly", "paused": True, "changed": True}
    assert desk.post("schedules/nightly/pause").body["changed"] is False
    assert desk.table.board().watches["nightly"].paused == AT
    assert desk.post("schedules/nightly/resume").body == {"schedule": "nightly", "paused": False, "changed": True}
    assert desk.post("schedules/nightly/resume").body["changed"] is False
    assert desk.post("schedules/nightly/run").status == 202
    assert desk.table.launches()[0].schedule == "nightly"
    assert desk.post("schedules/none/run").status == desk.post("schedules/none/pause").status == 404
    assert desk.heard() == [("token", "runner", f"schedule.{word}", "nightly") for word in ("paused", "resumed", "run")]


def test_a_schedule_that_skips_is_not_run_beside_itself(desk: Desk) -> None:
    first = desk.post("schedules/once/run")
    desk.now += timedelta(seconds=1)
    assert desk.post("schedules/once/run").status == 409
    desk.table.begin(first.body["launch"], "r", AT)
    desk.table.end(first.body["launch"], "passed", AT)
    assert desk.post("schedules/once/run").status == 202


def test_a_key_that_was_given_before_is_the_same_run_of_a_schedule_and_one_row(desk: Desk) -> None:
    first = desk.post("schedules/nightly/run", idempotency_key="k")
    desk.now += timedelta(hours=1)
    again = desk.post("schedules/nightly/run", idempotency_key="k")
    assert (again.status, again.body["launch"]) == (202, first.body["launch"])
    assert len(desk.heard()) == 1


def test_0_28_a_pool_is_as_wide_as_somebody_says_until_it_is_the_files_business_again(desk: Desk) -> None:
    assert desk.post("pools/wh", {"limit": 1}).body == {"pool": "wh", "limit": 1, "before": 2}
    assert desk.table.board().pools["wh"].width == 1
    assert desk.post("pools/wh", {"limit": 0}).body["before"] == 1
    assert desk.post("pools/wh/reset").body == {"pool": "wh", "limit": 2, "before": 0}
    assert [desk.post("pools/wh", body).status for body in ({}, {"limit": -1}, {"limit": True}, {"limit": "2"}, {"limit": 10**9})] == [
        400
    ] * 5
    assert desk.post("pools/none", {"limit": 1}).status == desk.post("pools/none/reset").status == 404
    assert desk.heard() == [("token", "runner", f"pool.{word}", "wh") for word in ("set", "set", "reset")]
    assert (Audit(desk.place).entries()[1].before, Audit(desk.place).entries()[1].after) == ('{"limit": 1}', '{"limit": 0}')


WISHES = (
    "runs",
    "runs/x/cancel",
    "runs/x/retry",
    "schedules/nightly/pause",
    "schedules/nightly/resume",
    "schedules/nightly/run",
    "pools/wh",
    "pools/wh/reset",
)


@pytest.mark.parametrize("path", [*WISHES, "triggers/loaded", "triggers/other"])
def test_a_token_is_good_for_its_scopes_only(desk: Desk, path: str) -> None:
    refused = {name for name in TOKENS if desk.post(path, who=name).status == 403}
    assert refused == {"triggers/loaded": {"reader"}, "triggers/other": {"reader", "loader"}}.get(path, {"reader", "loader"})
    assert desk.post(path, who=None).status == 401


def test_0_5_a_refused_request_leaves_a_row(desk: Desk) -> None:
    assert desk.post("triggers/loaded", who=None).status == 401
    assert desk.post("runs", who="reader").status == 403
    assert desk.post("triggers/loaded", who="loader").status == 202
    assert desk.heard() == [
        ("anonymous", "", "trigger.refused", "loaded"),
        ("token", "reader", "request.refused", "POST /api/v1/runs"),
        ("token", "loader", "trigger.accepted", "loaded"),
    ]
    (launch,) = desk.table.launches()
    assert (launch.actor, Audit(desk.place).entries()[0].run) == ("token:loader", run_of(launch))


def test_whoever_knocks_all_night_fills_no_disk_and_locks_nobody_else_out(desk: Desk) -> None:
    for number in range(300):
        request = Request("POST", "/api/v1/runs", {"authorization": "Bearer wrong"}, b"", f"10.1.{number // 20}.1")
        assert desk.answer(request).status == 401
    assert len(desk.heard()) == 100
    assert desk.answer(Request("POST", "/api/v1/runs", {"authorization": "Bearer wrong"}, b"", "10.1.0.1")).status == 429
    assert desk.post("runs").status == 202
    desk.now += timedelta(minutes=1)
    assert desk.answer(Request("POST", "/api/v1/runs", {"authorization": "Bearer wrong"}, b"", "10.1.0.1")).status == 401


def test_wishes_have_a_limit_for_each_caller(desk: Desk) -> None:
    statuses = [desk.post("schedules/nightly/resume").status for _ in range(301)]
    assert (statuses.count(200), statuses[-1]) == (300, 429)
    assert desk.post("schedules/nightly/resume", who="boss").status == 200
    desk.now += timedelta(minutes=1)
    assert desk.post("schedules/nightly/resume").status == 200


def test_the_queue_has_an_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.serve.commanding.QUEUE", 2)
    assert [desk.post("runs", {}).status for _ in range(3)] == [202, 202, 429]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("read", "read"), ("run", "read"), ("run", "trigger:x"), ("admin", "run"), ("trigger:*", "trigger:x"), ("trigger:x", "trigger:x")],
)
def test_scopes_include_each_other_in_one_direction(given: str, wanted: str) -> None:
    assert grants(given, wanted)
    assert given == wanted or not grants(wanted, given)


def test_a_token_of_the_state_is_kept_as_a_hash_and_ends(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "state.db")
    made = tokens.create("ci", ("read",), ANN, AT, AT + timedelta(days=30))
    assert re.fullmatch(r"orc_[\w-]{43}", made)
    assert made.encode() not in b"".join(p.read_bytes() for p in tmp_path.iterdir())
    keys = Keys(kept=lambda hash_, now: Caller("token", t.name, t.scopes, t.id) if (t := tokens.find(hash_, now)) else None)

    def who(token: str, now: datetime) -> str:
        return str(keys.who(Request("GET", "/", {"authorization": f"Bearer {token}"}), now))

    assert who(made, AT) == "token:ci"
    assert tokens.listed()[0].used == AT
    assert [who(text, AT) for text in (made[:-1], made + "x", made.upper(), "")] == ["None"] * 4
    assert who(made, AT + timedelta(days=30)) == "None"
    assert tokens.revoke("ci", ANN, AT)
    assert not tokens.revoke("ci", ANN, AT)
    assert who(made, AT) == "None"
    assert tokens.any()
    again = tokens.create("ci", ("run",), ANN, AT + timedelta(hours=1))
    assert (who(again, AT + timedelta(days=999)), [t.status(AT) for t in tokens.listed()]) == ("token:ci", ["valid", "revoked"])
    tokens.close()
    entries = Audit(tmp_path / "state.db").entries()
    assert [(e.action, e.object, e.actor) for e in reversed(entries)] == [
        (f"token.{word}", "ci", "ann@laptop") for word in ("created", "revoked", "created")
    ]
    assert made not in str(entries)


def test_1_18_what_is_described_is_what_is_answered(desk: Desk) -> None:
    reply = desk.answer(Request("GET", "/openapi.json"))
    assert reply.status == 200
    told = {(method.upper(), path) for path, methods in reply.body["paths"].items() for method in methods}
    assert told == {(r.method, r.pattern.replace("+}", "}")) for r in ROUTES if not r.page}
    for method, path in sorted(told):
        answer = desk.answer(Request(method, re.sub(r"\{\w+\}", "x", path), client=path))
        assert answer.status in (200, 400, 401), (method, path, answer)
    names = [op["operationId"] for methods in reply.body["paths"].values() for op in methods.values()]
    assert len(names) == len(set(names))
    refs = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(reply.body)))
    assert refs == set(reply.body["components"]["schemas"])
    trigger = reply.body["paths"]["/api/v1/triggers/{name}"]["post"]
    assert (trigger["x-scope"], trigger["parameters"][0]["name"], set(trigger["responses"])) == (
        "trigger:{name}",
        "name",
        {"202", "400", "401", "403", "404", "409", "429", "503"},
    )


def test_everything_but_signs_of_life_and_the_door_needs_a_scope() -> None:
    open_ = {r.pattern for r in SERVED if r.scope == "open"}
    assert open_ == {"/healthz", "/readyz", "/login", "/logout", "/api/v1/session"}
    assert {r.scope for r in SERVED} == {"open", "read", "run", "trigger:{name}"}
    assert all(r.scope in ("run", "trigger:{name}") for r in ROUTES if r.method != "GET" and r.pattern not in ("/login", "/logout"))


def test_a_state_that_cannot_be_written_stops_the_wish(desk: Desk) -> None:
    desk.post("schedules/nightly/pause")
    with sqlite3.connect(desk.place) as connection:
        connection.execute("drop table audit")
    connection.close()
    assert desk.post("runs", {}).status == 503
    assert desk.table.launches() == ()  # what is not in the audit does not happen


def test_a_mistake_of_ours_is_an_answer_that_says_where_and_nothing_else(desk: Desk) -> None:
    def fails(_desk: Surroundings, _asked: Asked) -> Reply:
        raise ValueError("the password is hunter2")

    route = Route("GET", "/bad", "open", fails, "Fails.")
    reply = Requests(desk.surroundings, Keys(), (route,))(Request("GET", "/bad"))
    assert (reply.status, re.sub(r"\d+", "N", reply.body["error"])) == (
        500,
        f"this is a mistake of orc: ValueError in {__name__}, line N",
    )


UI = Path(__file__).resolve().parents[2] / "ui" / "src" / "live"
CALL = re.compile(r"""\b(ask|wish|useFresh|EventSource|fetch)(?:<[^()]*?>)?\(\s*(?:address\()?([`"])(/.*?)\2""")
POST = re.compile(r"""fetch\("(/\w+)", \{\s*method: "POST\"""")


def calls() -> set[tuple[str, str]]:
    """What the pages ask for and wish, as far as it stands there as a text: method and path."""
    found = set()
    for file in sorted(UI.glob("*.ts*")):
        text = file.read_text(encoding="utf-8")
        posted = set(POST.findall(text))  # these stand beside the API
        for function, _, path in CALL.findall(text):
            plain = re.sub(r"\$\{(?:[^{}]|\{[^}]*\})*\}", "x", path).partition("?")[0]
            found.add(("POST", plain) if plain in posted else ("POST" if function == "wish" else "GET", f"/api/v1{plain}"))
    return found


def test_1_18_every_button_and_every_page_has_its_twin_in_the_api() -> None:
    described = openapi(ROUTES, "1")["paths"]
    asked = calls()
    assert {path for method, path in asked if method == "POST"} >= {
        "/api/v1/runs/x/cancel",
        "/api/v1/schedules/x/pause",
        "/login",
        "/logout",
    }
    assert len(asked) > 12
    for method, path in sorted(asked):
        found = routed(ROUTES, method, path)
        assert isinstance(found[0], Route), (method, path)
        assert method.lower() in described[found[0].pattern], (method, path)


def test_over_a_socket_a_run_is_asked_for_and_the_browser_is_kept_out(rides: Rides) -> None:
    token = rides.orc("token", "create", "ann", "--scope", "run").splitlines()[0]
    daemon = rides.start("serve", "--poll", "0.1", "--port", "0")
    assert daemon.stdout is not None
    url = next(found[1] for line in daemon.stdout if (found := re.search(r"listening at http://([\d.:]+)/", line)))

    def ask(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, http.client.HTTPMessage]:
        with closing(http.client.HTTPConnection(url, timeout=10)) as connection:
            connection.request(
                method, path, None if body is None else json.dumps(body), {k.replace("_", "-"): v for k, v in headers.items()}
            )
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read()), reply.headers

    rides.until(lambda: ask("GET", "/readyz")[1]["role"] == "leader")
    assert ask("POST", "/api/v1/runs", {"select": ["mart_daily"]})[0] == 401
    status, login, headers = ask("POST", "/login", {"token": token})
    assert status == 200
    cookie = headers["Set-Cookie"].partition(";")[0]
    assert ask("POST", "/api/v1/runs", {"select": ["mart_daily"]}, Cookie=cookie)[0] == 403
    status, said, headers = ask("POST", "/api/v1/runs", {"select": ["mart_daily"]}, Cookie=cookie, X_CSRF_Token=login["csrf"])
    assert (status, headers["X-Content-Type-Options"], headers["Content-Security-Policy"].partition(";")[0]) == (
        202,
        "nosniff",
        "default-src 'none'",
    )
    rides.until(lambda: ask("GET", f"/api/v1/launches/{said['launch']}")[1]["status"] == "passed")
    run = rides.history().run(said["run_id"])
    assert run is not None
    assert (run.actor, run.arguments["select"], dict(run.counts)) == ("user:ann", ["mart_daily"], {"passed": 1})
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(20) == 0
    rows = [(row["kind"], row["actor"].partition("@")[0], row["action"]) for row in reversed(rides.json("audit", "list"))]
    assert rows[1:] == [
        ("anonymous", "", "request.refused"),
        ("user", "ann", "login"),
        ("user", "ann", "run.asked"),
        ("user", "ann", "run.started"),
    ]
    assert rides.orc("audit", "verify").startswith("5 rows, no faults")
    assert token not in rides.logs()


def test_launches_without_a_wish_are_as_they_were(desk: Desk) -> None:
    desk.table.ask(Launch("l", "nightly", "manual", AT))
    (launch,) = desk.table.launches()
    assert (launch.wish, launch.entry) == (None, None)
    assert openapi((), "1")["paths"] == {}
