"""0.6, 2.6, 3.5, 4.13 with a real `orc serve`: pages and API in one process, what happens as it happens; the documentation made anew."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.app.web.generating import PLACE, Generating
from orchestrator.app.web.routes import ROUTES
from orchestrator.serve.site import Site
from tests.orchestration.rides import ROOT, Rides

SECRET = "hush-nobody-may-read-this"


class Live:
    """Somebody who asks a daemon."""

    def __init__(self, rides: Rides, **variables: str) -> None:
        self.daemon = rides.start("serve", "--poll", "0.1", "--port", "0", **variables)
        assert self.daemon.stdout is not None
        self.place = next(found[1] for line in self.daemon.stdout if (found := re.search(r"listening at http://([\d.:]+)/", line)))

    def ask(self, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        with closing(http.client.HTTPConnection(self.place, timeout=20)) as connection:
            connection.request("GET", path, headers=headers)
            reply = connection.getresponse()
            return reply.status, reply.read().decode(), {k.lower(): v for k, v in reply.getheaders()}

    def get(self, path: str) -> Any:
        status, said, _ = self.ask(f"/api/v1{path}")
        assert status == 200, said
        return json.loads(said)

    def stream(self, path: str) -> Iterator[tuple[float, str, dict[str, Any]]]:
        """Events as they come, each with the time at which it came."""
        with closing(http.client.HTTPConnection(self.place, timeout=20)) as connection:
            connection.request("GET", f"/api/v1{path}")
            reply = connection.getresponse()
            assert (reply.status, reply.getheader("Content-Type")) == (200, "text/event-stream; charset=utf-8")
            kind = ""
            while line := reply.readline().decode().rstrip("\n") or (" " if not reply.isclosed() else ""):
                if line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: "):
                    yield time.time(), kind, json.loads(line[6:])
                    if kind == "end":
                        return


def test_0_6_2_6_3_5_4_13_one_process_shows_what_happens_while_it_happens(rides: Rides) -> None:
    leaky = "import os\n\ndef model(ctx):\n    ctx.ref('mart_daily')\n    raise ValueError('nope ' + os.environ['ORC_SECRET_PW'])\n"
    (rides.root / "models" / "leaky.py").write_text(leaky, encoding="utf-8")
    live = Live(rides, ORC_SECRET_PW=SECRET)
    run = rides.start("build", SLOW="1.2", ORC_SECRET_PW=SECRET)
    id_ = rides.until(lambda: next((r["id"] for r in live.get("/runs")["runs"]), None))

    seen: dict[str, list[str]] = {}
    numbers: list[int] = []
    for came, kind, data in live.stream(f"/runs/{id_}/events"):
        if kind == "end":
            break
        numbers.append(data["sequence"])
        if kind == "node":
            seen.setdefault(data["node"].split(".")[2], []).append(data["status"])
            if data["node"].endswith("core_trips") and data["status"] == "running":
                shown = {node["name"]: node["status"] for node in live.get(f"/runs/{id_}")["nodes"]}
                assert (shown["stg_trips"], shown["core_trips"], shown["mart_earnings"]) == ("success", "running", "pending")
            if data["node"].endswith("core_trips") and data["status"] == "success":
                assert came - datetime.fromisoformat(data["at"]).timestamp() < 2
    assert numbers == list(range(len(numbers)))
    good = ["queued", "running", "success"]
    assert (seen["stg_trips"], seen["core_trips"], seen["leaky"]) == (good, good, ["queued", "running", "error"])
    assert run.wait(20) == 1

    # What the page draws (ui/test/browser/live.test.mjs counts the boxes): each model once, with its status and what it is built from.
    drawn = {node["name"]: (node["status"], node["parents"]) for node in live.get(f"/runs/{id_}")["nodes"]}
    assert drawn["core_trips"] == ("success", ["model.rides.stg_trips"])
    assert drawn["leaky"] == ("error", ["model.rides.mart_daily"])
    assert sorted(drawn) == ["core_trips", "leaky", "mart_daily", "mart_earnings", "stg_trips"]

    # No secret is in anything that is told of it.
    told = [live.ask(f"/api/v1/runs/{id_}{more}")[1] for more in ("", "/nodes/leaky", "/logs", "/logs?format=text", "/events")]
    assert all(told)
    assert not any(SECRET in text for text in told)
    assert "nope" in told[0]

    # The jobs of docs/live.md, each at its place, all in this process.
    rides.until(lambda: live.ask("/data/project.json")[0] == 200)
    jobs = re.findall(r"^\| [^|]+ \| `(/[^`]*)` \|$", (ROOT / "docs" / "live.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(jobs) == 7
    for place in jobs:
        status, said, headers = live.ask(place.replace("ID", id_).replace("NAME", "core_trips"))
        if status == 302:
            assert headers["location"].startswith("/#/")
            status, said, headers = live.ask(headers["location"].partition("#")[0])
        assert (status, "orc-live" in said) == (200, True)
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
    if Path("/proc").is_dir():
        rides.until(lambda: not _children(live.daemon.pid))
    live.daemon.send_signal(signal.SIGTERM)
    assert live.daemon.wait(20) == 0


def _children(pid: int) -> list[str]:
    """Processes that a process has; questions about the project come and go."""
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            said = each.read_text()
        except OSError:
            continue
        if said.rpartition(")")[2].split()[1] == str(pid):
            found.append(said)
    return found


def test_the_documentation_is_made_anew_and_a_broken_project_leaves_it_as_it_was(rides: Rides) -> None:
    site = Site(Path(), rides.root / PLACE)
    said: list[str] = []
    making = Generating(rides.root, site, lambda: 1, said.append, (), {**rides.env, "PATH": os.environ["PATH"]})
    making.make()
    assert ({node["name"] for node in site.known().nodes}, said) == ({"core_trips", "mart_daily", "mart_earnings", "stg_trips"}, [])
    (rides.root / "models" / "mart_daily.sql").write_text("select * from {{ ref('nowhere') }}\n", encoding="utf-8")
    making.make()
    assert "nowhere" in site.trouble
    assert said[0].startswith("the pages show the project as it was")
    assert len(site.known().nodes) == 4
    (rides.root / "models" / "mart_daily.sql").unlink()
    making.make()
    assert (site.trouble, len(site.known().nodes)) == ("", 3)


def test_1_18_everything_that_a_page_asks_for_is_in_the_description() -> None:
    """The page has no way into the server that others do not have."""
    api = {(r.method, re.sub(r"\{\w+\}", "{}", r.pattern)) for r in ROUTES if r.pattern.startswith("/api/v1") and not r.page}
    asked: set[tuple[str, str]] = set()
    for path in (ROOT / "ui" / "src" / "live").glob("*.ts*"):
        text = path.read_text(encoding="utf-8")
        for way, found in re.findall(r"(useFresh|ask|wish|address)(?:<[^(]*>)?\(\s*[`\"](/[^`\"?]*)", text):
            pattern = re.sub(r"\$\{part\([^}]*\)\}", "{}", found)
            pattern = re.sub(r"\$\{[^}]*\}$", "", pattern)
            asked.add(("POST" if way == "wish" else "GET", f"/api/v1{pattern}"))
    assert len(asked) > 15, asked
    assert asked <= api, asked - api


@pytest.mark.parametrize("route", [r for r in ROUTES if r.method == "GET" and "{" not in r.pattern], ids=lambda r: r.pattern)
def test_every_question_has_a_scope_and_a_sentence(route: Any) -> None:
    assert route.summary.endswith(".")
    assert route.scope in ("open", "read", "run")
    assert (route.scope == "run") == (route.pattern == "/api/v1/audit")  # who did what is for those who may do it, too
