"""What `orc serve` answers: signs of life, metrics, triggers. Requests as values; one test over a real socket."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import re
import signal
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.core.schedule import Schedule, Trigger
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.decide import admit
from orchestrator.schedule.spec import Spec
from orchestrator.serve.asking import Reply, Request
from orchestrator.serve.desk import Desk as Surroundings
from orchestrator.serve.keys import Keys
from orchestrator.serve.requests import Requests

if TYPE_CHECKING:
    from tests.orchestration.rides import Rides

TOKEN = "0123456789abcdef"
SPEC = Spec(
    {"nightly": Schedule("nightly", cron="@daily")},
    {
        "loaded": Trigger("loaded", Schedule("loaded", vars={"day": "2026-01-01", "n": 1, "any": None}), debounce=60),
        "once": Trigger("once", Schedule("once", overlap="skip")),
    },
)


class Desk:
    """Requests at a time that is set by hand."""

    def __init__(self, folder: Path, *, guarded: bool = False, keys: Keys | None = None) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.beat = self.now
        self.table = Timetable(folder / "state.db", pid=1, host="h")
        given = Keys({"ci": TOKEN}, "shared") if keys is None else keys
        surroundings = Surroundings(
            self.table, lambda: SPEC, lambda: self.now, leads=lambda: True, beat=lambda: self.beat, guarded=guarded, version="1"
        )
        self.answer = Requests(surroundings, given)

    def get(self, path: str, **headers: str) -> Reply:
        return self.answer(Request("GET", path, headers))

    def post(self, name: str, body: Any = None, token: str | None = TOKEN, **headers: str) -> Reply:
        given = {**({"authorization": f"Bearer {token}"} if token else {}), **{k.replace("_", "-"): v for k, v in headers.items()}}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.answer(Request("POST", f"/api/v1/triggers/{name}", given, raw))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.table.close()


def test_0_5_a_trigger_puts_a_run_in_the_queue_and_says_which(desk: Desk) -> None:
    reply = desk.post("loaded", {"day": "2026-01-02"})
    assert reply.status == 202
    (launch,) = desk.table.launches()
    assert (launch.trigger, launch.actor, launch.vars["day"], launch.vars["n"]) == ("api", "token:ci", "2026-01-02", 1)
    assert reply.body["launch"] == launch.id
    assert re.fullmatch(r"[0-9a-f-]{36}", reply.body["run_id"])
    assert desk.get(f"/api/v1/launches/{launch.id}").body["status"] == "queued"


def test_1_3_fifty_requests_in_ten_seconds_are_one_run_that_waits_for_the_last(desk: Desk) -> None:
    for _ in range(50):
        assert desk.post("loaded").status == 202
        desk.now += timedelta(seconds=0.2)
    (launch,) = desk.table.launches()
    assert launch.not_before == desk.now + timedelta(seconds=59.8)
    assert admit(SPEC, desk.table.board(), desk.now + timedelta(seconds=50))[0] == ()
    assert admit(SPEC, desk.table.board(), desk.now + timedelta(seconds=60))[0] == (launch.id,)
    desk.post("loaded", {"n": 2})
    assert len(desk.table.launches()) == 2  # other variables are another run


def test_the_same_key_is_the_same_run(desk: Desk) -> None:
    first = desk.post("once", idempotency_key="a")
    desk.table.begin(first.body["launch"], "r", desk.now)
    desk.table.end(first.body["launch"], "passed", desk.now)
    desk.now += timedelta(hours=1)
    again = desk.post("once", idempotency_key="a")
    assert (again.status, again.body["launch"], again.body["status"]) == (202, first.body["launch"], "passed")
    assert desk.post("once", idempotency_key="b").body["launch"] != first.body["launch"]
    assert desk.post("once", idempotency_key="c").status == 409  # overlap: skip


@pytest.mark.parametrize(
    ("token", "status"), [(None, 401), ("", 401), ("wrong", 401), (TOKEN + "x", 401), (TOKEN[:-1], 401), ("ü" * 16, 401), (TOKEN, 202)]
)
def test_nobody_without_a_token_starts_anything(desk: Desk, token: str | None, status: int) -> None:
    assert desk.post("once", token=token).status == status
    assert len(desk.table.launches()) == (status == 202)


def test_a_signature_is_worth_five_minutes(desk: Desk) -> None:
    def signed(at: datetime, body: bytes, secret: str = "shared") -> Reply:
        stamp = str(int(at.timestamp()))
        mark = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return desk.post("loaded", b'{"n": 3}', token=None, x_timestamp=stamp, x_signature_256=f"sha256={mark}")

    assert signed(desk.now, b'{"n": 3}').status == 202
    assert signed(desk.now - timedelta(minutes=6), b'{"n": 3}').status == 401
    assert signed(desk.now, b'{"n": 4}').status == 401
    assert signed(desk.now, b'{"n": 3}', "other").status == 401


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"x"', b'{"other": 1}', b'{"n": "1"}', b'{"n": true}', b'{"day": 5}', b"[" * 60_000])
def test_bodies_bring_only_declared_variables_of_their_types(desk: Desk, body: bytes) -> None:
    assert desk.post("loaded", body).status == 400
    assert desk.table.launches() == ()


def test_guessing_is_stopped(desk: Desk) -> None:
    assert [desk.post("once", token="wrong").status for _ in range(21)] == [401] * 20 + [429]
    assert desk.post("once").status == 429
    desk.now += timedelta(minutes=2)
    assert desk.post("once").status == 202


def test_without_keys_nothing_can_be_triggered_and_unknown_things_are_not_there(tmp_path: Path) -> None:
    desk = Desk(tmp_path, keys=Keys())
    assert desk.post("once").status == 403
    assert [desk.get(p).status for p in ("/", "/api/v1/launches/x", "/api/v1/triggers/once", "/metrics/x")] == [404, 404, 405, 404]
    desk.table.close()


def test_signs_of_life(desk: Desk) -> None:
    assert desk.get("/healthz").status == 200
    assert desk.get("/readyz").body == {"status": "ready", "role": "leader"}
    desk.now += timedelta(minutes=5)
    assert desk.get("/healthz").status == 503


def test_off_loopback_metrics_need_a_token_and_signs_of_life_do_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path, guarded=True)
    assert desk.get("/metrics").status == 401
    assert desk.get("/metrics", authorization=f"Bearer {TOKEN}").status == 200
    assert desk.get("/healthz").status == 200
    desk.table.close()


def test_0_22_metrics_are_what_prometheus_reads(desk: Desk) -> None:
    desk.post("once")
    desk.table.begin(desk.table.launches()[0].id, "r", desk.now)
    desk.table.end(desk.table.launches()[0].id, "failed", desk.now, code=1)
    text = desk.get("/metrics").body
    samples = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            found = re.fullmatch(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)+\})? (\S+)', line)
            assert found, line
            samples[found[1] + (found[2] or "")] = float(found[3])
    assert samples['orc_launches_total{schedule="once",status="failed"}'] == 1
    assert samples["orc_leader"] == 1
    assert samples["orc_queue_depth"] == samples["orc_running"] == 0
    assert text.endswith("\n")


def test_over_a_socket_a_trigger_runs(rides: Rides) -> None:
    rides.schedules("triggers: {daily: {select: mart_daily, vars: {day: x}}}\n")
    daemon = rides.start("serve", "--poll", "0.1", "--port", "0", ORC_TOKENS=f"ci={TOKEN}")
    assert daemon.stdout is not None
    url = next(found[1] for line in daemon.stdout if (found := re.search(r"listening at http://([\d.:]+)/", line)))

    def ask(method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, Any]:
        with closing(http.client.HTTPConnection(url, timeout=10)) as connection:
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())

    assert ask("GET", "/healthz") == (200, {"status": "ok"})
    assert ask("GET", "/healthz", Host="evil.example")[0] == 421
    assert ask("POST", "/api/v1/triggers/daily", "x" * 70_000, Authorization=f"Bearer {TOKEN}")[0] == 413
    rides.until(lambda: ask("GET", "/readyz")[1]["role"] == "leader")
    status, said = ask("POST", "/api/v1/triggers/daily", '{"day": "y"}', Authorization=f"Bearer {TOKEN}")
    assert status == 202
    rides.until(lambda: ask("GET", f"/api/v1/launches/{said['launch']}")[1]["status"] == "passed")
    run = rides.history().run(said["run_id"])
    assert run is not None
    assert (run.arguments["launch"], run.trigger) == (said["launch"], "api:daily")
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(20) == 0


def test_nobody_listens_to_others_without_a_token(rides: Rides) -> None:
    assert "U092" in rides.orc("serve", "--host", "0.0.0.0", "--port", "0", code=2)
    assert "U092" in rides.orc("serve", "--host", "0.0.0.0", "--port", "0", code=2, ORC_TOKENS="ci=short")
