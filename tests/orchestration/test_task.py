"""`orc task`: one portion of a project, run for another scheduler: what it does, what its end says, what history keeps."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from orchestrator.app.handoff.portioning import refused
from orchestrator.core.errors import OrcError, Problem
from tests.orchestration.test_retries import flaky, on_postgres
from tests.projects.conftest import Make, Project, Result

MODELS = {
    "pyproject.toml": "[tool.orchestrator]\nname = 'rides'\n",
    "models/staging/stg_trips.sql": "{{ config(materialized='table') }} select * from (values (1, 10), (2, 20)) as t (id, fare)",
    "models/core/core_trips.py": """
        import os
        def model(ctx):
            if os.environ.get("BREAK") == "core_trips":
                raise ValueError("broken on purpose")
            if os.environ.get("AWAY") == "core_trips":
                raise ConnectionError("nobody there")
            return ctx.ref("stg_trips").df()
        """,
    "models/marts/mart_earnings.sql": "{{ config(materialized='table') }} select sum(fare) as fare from {{ ref('core_trips') }}",
    "models/marts/mart_daily.sql": "{{ config(materialized='table') }} select 1 as x",
    "models/schema.yml": """
        version: 2
        models: [{name: core_trips, config: {retries: {count: 2, delay: 0s}}, columns: [{name: id, data_tests: [unique]}]}]
        """,
}
RUN = ("--engine-run", "airflow:rides/1")


def task(shop: Project, name: str, *words: str, **env: str) -> Result:
    return shop.orc("task", name, *RUN, *words, env=env)


def did(result: Result) -> dict[str, str]:
    told = json.loads(result.stdout)
    return {Result.name(r["node"]): r["status"] for r in told["results"]}


def runs(shop: Project, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(shop.orc("runs", "--output", "json", *words).exits(0).stdout)
    return found


def test_a_task_builds_its_node_with_its_gates_and_nothing_else(project: Make) -> None:
    shop = project(MODELS)
    task(shop, "model.rides.stg_trips").exits(0)
    done = task(shop, "model.rides.core_trips", "--output", "json").exits(0)
    assert did(done) == {"core_trips": "passed", "unique_core_trips_id": "passed"}
    assert set(shop.relations()) == {"main.stg_trips", "main.core_trips"}


def test_runs_of_one_engine_run_are_found_together(project: Make) -> None:
    shop = project(MODELS)
    for name in ("stg_trips", "mart_daily"):
        task(shop, f"model.rides.{name}").exits(0)
    shop.orc("task", "model.rides.mart_daily", "--engine-run", "airflow:rides/2").exits(0)
    shop.orc("build", "-s", "mart_daily").exits(0)
    together = runs(shop, "--trigger", "airflow:rides/1")
    assert [(r["arguments"]["portion"], r["trigger"], r["command"]) for r in together] == [
        ("model.rides.mart_daily", "airflow:rides/1", "build"),
        ("model.rides.stg_trips", "airflow:rides/1", "build"),
    ]
    assert len(runs(shop)) == 4


@pytest.mark.parametrize("who", ["engine", "orc"])
def test_what_may_pass_ends_in_75_and_what_may_not_in_1(project: Make, who: str) -> None:
    shop = project(MODELS)
    task(shop, "model.rides.stg_trips").exits(0)
    task(shop, "model.rides.core_trips", "--retries", who, AWAY="core_trips").exits(75)
    task(shop, "model.rides.core_trips", "--retries", who, BREAK="core_trips").exits(1)
    tries = [len(shop_node(shop, run["id"])["attempts"]) for run in runs(shop, "--trigger", "airflow:rides/1", "--limit", "2")]
    assert tries == [1, 1 if who == "engine" else 3]  # newest first: what may not pass is tried once by either


def shop_node(shop: Project, run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shop.orc("runs", "show", run, "core_trips", "--output", "json").exits(0).stdout)
    return found


def test_a_gate_that_failed_does_not_pass_by_itself(project: Make) -> None:
    shop = project(MODELS)
    shop.write({"models/staging/stg_trips.sql": "{{ config(materialized='table') }} select 1 as id, 10 as fare from range(2)"})
    task(shop, "model.rides.stg_trips").exits(0)
    assert did(task(shop, "model.rides.core_trips", "--output", "json").exits(1)) == {
        "core_trips": "failed",
        "unique_core_trips_id": "failed",
    }


def test_an_author_says_what_may_pass(project: Make) -> None:
    shop = project(
        {**MODELS, "models/schema.yml": "version: 2\nmodels: [{name: core_trips, config: {retries: {count: 1, delay: 0s, on: any}}}]\n"}
    )
    task(shop, "model.rides.stg_trips").exits(0)
    task(shop, "model.rides.core_trips", "--retries", "engine", BREAK="core_trips").exits(75)


@pytest.mark.parametrize(("code", "passes"), [("S008", True), ("W101", True), ("W207", True), ("W202", False), ("L012", False)])
def test_a_server_that_is_away_is_no_reason_to_give_up(code: str, passes: bool) -> None:
    assert refused(OrcError(Problem(code, "…"))) is passes
    assert refused(OrcError(Problem(code, "…"), Problem("C401", "…"))) is False


def test_a_project_that_is_wrong_is(project: Make) -> None:
    shop = project({**MODELS, "models/bad.sql": "select * from {{ ref('nothing') }}"})
    task(shop, "model.rides.stg_trips").exits(2)


def test_generated_code_that_is_out_of_date_is_told_so(project: Make) -> None:
    shop = project(MODELS)
    assert "there is no task" in task(shop, "model.rides.gone").exits(2).stderr
    shop.orc("export", "airflow", "--single-machine").exits(0)
    before = shop.read("exports/airflow/rides.py")
    digest = before.split('"model.rides.mart_daily", [], "')[1].partition('"')[0]
    task(shop, "model.rides.mart_daily", "--needs", digest).exits(0)
    shop.write({"models/marts/mart_daily.sql": "select * from {{ ref('core_trips') }}"})
    said = task(shop, "model.rides.mart_daily", "--needs", digest).exits(2).stderr
    assert "error[U134]" in said
    assert "`model.rides.mart_daily` needs `model.rides.core_trips` by now" in said


@pytest.mark.parametrize(("hook", "code"), [("", 75), ("pre_hook={'sql': 'select 1', 'transaction': false},", 1)])
def test_what_was_done_in_part_is_not_done_twice(project: Make, own_postgres: str, hook: str, code: int) -> None:
    """A model that the network left: it may pass, unless a hook of it had run outside of its transaction."""
    flaky(own_postgres, 1)
    sql = f"{{{{ config({hook} materialized='table', retries=3) }}}} select flaky() as x"
    shop = on_postgres(project, own_postgres, {"models/m.sql": sql})
    name = next(line for line in shop.orc("ls", "--output", "json").stdout.splitlines() if '"m"' in line)
    task(shop, json.loads(name)["unique_id"], "--retries", "engine").exits(code)


def test_trying_a_portion_again_does_what_is_missing(project: Make) -> None:
    shop = project(MODELS)
    words = ("--granularity", "project", "--output", "json")
    failed = did(task(shop, "project", *words, BREAK="core_trips").exits(1))
    assert failed == {
        "stg_trips": "passed",
        "mart_daily": "passed",
        "core_trips": "failed",
        "unique_core_trips_id": "skipped",
        "mart_earnings": "skipped",
    }
    again = did(task(shop, "project", *words).exits(0))
    assert again == {
        "stg_trips": "reused",
        "mart_daily": "reused",
        "core_trips": "passed",
        "unique_core_trips_id": "passed",
        "mart_earnings": "passed",
    }
    third = did(task(shop, "project", *words).exits(0))  # cleared by hand after a success: somebody wants it anew
    assert set(third.values()) == {"passed"}
    other = did(shop.orc("task", "project", "--engine-run", "airflow:rides/2", *words).exits(0))
    assert set(other.values()) == {"passed"}


def test_another_key_that_begins_the_same_is_another_run(project: Make) -> None:
    shop = project(MODELS)
    for key in ("2026-01-31T00:10", "2026-01-31T00"):
        shop.orc("task", "model.rides.stg_trips", "--engine-run", f"luigi:rides/{key}", "--unless-done").exits(0)
    assert len(runs(shop)) == 2


def test_unless_done_does_nothing_twice(project: Make) -> None:
    shop = project(MODELS)
    task(shop, "model.rides.stg_trips", "--unless-done").exits(0)
    said = task(shop, "model.rides.stg_trips", "--unless-done", "--output", "json").exits(0)
    assert json.loads(said.stdout) == {"portion": "model.rides.stg_trips", "run": None, "code": 0, "results": []}
    assert len(runs(shop)) == 1


def test_one_history_on_a_server_for_all_workers(project: Make, own_postgres: str) -> None:
    """Two workers, each with a folder of its own: what one did under a key, the other knows."""
    words = ("--granularity", "project", "--unless-done", "--output", "json")
    one, other = (project(MODELS, folder=name) for name in ("one", "other"))
    state = {"ORC_STATE_URL": own_postgres}
    task(one, "project", *words, **state).exits(0)
    assert json.loads(task(other, "project", *words, **state).exits(0).stdout)["results"] == []
    together = json.loads(other.orc("runs", "--trigger", "airflow:rides/1", "--output", "json", env=state).exits(0).stdout)
    assert [run["arguments"]["portion"] for run in together] == ["project"]
    assert not (other.root / ".orchestrator" / "state.db").exists()


def test_tasks_that_begin_at_once_on_an_empty_server(project: Make, own_postgres: str) -> None:
    """What the first one makes (schemas, ledger, state), the others find, whichever is first."""
    models = {f"models/m{n}.sql": f"{{{{ config(materialized='table', schema='s{n % 2}') }}}} select 1 as x" for n in range(4)}
    shop = on_postgres(project, own_postgres, models)
    env = shop.process_environment({"ORC_STATE_URL": own_postgres})
    begun = [
        subprocess.Popen(
            shop.command("task", f"model.shop.m{n}", *RUN),
            cwd=shop.root,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for n in range(4)
    ]
    assert [(process.communicate()[0], process.returncode)[1] for process in begun] == [0, 0, 0, 0]
    found = json.loads(shop.orc("runs", "--trigger", "airflow:rides/1", "--output", "json", env={"ORC_STATE_URL": own_postgres}).stdout)
    assert len(found) == 4


def test_0_10_portion_by_portion_is_what_one_build_would_have_been(project: Make) -> None:
    whole = project(MODELS, folder="whole")
    whole.orc("build", env={"BREAK": "core_trips"}).exits(1)
    parts = project(MODELS, folder="parts")
    found: dict[str, str] = {}
    for name, code in (("stg_trips", 0), ("mart_daily", 0), ("core_trips", 1)):  # what needs core_trips, no engine calls
        found |= did(task(parts, f"model.rides.{name}", "--output", "json", BREAK="core_trips").exits(code))
    (last,) = json.loads(whole.orc("runs", "--output", "json").stdout)
    nodes = json.loads(whole.orc("runs", "show", last["id"], "--output", "json").stdout)["nodes"]
    words = {"success": "passed", "error": "failed"}
    expected = {Result.name(n["node"]): words.get(n["status"], n["status"]) for n in nodes}
    assert expected == {**found, "mart_earnings": "skipped"}
    assert whole.relations() == parts.relations()
