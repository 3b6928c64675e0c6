"""Acceptance checks of runs: order, parallelism, what stops and what goes on, incremental history, plans."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from orchestrator.app.examples import example
from orchestrator.core.event import Event, RunStarted
from orchestrator.core.plan import Plan, Task
from orchestrator.core.schedule import Board, Launch, Limits, Schedule
from orchestrator.execute.execute import execute
from orchestrator.schedule.decide import admit, decide
from orchestrator.schedule.remember import began, ended
from orchestrator.schedule.spec import Spec
from tests.projects.conftest import Project
from tests.unit.execute.conftest import FakeConnection, FakeWarehouse, table, workshop

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 1, 1, tzinfo=UTC)


def executed(tasks: tuple[Task, ...], on: dict[str, Callable[[], None]], threads: int = 8) -> list[Event]:
    plan = Plan("build", tasks, threads=threads)
    shop = workshop(plan.tasks)
    warehouse: Any = FakeWarehouse([FakeConnection(on=on) for _ in range(threads)])
    start = RunStarted(AT, "r1", plan.command, "0", "dev", plan.threads, plan.total)
    return list(execute(plan, shop.graph, warehouse, shop, start))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_0_12_no_model_of_any_dag_begins_before_its_parents_have_ended(data: st.DataObject) -> None:
    """Random graphs, random durations, eight threads. Also 3.14 and 3.15."""
    size = data.draw(st.integers(2, 12))
    needs = {n: data.draw(st.sets(st.integers(0, n - 1), max_size=3)) if n else set() for n in range(size)}
    naps = [data.draw(st.sampled_from([0.0, 0.0, 0.0005, 0.002])) for _ in range(size)]
    told: list[tuple[str, int]] = []
    guard = threading.Lock()

    def say(what: str, n: int) -> Callable[[], None]:
        def heard() -> None:
            with guard:
                told.append((what, n))
            if what == "begins" and naps[n]:
                threading.Event().wait(naps[n])

        return heard

    on = {f"make m{n}": say("begins", n) for n in range(size)} | {f"swap m{n}": say("ends", n) for n in range(size)}
    tasks = tuple(table(f"m{n}", needs=tuple(f"m{p}" for p in sorted(needs[n]))) for n in range(size))
    executed(tuple(data.draw(st.permutations(tasks))), on)
    place = {event: index for index, event in enumerate(told)}
    assert len(place) == 2 * size
    assert all(place["ends", parent] < place["begins", child] for child, parents in needs.items() for parent in parents)


def test_0_3_the_graph_is_read_off_the_queries(project: Callable[..., Project]) -> None:
    """Nobody declares a dependency; a join that is added is an edge."""
    shop = project(
        {
            "models/raw.sql": "select 1 as user_id, 2 as fare",
            "models/users.sql": "select 1 as user_id",
            "models/stg.sql": "with raw as (select * from main.raw) select * from raw",
            "models/core.sql": "select user_id, fare from stg where fare >= (select 0)",
        }
    )

    def edges() -> dict[str, list[str]]:
        listed = [
            json.loads(line)
            for line in shop.orc("ls", "--output", "json", "--output-keys", "name", "depends_on").exits(0).stdout.splitlines()
        ]
        return {each["name"]: sorted(parent.split(".")[-1] for parent in each["depends_on"]["nodes"]) for each in listed}

    assert edges() == {"raw": [], "users": [], "stg": ["raw"], "core": ["stg"]}
    shop.write({"models/core.sql": "select stg.user_id, fare from stg join users on stg.user_id = users.user_id"})
    assert edges()["core"] == ["stg", "users"]


def test_0_27_a_project_is_one_file(project: Callable[..., Project]) -> None:
    alone = project({"models/a.sql": "select 1 as x\n"})
    alone.orc("build").exits(0)
    assert alone.query("select x from main.a") == [(1,)]


def test_1_12_what_depends_on_a_failure_is_not_even_tried(project: Callable[..., Project]) -> None:
    """With 4.11: the row of each names who is to blame; the branch beside it is built."""
    rides = project(dict(example("rides")))
    rides.orc("build", env={"BREAK": "stg_trips"}).exits(1)
    shown = json.loads(rides.orc("runs", "show", "last", "--output", "json").stdout)
    nodes = {each["name"]: each for each in shown["nodes"]}
    for name in ("core_trips", "mart_earnings", "py_features"):
        assert (nodes[name]["status"], nodes[name]["because"], nodes[name]["attempts"]) == ("skipped", "model.rides.stg_trips", []), name
    assert len(nodes["stg_trips"]["attempts"]) == 1
    assert nodes["mart_daily"]["status"] == "success"


def test_3_13_a_block_alone_is_what_it_is_in_the_whole(project: Callable[..., Project]) -> None:
    rides = project(dict(example("rides")))
    rides.orc("build", "--exclude", "py_features").exits(0)
    whole = rides.query("select * from main.core_trips order by all")
    rides.change("delete from main.core_trips where trip_id % 2 = 0")
    alone = rides.orc("run", "-s", "core_trips").exits(0)
    assert rides.query("select * from main.core_trips order by all") == whole
    assert [r["unique_id"] for r in alone.run_results["results"] if r["unique_id"].startswith("model.")] == ["model.rides.core_trips"]


def test_4_15_a_plan_says_what_is_missing_and_afterwards_that_nothing_is(project: Callable[..., Project]) -> None:
    shop = project({"seeds/a.csv": "x\n1\n", "models/b.sql": "select x from a", "models/c.sql": "select x from b"})
    planned = shop.orc("plan", "--exit-code").exits(3).stdout
    assert all(name in planned for name in ("main.a", "main.b", "main.c")), planned
    shop.orc("build").exits(0)
    shop.orc("plan", "--exit-code").exits(0)


TAXI = """
import json, urllib.error, urllib.request
import pyarrow as pa
from orchestrator import Retry

def model(ctx):
    page = 1
    while page:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ctx.var('port')}/trips?page={page}", timeout=5) as reply:
                found = json.load(reply)
        except urllib.error.HTTPError as error:
            raise Retry(f"the API says {error.code}") from None
        yield pa.table({"trip": found["trips"]})
        page = found["next"]
"""


def test_2_1_an_api_is_read_page_by_page_and_asked_again_after_an_error(project: Callable[..., Project]) -> None:
    answers = [500, 500, 200, 200, 200]

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = int(self.path.partition("=")[2])
            body = json.dumps({"trips": [page * 10, page * 10 + 1], "next": page % 3 + 1 if page < 3 else None}).encode()
            self.send_response(answers.pop(0))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        retries = "models: [{name: raw_taxi, config: {retries: {count: 2, delay: 10ms, jitter: 0}}}]"
        shop = project({"models/raw_taxi.py": TAXI, "models/m.yml": retries})
        shop.orc("build", "--vars", f"{{port: {server.server_port}}}").exits(0)
        server.shutdown()
    assert answers == []
    assert shop.query("select trip from main.raw_taxi order by 1") == [(10,), (11,), (20,), (21,), (30,), (31,)]
    shown = json.loads(shop.orc("runs", "show", "last", "--output", "json").stdout)
    (node,) = shown["nodes"]
    assert [each["status"] for each in node["attempts"]] == ["failed_transient", "failed_transient", "success"]


TRAIN = """
import json
from pathlib import Path
import pandas as pd

def model(ctx):
    rides = ctx.ref("rides").df()
    good, bad = (rides.loc[rides["tipped"] == word, "minutes"] for word in (1, 0))
    limit = (good.mean() + bad.mean()) / 2
    pairs = [(g < b) + 0.5 * (g == b) for g in good for b in bad]  # quick rides are tipped
    Path("classifier.json").write_text(json.dumps({"tipped_below": limit}))
    return pd.DataFrame({"auc": [sum(pairs) / len(pairs)], "artefact": ["classifier.json"]})
"""


@pytest.mark.parametrize(("minutes", "deployed"), [((5, 6, 7, 20, 30, 40), True), ((20, 5, 40, 6, 30, 7), False)])
def test_3_18_a_trained_model_is_deployed_only_when_it_is_good_enough(
    project: Callable[..., Project], minutes: tuple[int, ...], deployed: bool
) -> None:
    """Metrics are a row, the artefact a file, and `when` the gate of what comes after."""
    rows = ", ".join(f"({m}, {int(n < 3)})" for n, m in enumerate(minutes))
    gate = "{{ config(materialized='table', when=\"select auc > 0.7 from {{ ref('py_train') }}\") }}\nselect artefact from {{ ref('py_train') }}"
    shop = project(
        {
            "models/rides.sql": f"select * from (values {rows}) as t (minutes, tipped)",
            "models/py_train.py": TRAIN,
            "models/deploy.sql": gate,
        }
    )
    built = shop.orc("build").exits(0)
    assert built.statuses["deploy"] == ("success" if deployed else "skipped")
    assert ("main.deploy" in shop.relations()) is deployed
    assert (shop.root / "classifier.json").is_file()


DAU = """
{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='day', batch_size='day', begin='BEGIN', lookback=1) }}
select cast(seen as date) as day, count(distinct person) as people from events group by 1
"""


def test_1_4_daily_active_users_with_late_rows_are_those_of_a_full_rebuild(project: Callable[..., Project]) -> None:
    today = datetime.now(UTC).date()
    days = [(today - timedelta(days=back)).isoformat() for back in (2, 1, 0)]
    dice = random.Random(4)
    rows = [f"{day} {dice.randrange(24):02}:00:00,{dice.randrange(9)}" for day in days for _ in range(12)]
    seeds = "seeds: [{name: events, config: {event_time: seen, column_types: {seen: timestamp}}}]"
    shop = project(
        {"seeds/events.csv": "seen,person\n" + "\n".join(rows), "seeds/s.yml": seeds, "models/dau.sql": DAU.replace("BEGIN", days[0])}
    )
    shop.orc("build").exits(0)
    late = [f"{days[1]} 23:00:00,{person}" for person in (20, 21, 22)]
    shop.write({"seeds/events.csv": "seen,person\n" + "\n".join([*rows, *late])})
    shop.orc("build").exits(0)
    kept = shop.query("select * from main.dau order by day")
    shop.orc("build", "--full-refresh").exits(0)
    assert kept == shop.query("select * from main.dau order by day")
    assert kept[1][1] == len({line.partition(",")[2] for line in [*rows, *late] if line.startswith(days[1])})


def test_3_19_no_dependency_takes_the_licence_away() -> None:
    """Everything that `pip install` brings along is free to use and to redistribute; nothing asks for an account."""
    seen: dict[str, str] = {}
    texts = [
        text.partition("#")[0].strip(' ",')
        for text in (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("dependencies = [")[2].partition("\n]")[0].splitlines()
    ]
    pending = [Requirement(text).name for text in texts if text]
    assert len(pending) > 8
    while pending:
        name = pending.pop().lower()
        if name in seen:
            continue
        about: Any = metadata.metadata(name)
        said: list[Any] = [
            about.get("License-Expression"),
            about.get("License"),
            *(c for c in about.get_all("Classifier") or () if "License" in c),
        ]
        seen[name] = "; ".join(text.splitlines()[0] for text in said if text)
        for text in metadata.requires(name) or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                pending.append(needed.name)
    assert {name: said for name, said in seen.items() if not said or "GPL" in said.upper().replace("LGPL", "")} == {}
    words = ("license_key", "licence_key", "analytics.track", "sentry_sdk", "segment.io", "posthog")
    sources = sorted((ROOT / "orchestrator").rglob("*.py"))
    assert [p.name for p in sources for word in words if word in p.read_text(encoding="utf-8")] == []
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_0_28_a_pool_that_is_made_smaller_ends_nothing_and_begins_nothing_until_it_fits() -> None:
    """`pools` in schedules.yml is read again while `orc serve` runs."""
    names = "abcdef"

    def spec(width: int) -> Spec:
        return Spec({n: Schedule(n, every=600, pool="wh") for n in names}, {}, Limits(9, {"wh": width}))

    board = Board({}, tuple(Launch(n, n, "manual", AT, pool="wh") for n in names))
    for name in admit(spec(4), board, AT)[0]:
        board = began(board, name, AT)
    running = [each.id for each in board.launches if each.status == "running"]
    assert running == ["a", "b", "c", "d"]
    for name in running:
        assert admit(spec(1), board, AT)[0] == ()
        assert decide(spec(1), board, AT).stops == ()
        board = ended(board, name, "passed", AT)
    assert admit(spec(1), board, AT)[0] == ("e",)
