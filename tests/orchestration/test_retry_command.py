"""0.17 and 2.3: `orc retry` goes on where a run stopped: nothing is done again that is right, nothing is kept that is not."""

from __future__ import annotations

from tests.projects.conftest import Make, Project

FILES = {
    "models/stg_trips.sql": "{{ config(materialized='table') }} select 1 as id, 10 as fare",
    "models/stg_users.sql": "{{ config(materialized='table') }} select 1 as id",
    "models/core_trips.sql": "{{ config(materialized='table') }} select id, fare from {{ ref('stg_trips') }}",
    "models/mart_daily.sql": "select count(*) as n from {{ ref('stg_users') }}",
    "models/mart_earnings.sql": "{{ config(materialized='table') }} select sum(fare) as fare from {{ ref('core_trips') }}",
    "models/p.yml": "version: 2\nmodels:\n  - name: stg_trips\n    columns: [{name: id, data_tests: [unique]}]\n",
}
BROKEN = {"models/core_trips.sql": "{{ config(materialized='table') }} select id, fares from {{ ref('stg_trips') }}"}


def broken(make: Make) -> Project:
    project = make({**FILES, **BROKEN})
    project.orc("build").exits(1)
    return project


def test_0_17_what_succeeded_is_reused(project: Make) -> None:
    made = broken(project)
    done = made.write({"models/core_trips.sql": FILES["models/core_trips.sql"]}).orc("retry").exits(0)
    assert done.statuses == {
        "stg_trips": "reused",
        "stg_users": "reused",
        "mart_daily": "reused",
        "unique_stg_trips_id": "reused",
        "core_trips": "success",
        "mart_earnings": "success",
    }
    assert "REUSED sql table model main.stg_trips" in done.stderr
    assert "REUSED=4 TOTAL=6" in done.stderr
    assert made.query("select fare from mart_earnings") == [(10,)]
    assert "Nothing to retry" in made.orc("retry").exits(0).stderr


def test_a_node_whose_code_changed_since_is_built_again_with_all_below_it(project: Make) -> None:
    made = broken(project)
    made.write({**FILES, "models/stg_users.sql": "{{ config(materialized='table') }} select 2 as id union all select 3"})
    done = made.orc("retry").exits(0)
    assert {name for name, status in done.statuses.items() if status == "success"} == {
        "stg_users",
        "mart_daily",
        "core_trips",
        "mart_earnings",
    }
    assert made.query("select n from mart_daily") == [(2,)]


def test_a_node_whose_tests_would_judge_other_rows_is_tested_again(project: Make) -> None:
    made = broken(project)
    made.write({**FILES, "models/stg_trips.sql": "{{ config(materialized='table') }} select 1 as id, 20 as fare"})
    done = made.orc("retry").exits(0)
    assert done.statuses["unique_stg_trips_id"] == "pass"
    assert done.statuses["stg_trips"] == "success"


def test_it_is_the_last_run_that_is_retried(project: Make) -> None:
    made = broken(project)
    made.orc("run", "-s", "stg_users").exits(0)
    assert "Nothing to retry" in made.orc("retry").exits(0).stderr


def test_a_parent_that_was_published_since_by_somebody_else_is_newer_data(project: Make) -> None:
    made = broken(project)
    made.change("update _orc.ledger set \"at\" = '2999-01-01T00:00:00+00:00' where node = 'model.p.stg_users'")
    done = made.write(FILES).orc("retry").exits(0)
    assert (done.statuses["stg_users"], done.statuses["mart_daily"]) == ("reused", "success")


def test_what_somebody_dropped_is_built_again(project: Make) -> None:
    made = broken(project)
    made.change("drop table stg_trips")
    done = made.write(FILES).orc("retry").exits(0)
    assert done.statuses["stg_trips"] == "success"
    assert done.statuses["stg_users"] == "reused"


def test_a_retry_that_fails_is_retried(project: Make) -> None:
    made = broken(project)
    made.orc("retry").exits(1)
    done = made.write(FILES).orc("retry").exits(0)
    assert done.statuses["stg_trips"] == "reused"
    assert done.statuses["mart_earnings"] == "success"


def test_the_target_and_variables_of_the_run_are_its_own(project: Make) -> None:
    profiles = "p: {target: dev, outputs: {dev: {type: duckdb, path: dev.duckdb}, prod: {type: duckdb, path: prod.duckdb}}}\n"
    files = {
        "pyproject.toml": '[tool.orchestrator]\nname = "p"\n',
        "profiles.yml": profiles,
        "models/a.sql": "select '{{ var(\"day\") }}' as d, nope",
    }
    made = project(files)
    made.orc("run", "--target", "prod", "--vars", "day: monday").exits(1)
    made.write({"models/a.sql": "select '{{ var(\"day\") }}' as d"}).orc("retry").exits(0)
    made.database = "prod.duckdb"
    assert made.query("select d from a") == [("monday",)]


def test_what_an_environment_has_is_reused_there(project: Make) -> None:
    made = project(FILES)
    made.orc("build").exits(0)
    made.write(BROKEN).orc("build", "--environment", "pr_7").exits(1)
    done = made.write({"models/core_trips.sql": FILES["models/core_trips.sql"] + " where true"}).orc("retry").exits(0)
    assert (done.statuses["stg_trips"], done.statuses["core_trips"]) == ("reused", "success")
    assert "main__pr_7.core_trips" in made.relations()
