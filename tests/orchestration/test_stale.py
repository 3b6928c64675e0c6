"""Skipping what is fresh: only what is made of other code, or of other data, than it would be now is built."""

from __future__ import annotations

import json
from collections.abc import Mapping
from textwrap import dedent
from typing import Any

import pytest

from orchestrator.core.freshness import made
from tests.projects.conftest import Make, Project, Result

TABLE = "{{ config(materialized='table') }} "
FILES: dict[str, str | bytes] = {
    "models/sources.yml": """
        sources:
          - name: raw
            loaded_at_field: loaded_at
            tables: [{name: trips}, {name: users}]
        models:
          - name: core_trips
            columns: [{name: id, data_tests: [unique, not_null]}]
        """,
    "models/stg_trips.sql": "select * from {{ source('raw', 'trips') }}",
    "models/stg_users.sql": "select * from {{ source('raw', 'users') }}",
    "models/core_trips.sql": TABLE + "select id, fare, note from {{ ref('stg_trips') }}",
    "models/mart_earnings.sql": TABLE + "select sum(fare) as fare from {{ ref('core_trips') }}",
    "models/mart_daily.sql": TABLE + "select count(*) as n from {{ ref('stg_users') }}",
}
ALL = {"stg_trips", "stg_users", "core_trips", "mart_earnings", "mart_daily"}


def loaded(made_: Project) -> None:
    made_.change("create schema if not exists raw")
    for name in ("trips", "users"):
        made_.change(f"create or replace table raw.{name} as select 1 as id, 10 as fare, 'a' as note, timestamp '2026-01-01' as loaded_at")


def more(made_: Project, name: str, fare: int = 5, day: int = 2) -> None:
    made_.change(f"insert into raw.{name} values ({day}, {fare}, 'b', timestamp '2026-01-0{day}')")


def ledger(made_: Project) -> dict[str, Any]:
    return {node.split(".")[2]: made(text) for node, text in made_.query("select node, made from _orc.ledger")}


def built(done: Result) -> set[str]:
    return {name for name, status in done.statuses.items() if status == "success"}


def reused(done: Result) -> set[str]:
    return {name for name, status in done.statuses.items() if status == "reused"}


@pytest.fixture
def fresh(project: Make) -> Project:
    """A project that was built, and looked at its sources while it was."""
    made_ = project(FILES)
    loaded(made_)
    made_.orc("build", "--stale").exits(0)
    return made_


def test_nothing_new_is_nothing_to_do_tests_included(fresh: Project) -> None:
    done = fresh.orc("build", "--stale").exits(0)
    assert set(done.statuses.values()) == {"reused"}
    assert len(done.statuses) == 7
    assert done.messages["mart_earnings"].startswith("fresh: still core_trips (20")
    assert done.messages["stg_trips"] == "fresh: still raw.trips (2026-01-01 00:00:00, 1 rows)"


def test_new_rows_of_one_source_build_what_is_below_it_and_nothing_else(fresh: Project) -> None:
    more(fresh, "trips")
    done = fresh.orc("run", "--stale").exits(0)
    assert (built(done), reused(done)) == ({"stg_trips", "core_trips", "mart_earnings"}, {"stg_users", "mart_daily"})
    assert fresh.query("select fare from mart_earnings") == [(15,)]
    assert fresh.orc("run", "--stale").exits(0).statuses == dict.fromkeys(ALL, "reused")


def test_half_of_the_sources_moved_between_two_runs_and_the_other_half_before(fresh: Project) -> None:
    """Versions are kept for each model: a run of some of them hides nothing from a later run of all."""
    more(fresh, "trips")
    fresh.orc("run", "--stale", "-s", "stg_trips", "core_trips").exits(0)
    more(fresh, "users")
    fresh.orc("run", "--stale", "-s", "stg_users").exits(0)
    done = fresh.orc("run", "--stale").exits(0)
    assert (built(done), reused(done)) == ({"mart_earnings", "mart_daily"}, {"stg_trips", "stg_users", "core_trips"})


def test_a_build_of_a_model_alone_sees_through_a_view_that_is_not_built(fresh: Project) -> None:
    more(fresh, "trips")
    assert built(fresh.orc("run", "--stale", "-s", "core_trips").exits(0)) == {"core_trips"}
    assert fresh.query("select count(*) from core_trips") == [(2,)]
    assert built(fresh.orc("run", "--stale", "-s", "stg_trips", "core_trips").exits(0)) == {"stg_trips"}


def test_rows_that_are_gone_are_news_too(fresh: Project) -> None:
    more(fresh, "trips")
    fresh.orc("run", "--stale").exits(0)
    fresh.change("delete from raw.trips where id = 1")
    assert "core_trips" in built(fresh.orc("run", "--stale").exits(0))


def test_other_code_builds_and_a_comment_does_not(fresh: Project) -> None:
    code = str(FILES["models/core_trips.sql"])
    fresh.write({"models/core_trips.sql": f"{code} -- the heart of it"})
    assert built(fresh.orc("run", "--stale").exits(0)) == set()
    fresh.write({"models/core_trips.sql": code.replace("fare,", "fare + 1 as fare,")})
    done = fresh.orc("run", "--stale").exits(0)
    assert built(done) == {"core_trips", "mart_earnings"}
    assert fresh.query("select fare from mart_earnings") == [(11,)]


def test_a_rewrite_that_gives_the_same_rows_stops_there(fresh: Project) -> None:
    code = str(FILES["models/core_trips.sql"])
    fresh.write({"models/core_trips.sql": code.replace("id, fare", "id, fare * 1 as fare")})
    done = fresh.orc("run", "--stale").exits(0)
    assert (built(done), "mart_earnings" in reused(done)) == ({"core_trips"}, True)
    assert done.messages["mart_earnings"] == "fresh: what it reads did not change after all"
    assert "5 unchanged" in fresh.orc("plan").exits(0).stdout
    assert built(fresh.orc("run", "--stale").exits(0)) == set()


def test_readers_of_other_columns_than_those_that_changed_are_left_alone(fresh: Project) -> None:
    code = str(FILES["models/core_trips.sql"])
    fresh.write({"models/mart_notes.sql": TABLE + "select note from {{ ref('core_trips') }}"}).orc("run", "--stale").exits(0)
    fresh.write({"models/core_trips.sql": code.replace("note from", "upper(note) as note from")})
    done = fresh.orc("run", "--stale").exits(0)
    assert built(done) == {"core_trips", "mart_notes"}
    assert "mart_earnings" in reused(done)
    assert built(fresh.orc("run", "--stale").exits(0)) == set()
    fresh.write({"models/core_trips.sql": code.replace("fare, note from", "fare + 1 as fare, upper(note) as note from")})
    assert built(fresh.orc("run", "--stale").exits(0)) == {"core_trips", "mart_earnings"}


def test_values_that_only_changed_places_are_a_change(project: Make) -> None:
    """Each column has the values it had; the rows have not. Who reads both columns is built, who reads one is not."""
    made_ = project(
        {
            "models/a.sql": TABLE + "select * from (values (1, 'x'), (2, 'y')) as t (id, name)",
            "models/both.sql": TABLE + "select id, name from {{ ref('a') }}",
            "models/one.sql": TABLE + "select name from {{ ref('a') }}",
        }
    )
    made_.orc("run", "--stale").exits(0)
    made_.write({"models/a.sql": TABLE + "select * from (values (1, 'y'), (2, 'x')) as t (id, name)"})
    assert built(made_.orc("run", "--stale").exits(0)) == {"a", "both"}


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select now() as at", "it calls now()"),
        ("select current_date as day", "it says current_date"),
        ("select random() as r", "it calls random()"),
        ("select * from 'seed.csv'", "it reads a file"),
        ("select * from raw.users", "it reads `raw.users`, which is not declared"),
        ("{% set n = run_query('select 1') %}select 1 as x", "its template looks at the warehouse or the clock"),
        ("{{ config(deterministic=false) }} select 1 as x", "its config says that it is not deterministic"),
    ],
)
def test_what_may_give_other_rows_of_the_same_is_always_built(project: Make, sql: str, why: str) -> None:
    made_ = project({"models/m.sql": f"{{{{ config(materialized='table') }}}} {sql}", "seed.csv": "a\n1\n"})
    loaded(made_)
    for _ in range(2):
        done = made_.orc("run", "--stale", "-s", "m").exits(0) if "file" not in why else in_folder(made_)
        assert done.statuses == {"m": "success"}
    assert ledger(made_)["m"].doubt == why


def in_folder(made_: Project) -> Result:
    made_.monkeypatch.chdir(made_.root)
    return made_.orc("run", "--stale", "-s", "m").exits(0)


def test_whoever_says_that_it_is_deterministic_is_believed(project: Make) -> None:
    files: Mapping[str, str | bytes] = {
        "models/sql.sql": "{{ config(materialized='table', deterministic=true) }} select date_trunc('year', timestamp '2026-01-01') as y, current_date as d",
        "models/py.py": "def model(ctx):\n    ctx.config(deterministic=True)\n    import pandas as pd\n    return pd.DataFrame({'x': [1]})\n",
        "models/py.yml": "models: [{name: py, config: {deterministic: true}}]",
    }
    made_ = project(files)
    made_.orc("run", "--stale").exits(0)
    assert made_.orc("run", "--stale").exits(0).statuses == {"sql": "reused", "py": "reused"}


def test_a_python_model_is_built_unless_it_says_otherwise(project: Make) -> None:
    made_ = project({"models/py.py": "def model(ctx):\n    import pandas as pd\n    return pd.DataFrame({'x': [1]})\n"})
    made_.orc("run", "--stale").exits(0)
    assert made_.orc("run", "--stale").exits(0).statuses == {"py": "success"}


def test_a_doubt_of_an_ephemeral_model_is_its_readers(project: Make) -> None:
    made_ = project(
        {
            "models/e.sql": "{{ config(materialized='ephemeral') }} select now() as at",
            "models/m.sql": TABLE + "select * from {{ ref('e') }}",
        }
    )
    made_.orc("run", "--stale").exits(0)
    assert ledger(made_)["m"].doubt == "`e`, which it reads: it calls now()"


def test_a_view_over_a_clock_leaves_nothing_below_it_certain(project: Make) -> None:
    made_ = project({"models/v.sql": "select current_date as d", "models/t.sql": TABLE + "select * from {{ ref('v') }}"})
    made_.orc("run", "--stale").exits(0)
    assert built(made_.orc("run", "--stale").exits(0)) == {"v", "t"}


def test_any_doubt_builds(fresh: Project) -> None:
    fresh.change("drop table mart_daily")
    assert built(fresh.orc("run", "--stale").exits(0)) == {"mart_daily"}
    fresh.change("alter table raw.users rename column loaded_at to loaded")
    done = fresh.orc("run", "--stale").exits(0)  # nobody knows how fresh the source is now
    assert built(done) == {"stg_users", "mart_daily"}
    assert built(fresh.orc("run", "--stale").exits(0)) == {"stg_users", "mart_daily"}


def test_a_full_refresh_builds_all(fresh: Project) -> None:
    assert built(fresh.orc("run", "--stale", "--full-refresh").exits(0)) == ALL


def test_variables_and_environment_are_code(project: Make) -> None:
    made_ = project({"models/m.sql": TABLE + "select {{ var('n', 1) }} as n, '{{ env_var('PLACE', 'here') }}' as place"})
    made_.orc("run", "--stale").exits(0)
    assert built(made_.orc("run", "--stale").exits(0)) == set()
    assert built(made_.orc("run", "--stale", "--vars", "{n: 2}").exits(0)) == {"m"}
    assert built(made_.orc("run", "--stale", "--vars", "{n: 2}", env={"PLACE": "there"}).exits(0)) == {"m"}


def test_builds_without_rows_or_of_a_sample_are_not_the_real_thing(fresh: Project) -> None:
    fresh.orc("run", "--empty", "-s", "core_trips").exits(0)
    assert "core_trips" in built(fresh.orc("run", "--stale").exits(0))
    assert fresh.query("select count(*) from core_trips") == [(1,)]


def test_an_incremental_model_that_found_nothing_leaves_its_readers_alone(project: Make) -> None:
    code = """
        {{ config(materialized='incremental', unique_key='id') }}
        select id from {{ source('raw', 'trips') }} {% if is_incremental() %} where id > 100 {% endif %}
        """
    made_ = project(
        {
            "models/s.yml": str(FILES["models/sources.yml"]).split("models:")[0],
            "models/i.sql": code,
            "models/t.sql": TABLE + "select count(*) as n from {{ ref('i') }}",
        }
    )
    loaded(made_)
    made_.orc("run", "--stale").exits(0)
    more(made_, "trips")
    done = made_.orc("run", "--stale").exits(0)
    assert (built(done), reused(done)) == ({"i"}, {"t"})
    more(made_, "trips", day=3)
    made_.change("update raw.trips set id = 101 where id = 3")
    assert built(made_.orc("run", "--stale").exits(0)) == {"i", "t"}


def test_a_test_that_has_not_passed_on_this_version_is_asked(fresh: Project) -> None:
    yml = str(FILES["models/sources.yml"])
    fresh.write({"models/sources.yml": yml.replace("unique, not_null", "unique, not_null, {accepted_values: {values: [1]}}")})
    done = fresh.orc("build", "--stale").exits(0)
    assert {n for n, s in done.statuses.items() if s == "pass"} == {"accepted_values_core_trips_id__1"}


def test_a_gate_that_fails_keeps_the_version_and_what_reads_it(fresh: Project) -> None:
    more(fresh, "trips", day=1)  # a second trip 1
    done = fresh.orc("build", "--stale").exits(1)
    assert (done.statuses["core_trips"], done.statuses["mart_earnings"]) == ("error", "skipped")
    done = fresh.orc("run", "--stale", "-s", "mart_earnings").exits(0)
    assert done.statuses == {"mart_earnings": "reused"}  # what is published of its parent is still the good one


def test_a_version_that_failed_a_test_after_it_was_published_is_no_input(fresh: Project) -> None:
    more(fresh, "trips", day=1)
    fresh.orc("build", "--no-gates", "-s", "stg_trips", "core_trips").exits(1)
    done = fresh.orc("run", "--stale", "-s", "mart_earnings").exits(0)
    assert done.statuses == {"mart_earnings": "skipped"}
    assert done.messages["mart_earnings"] == "the test `unique_core_trips_id` failed on `core_trips` as it is"
    assert fresh.query("select fare from mart_earnings") == [(10,)]
    fresh.change("delete from raw.trips where note = 'b'")
    assert fresh.orc("build", "--stale").exits(0).statuses["core_trips"] == "success"
    assert fresh.orc("run", "--stale", "-s", "mart_earnings").exits(0).statuses == {"mart_earnings": "reused"}


def test_build_after_lets_news_wait_and_code_does_not(fresh: Project) -> None:
    yml = (
        dedent(str(FILES["models/sources.yml"])) + "  - {name: mart_daily, config: {freshness: {build_after: {count: 1, period: hour}}}}\n"
    )
    fresh.write({"models/sources.yml": yml})
    more(fresh, "users")
    done = fresh.orc("run", "--stale", "-s", "mart_daily").exits(0)
    assert done.statuses == {"mart_daily": "reused"}
    assert "`build_after` is not over" in done.messages["mart_daily"]
    fresh.write({"models/mart_daily.sql": TABLE + "select count(*) as many from {{ ref('stg_users') }}"})
    assert built(fresh.orc("run", "--stale", "-s", "mart_daily").exits(0)) == {"mart_daily"}


def test_updates_on_all_waits_for_all(project: Make) -> None:
    model = "{{ config(materialized='table', freshness={'build_after': {'count': 0, 'period': 'minute', 'updates_on': 'all'}}) }} "
    made_ = project(
        {
            "models/s.yml": str(FILES["models/sources.yml"]).split("models:")[0],
            "models/m.sql": model + "select 1 as x from {{ source('raw', 'trips') }}, {{ source('raw', 'users') }}",
        }
    )
    loaded(made_)
    made_.orc("run", "--stale").exits(0)
    more(made_, "trips")
    assert made_.orc("run", "--stale").exits(0).messages["m"].endswith("`updates_on: all` waits for `raw.users`")
    more(made_, "users")
    assert built(made_.orc("run", "--stale").exits(0)) == {"m"}


def test_an_ordinary_build_keeps_versions_too(project: Make) -> None:
    made_ = project({"seeds/s.csv": "id\n1\n", "models/m.sql": TABLE + "select * from {{ ref('s') }}"})
    made_.orc("build").exits(0)
    assert set(made_.orc("build", "--stale").exits(0).statuses.values()) == {"reused"}
    made_.write({"seeds/s.csv": "id\n1\n2\n"})
    assert built(made_.orc("build", "--stale").exits(0)) == {"s", "m"}


def test_a_ledger_of_an_older_version_gets_what_it_lacks(project: Make) -> None:
    made_ = project({"models/m.sql": TABLE + "select 1 as x"})
    made_.orc("run").exits(0)
    made_.change("alter table _orc.ledger drop column made")
    assert built(made_.orc("run", "--stale").exits(0)) == {"m"}
    assert made_.orc("run", "--stale").exits(0).statuses == {"m": "reused"}


def test_data_are_as_old_as_the_oldest_of_what_was_read(fresh: Project) -> None:
    more(fresh, "trips", day=3)
    more(fresh, "users", day=2)
    fresh.write(
        {
            "seeds/s.csv": "id\n1\n",
            "models/late.sql": TABLE + "select 1 as x from {{ ref('core_trips') }}, {{ ref('stg_users') }}, {{ ref('s') }}",
        }
    )
    fresh.orc("build", "--stale").exits(0)
    found = {name: said.data_time for name, said in ledger(fresh).items()}
    assert (str(found["core_trips"])[:10], str(found["late"])[:10], found["s"]) == ("2026-01-03", "2026-01-02", None)


def test_4_15_a_plan_after_a_build_has_nothing_to_do(project: Make) -> None:
    made_ = project(FILES)
    loaded(made_)
    assert made_.orc("plan", "--stale").exits(0).stdout.count("does not exist yet") == 5
    made_.orc("build", "--stale").exits(0)
    assert "nothing to build" in made_.orc("plan", "--stale").exits(0).stdout
    assert made_.orc("plan", "--stale", "--exit-code").code == 0


def test_3_3_a_source_that_is_too_old_withholds_what_would_be_built_from_it(project: Make) -> None:
    yml = dedent(str(FILES["models/sources.yml"])).replace(
        "tables: [{name: trips},", "tables: [{name: trips, freshness: {error_after: {count: 2, period: hour}}},"
    )
    made_ = project({**FILES, "models/sources.yml": yml})
    loaded(made_)
    done = made_.orc("build", "--stale").exits(1)
    assert {n for n, s in done.statuses.items() if s == "skipped"} >= {"stg_trips", "core_trips", "mart_earnings"}
    assert (done.statuses["raw"], built(done)) == ("error", {"stg_users", "mart_daily"})
    assert "`raw.trips` is stale: its newest rows are" in done.messages["stg_trips"]
    assert "ERROR STALE freshness of raw.trips" in done.stderr
    assert "`raw.trips` is stale" in made_.orc("why", "core_trips").exits(0).stdout
    made_.change("update raw.trips set loaded_at = now()::timestamp")
    assert built(made_.orc("build", "--stale").exits(0)) == {"stg_trips", "core_trips", "mart_earnings"}
    made_.change("update raw.trips set loaded_at = now()::timestamp - interval 3 hour")
    made_.write({"models/sources.yml": yml.replace("period: hour}}", "period: hour}, on_error: build}")})
    assert built(made_.orc("run", "--stale").exits(0)) == {"stg_trips", "core_trips"}


def test_0_20_the_second_run_of_200_models_builds_none(project: Make) -> None:
    layers = {
        f"models/m{n:03}.sql": TABLE + (f"select x + 1 as x from {{{{ ref('m{n - 20:03}') }}}}" if n >= 20 else "select 1 as x")
        for n in range(200)
    }
    made_ = project({**layers})
    made_.orc("run").exits(0)
    done = made_.orc("run", "--stale").exits(0)
    assert "REUSED=200 TOTAL=200" in done.stderr
    [line] = [text for text in done.stderr.splitlines() if "saved: " in text]
    assert line.partition("saved: ")[2].startswith("200 models, ~")
    assert "saved: 200 models, ~" in made_.orc("runs", "show", "last").exits(0).stdout


def test_0_21_why_proves_it_with_versions(fresh: Project) -> None:
    text = fresh.orc("why", "core_trips").exits(0).stdout
    assert "made of    stg_trips: still view " in text
    more(fresh, "users")
    fresh.orc("run", "--stale", "-s", "mart_earnings").exits(0)
    fresh.orc("run", "--stale", "-s", "stg_users").exits(0)
    found = json.loads(fresh.orc("why", "stg_users", "--output", "json").exits(0).stdout)
    assert found["reason"] == "new data in `raw.users`"
    [one] = found["inputs"]
    assert (one["used"], one["same"]) == ("2026-01-02T00:00:00+00:00, 2 rows", True)
    text = fresh.orc("why", "mart_daily").exits(0).stdout
    assert "made of    stg_users: made of view " in text
    done = fresh.orc("run", "--stale").exits(0)
    assert (built(done), done.messages["core_trips"][:22]) == ({"mart_daily"}, "fresh: still stg_trips")
    assert fresh.orc("why", "core_trips").stdout.splitlines()[1].startswith("  not built again: fresh: still stg_trips")


def test_why_names_the_doubt(project: Make) -> None:
    made_ = project({"models/m.sql": TABLE + "select now() as at"})
    made_.orc("run").exits(0)
    assert "doubt      it calls now(): it is never fresh" in made_.orc("why", "m").exits(0).stdout


def test_selecting_what_is_stale_needs_no_state(fresh: Project) -> None:
    assert fresh.orc("ls", "-s", "state:stale", "--output", "name").exits(0).stdout.strip() == ""
    more(fresh, "trips")
    listed = fresh.orc("ls", "-s", "state:stale", "--resource-type", "model", "--output", "name").exits(0).stdout.split()
    assert set(listed) == {"stg_trips", "core_trips", "mart_earnings"}
    assert built(fresh.orc("run", "-s", "state:stale,stg_trips").exits(0)) == {"stg_trips"}
    assert "U011" in fresh.orc("ls", "-s", "state:modified").exits(2).stderr


def test_a_plan_says_what_is_stale_and_why(fresh: Project) -> None:
    more(fresh, "trips")
    told = fresh.orc("plan", "--stale").exits(0).stdout
    assert "new data in `raw.trips`" in told
    assert "fresh, unless `core_trips` changes" in told
    assert "mart_daily" not in told


def test_a_retry_of_such_a_run_is_one_too(project: Make) -> None:
    yml = dedent(str(FILES["models/sources.yml"])).replace(
        "tables: [{name: trips},", "tables: [{name: trips, freshness: {error_after: {count: 2, period: hour}}},"
    )
    made_ = project({**FILES, "models/sources.yml": yml})
    loaded(made_)
    made_.orc("run", "--stale").exits(1)
    done = made_.orc("retry").exits(1)
    assert {n: s for n, s in done.statuses.items() if s == "skipped"} == {
        "stg_trips": "skipped",
        "core_trips": "skipped",
        "mart_earnings": "skipped",
    }
    made_.change("update raw.trips set loaded_at = now()::timestamp")
    assert built(made_.orc("retry").exits(0)) == {"stg_trips", "core_trips", "mart_earnings"}


def test_a_schedule_may_say_so() -> None:
    from datetime import UTC, datetime

    from orchestrator.app.schedules.scheduling import order
    from orchestrator.core.schedule import Launch, Schedule
    from orchestrator.load.schedules import read_schedules
    from orchestrator.schedule.spec import spec

    known = spec(read_schedules(b"schedules: {hourly: {every: 1h, stale: true}}")).schedules["hourly"]
    assert isinstance(known, Schedule)
    words = order(known, Launch("n@1", "hourly", "schedule", datetime(2026, 1, 1, tzinfo=UTC)), "r1")["words"]
    assert words == ["build", "--stale"]
