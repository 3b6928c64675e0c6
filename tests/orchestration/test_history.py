"""0.5, 0.6, 0.9, 0.14, 0.16, 0.21: what happened can be asked for, by people and by programs, while it happens and after."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.orchestration.test_retries import counting, yaml
from tests.projects.conftest import Make, Project

FILES = {
    "models/stg.sql": "{{ config(materialized='table') }} select 1 as id, -5 as fare union all select 2, 7",
    "models/core.sql": "{{ config(materialized='table') }} select id, fare from {{ ref('stg') }}",
    "models/mart.sql": "select sum(fare) as fare from {{ ref('core') }}",
    "models/top.sql": "select count(*) as n from {{ ref('mart') }}",
    "models/alone.sql": "select 1 as x",
}
GATE = "version: 2\nmodels:\n  - name: core\n    columns: [{name: fare, data_tests: [{accepted_values: {arguments: {values: [7]}}}]}]\n"


def asked(project: Project, *words: str) -> Any:
    return json.loads(project.orc(*words, "--output", "json").exits(0).stdout)


def node(shown: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [n for n in shown["nodes"] if n["name"] == name]
    return dict(found)


class TestRuns:
    def test_0_9_one_id_joins_everything_that_is_known_of_a_run(self, project: Make) -> None:
        made = project({**FILES, "models/p.yml": GATE})
        for line in ("git init -q .", "git add -A", "git -c user.name=a -c user.email=a@b commit -qm x"):
            subprocess.run(line.split(), cwd=made.root, check=True)
        sha = subprocess.run(["git", "rev-parse", "HEAD"], cwd=made.root, check=True, capture_output=True, text=True).stdout.strip()
        made.orc("build", env={"ORC_ACTOR": "ann", "ORC_TRIGGER": "schedule:nightly"}).exits(1)
        shown = asked(made, "runs", "show", "last")
        run = shown["run"]
        assert (run["git_sha"], run["actor"], run["trigger"], run["status"], run["target"]) == (
            sha,
            "ann",
            "schedule:nightly",
            "failed",
            "dev",
        )
        assert (node(shown, "stg")["rows"], node(shown, "stg")["reason"]) == (2, "does not exist yet")
        assert node(shown, "accepted_values_core_fare__7")["failures"] == 1
        assert node(shown, "core")["problem"]["code"] == "X300"
        one = asked(made, "runs", "show", run["id"], "stg")
        assert "create or replace table" in one["sql"]

    def test_whether_files_were_as_committed(self, project: Make) -> None:
        made = project({**FILES, ".gitignore": "/target/\n/.orchestrator/\n*.duckdb*\n"})
        for line in ("git init -q .", "git add -A", "git -c user.name=a -c user.email=a@b commit -qm x"):
            subprocess.run(line.split(), cwd=made.root, check=True)
        made.orc("run", "-s", "alone").exits(0)
        assert asked(made, "runs")[0]["dirty"] is False
        made.write({"models/alone.sql": "select 2 as x"}).orc("run", "-s", "alone").exits(0)
        assert asked(made, "runs")[0]["dirty"] is True

    def test_are_sought_by_status_target_and_time(self, project: Make) -> None:
        profiles = "p: {target: dev, outputs: {dev: {type: duckdb, path: dev.duckdb}, prod: {type: duckdb, path: prod.duckdb}}}\n"
        made = project({"pyproject.toml": '[tool.orchestrator]\nname = "p"\n', "profiles.yml": profiles, "models/a.sql": "select 1 as x"})
        made.orc("run").exits(0)
        made.orc("run", "--target", "prod").exits(0)
        made.write({"models/a.sql": "select nope"}).orc("run").exits(1)
        assert [(r["target"], r["status"]) for r in asked(made, "runs")] == [("dev", "failed"), ("prod", "passed"), ("dev", "passed")]
        assert [r["target"] for r in asked(made, "runs", "--status", "passed")] == ["prod", "dev"]
        assert [r["status"] for r in asked(made, "runs", "--target", "prod")] == ["passed"]
        assert asked(made, "runs", "--since", "2999-01-01") == []
        assert len(asked(made, "runs", "--since", "1h", "--limit", "2")) == 2
        assert "U081" in made.orc("runs", "--since", "soon").exits(2).stderr

    def test_0_14_a_page_names_model_place_error_and_what_was_skipped_because_of_it(self, project: Make) -> None:
        made = project({**FILES, "models/core.sql": "{{ config(materialized='table') }} select id,\n  fares from {{ ref('stg') }}"})
        made.orc("build").exits(1)
        page = made.orc("runs", "show").exits(0).stdout
        assert re.search(r"mart +skipped .*because of core", page)
        assert "models/core.sql:2:3" in page
        assert "fares" in page
        assert re.search(r"stg +success +\d+\.\d\ds +█", page)

    def test_prune_forgets_old_ones_only(self, project: Make) -> None:
        made = project(FILES)
        made.orc("run", "-s", "alone").exits(0)
        assert "Forgot 0 runs" in made.orc("runs", "prune", "--keep", "1d").exits(0).stderr
        assert "Forgot 1 run" in made.orc("runs", "prune", "--keep", "0s").exits(0).stderr
        assert asked(made, "runs") == []
        assert "U082" in made.orc("runs", "prune").exits(2).stderr

    def test_how_long_they_are_remembered_is_a_setting(self, project: Make) -> None:
        made = project({**FILES, "pyproject.toml": '[tool.orchestrator]\nname = "p"\n[tool.orchestrator.history]\nkeep = "1ms"\n'})
        made.orc("run", "-s", "alone").exits(0)
        time.sleep(0.01)
        made.orc("run", "-s", "alone").exits(0)
        assert len(asked(made, "runs")) == 1

    def test_a_node_that_is_not_there_is_said_with_the_nearest_name(self, project: Make) -> None:
        made = project(FILES)
        made.orc("run").exits(0)
        assert "did you mean `core`?" in made.orc("runs", "show", "last", "cores").exits(2).stderr


class TestWhileItRuns:
    def test_0_6_what_is_above_ran_what_is_below_waits(self, project: Make) -> None:
        slow = "def model(ctx):\n    import time, pandas as pd\n    print('half way')\n    time.sleep(6)\n    return pd.DataFrame({'fare': [1]})\n"
        made = project(
            {
                "models/stg.sql": "select 1 as x",
                "models/core.py": slow.replace("import time", "ctx.ref('stg'); import time"),
                "models/mart.sql": FILES["models/mart.sql"],
            }
        )
        running = subprocess.Popen(made.command("build"), cwd=made.root, env=made.process_environment(), stderr=subprocess.DEVNULL)
        try:
            found: dict[str, Any] = {}
            until = time.monotonic() + 30
            while time.monotonic() < until and found.get("core") != "running":
                time.sleep(0.2)
                done = made.orc("runs", "show", "last", "--output", "json")
                shown = json.loads(done.stdout) if done.code == 0 else {"nodes": []}
                found = {n["name"]: n["status"] for n in shown["nodes"]}
            assert found == {"stg": "success", "core": "running", "mart": "pending"}
            assert shown["run"]["status"] == "running"
            assert node(shown, "core")["elapsed"] >= 0
            until = time.monotonic() + 4
            while "half way" not in (said := made.orc("logs", "last", "core").stdout) and time.monotonic() < until:
                time.sleep(0.2)
            assert "core: half way" in said
        finally:
            assert running.wait(60) == 0

    def test_logs_follow_a_run_to_its_end(self, project: Make, tmp_path: Path) -> None:
        made = project({"models/m.py": counting(tmp_path, 1), "models/p.yml": yaml("m", "{retries: {count: 1, delay: 2s}}")})
        running = subprocess.Popen(made.command("build"), cwd=made.root, env=made.process_environment(), stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while made.orc("runs", "--output", "json").stdout.strip() in ("", "[]") and time.monotonic() < until:
            time.sleep(0.1)
        told = made.process("logs", "-f").exits(0).stdout
        assert running.wait(30) == 0
        assert "m: this is try 1" in told
        assert "attempt 1 failed (transient)" in told
        assert "m.2: this is try 2" in told
        assert told.splitlines()[-1].endswith("s")
        assert "over after" in told.splitlines()[-1]


class TestAttempts:
    def test_0_16_each_is_kept_with_its_class_and_its_own_log(self, project: Make, tmp_path: Path) -> None:
        made = project({"models/m.py": counting(tmp_path, 2), "models/p.yml": yaml("m", "{retries: {count: 2, delay: 100ms, jitter: 0}}")})
        made.orc("build").exits(0)
        [m] = asked(made, "runs", "show", "last")["nodes"]
        assert [a["status"] for a in m["attempts"]] == ["failed_transient", "failed_transient", "success"]
        assert [a["wait"] for a in m["attempts"]] == [0.1, 0.2, None]
        for number in (1, 2, 3):
            said = made.orc("logs", "last", "m", "--attempt", str(number)).exits(0).stdout
            assert re.findall(r"this is try (\d)", said) == [str(number)]
        page = made.orc("runs", "show", "last", "m").exits(0).stdout
        assert "attempt 2 of 3  failed (transient)" in page
        assert "then waited 0.2s" in page
        assert "ConnectionError: nobody there" in page

    def test_0_16_a_permanent_failure_is_one_attempt_of_its_class(self, project: Make) -> None:
        made = project({"models/m.sql": "select nope", "models/p.yml": yaml("m", "{retries: 2}")})
        made.orc("build").exits(1)
        [m] = asked(made, "runs", "show", "last")["nodes"]
        assert [(a["attempt"], a["status"], a["problem"]["code"]) for a in m["attempts"]] == [(1, "failed_permanent", "X102")]

    def test_logs_as_json_are_the_events(self, project: Make) -> None:
        made = project(FILES)
        made.orc("run", "-s", "alone").exits(0)
        lines = [json.loads(line) for line in made.orc("logs", "--output", "json").exits(0).stdout.splitlines()]
        assert [line["event"] for line in lines] == ["RunStarted", "NodeStarted", "NodeFinished", "RunFinished"]

    def test_one_word_may_be_a_node(self, project: Make) -> None:
        made = project(FILES)
        made.orc("run").exits(0)
        said = made.orc("logs", "core").exits(0).stdout
        assert said.count("core: ") == len(said.splitlines()) == 2
        assert "U080" in made.orc("logs", "nobody").exits(2).stderr


class TestShared:
    @pytest.fixture
    def shared(self, project: Make, own_postgres: str) -> Project:
        made = project({"models/a.sql": "select 1 as x", "models/b.sql": "select nope"})
        made.environment = {**made.environment, "ORC_STATE_URL": own_postgres}
        return made

    def test_state_on_a_server_is_asked_by_everybody(self, shared: Project, own_postgres: str) -> None:
        shared.orc("run").exits(1)
        assert [r["status"] for r in asked(shared, "runs")] == ["failed"]
        assert not (shared.root / ".orchestrator/state.db").exists()
        with psycopg.connect(own_postgres) as connection:
            assert connection.execute("select count(*) from orc_state.results").fetchone() == (2,)
        done = shared.write({"models/b.sql": "select 2 as x"}).orc("retry").exits(0)
        assert done.statuses == {"a": "reused", "b": "success"}

    def test_losing_it_loses_history_only(self, shared: Project, own_postgres: str) -> None:
        shared.orc("run").exits(1)
        with psycopg.connect(own_postgres, autocommit=True) as connection:
            connection.execute("drop schema orc_state cascade")
        shared.write({"models/b.sql": "select 2 as x"}).orc("run").exits(0)
        assert [r["status"] for r in asked(shared, "runs")] == ["passed"]

    def test_the_setting_of_the_project_is_the_same(self, project: Make, own_postgres: str) -> None:
        made = project({"pyproject.toml": f'[tool.orchestrator]\nname = "p"\nstate = "{own_postgres}"\n', "models/a.sql": "select 1 as x"})
        made.orc("run").exits(0)
        assert len(asked(made, "runs")) == 1
        assert not (made.root / ".orchestrator/state.db").exists()

    def test_a_project_of_dbt_s_names_it_in_its_own_file(self, project: Make, own_postgres: str) -> None:
        settings = f"name: p\nstate: '{own_postgres}'\nhistory: {{keep: 90d}}\n"
        made = project({"dbt_project.yml": settings, "models/a.sql": "select 1 as x"})
        made.orc("run").exits(0)
        assert not (made.root / ".orchestrator/state.db").exists()
        assert "Forgot 0 runs" in made.orc("runs", "prune").exits(0).stderr

    def test_a_server_that_is_not_there_keeps_a_run_from_starting(self, project: Make) -> None:
        made = project({"models/a.sql": "select 1 as x"})
        done = made.orc("runs", env={"ORC_STATE_URL": "postgresql://me:hunter2@127.0.0.1:1/x"}).exits(2)
        assert "S008" in done.stderr
        assert "hunter2" not in done.stderr
        assert "C240" in made.orc("runs", env={"ORC_STATE_URL": "mysql://x"}).exits(2).stderr
