"""Acceptance checks of runs: order, parallelism, what stops and what goes on, incremental history, plans."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from orchestrator.app.examples import example
from orchestrator.core.errors import ExecuteError, Problem
from orchestrator.core.event import Event, NodeFinished, RunStarted, Status
from orchestrator.core.plan import Plan, Task
from orchestrator.execute.execute import execute
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


def test_3_1_two_hundred_models_use_all_eight_threads_and_are_counted() -> None:
    guard, running, peak = threading.Lock(), set(), 0
    together = threading.Barrier(8)
    on: dict[str, Callable[[], None]] = {}

    def begin(n: int) -> None:
        nonlocal peak
        with guard:
            running.add(n)
            peak = max(peak, len(running))
        if n < 8:
            together.wait(10)  # the first eight are under way at once, or this breaks

    for n in range(200):
        on[f"make m{n}"] = lambda n=n: begin(n)  # type: ignore[misc]
        on[f"swap m{n}"] = lambda n=n: running.discard(n)  # type: ignore[misc]
    ends = [e for e in executed(tuple(table(f"m{n}") for n in range(200)), on) if isinstance(e, NodeFinished)]
    assert peak == 8
    assert [e.status for e in ends] == [Status.PASSED] * 200


def test_4_3_branches_run_side_by_side_and_a_broken_one_stops_its_own_descendants() -> None:
    meeting = threading.Barrier(2)

    def well() -> None:
        meeting.wait(10)  # both branches are under way

    def broken() -> None:
        well()
        raise ExecuteError(Problem("X100", "broken"))

    tasks = (table("a1"), table("a2", needs=("a1",)), table("b1"), table("b2", needs=("b1",)), table("both", needs=("a2", "b2")))
    ends = executed(tasks, {"make a1": broken, "make b1": well})
    statuses = {e.node: e.status for e in ends if isinstance(e, NodeFinished)}
    assert statuses == {
        "a1": Status.FAILED,
        "a2": Status.SKIPPED,
        "b1": Status.PASSED,
        "b2": Status.PASSED,
        "both": Status.SKIPPED,
    }


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
    rides = project(dict(example("rides")))
    planned = rides.orc("plan").exits(0)
    for name in ("stg_trips", "stg_users", "core_trips", "mart_earnings", "mart_daily", "py_features"):
        assert name in planned.stdout
    rides.orc("plan", "--exit-code").exits(3)
    rides.orc("build").exits(0)
    rides.orc("plan", "--exit-code").exits(0)


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
    words = ("license_key", "telemetry.", "analytics.track", "sentry_sdk", "segment.io")
    sources = sorted((ROOT / "orchestrator").rglob("*.py"))
    assert [p.name for p in sources for word in words if word in p.read_text(encoding="utf-8")] == []
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
