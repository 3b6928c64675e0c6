"""Variables, environment, hooks, operations, retry, history, exit codes and what programs read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make

TABLE = "{{ config(materialized='table') }} "


def test_vars_from_project_and_command_line(project: Make) -> None:
    p = project(
        {
            "dbt_project.yml": "name: shop\nvars:\n  a: 1\n  shop:\n    b: two\n",
            "models/m.sql": TABLE + "select {{ var('a') }} as a, '{{ var('b') }}' as b, {{ var('c', 3) }} as c",
        }
    )
    p.orc("run").exits(0)
    assert p.query("select * from m") == [(1, "two", 3)]
    p.orc("run", "--vars", "{a: 10, c: 30}").exits(0)
    assert p.query("select * from m") == [(10, "two", 30)]
    p.orc("run", "--vars", '{"b": "x"}').exits(0)
    assert p.query("select * from m") == [(1, "x", 3)]


def test_a_missing_variable_is_an_error_with_a_suggestion(project: Make) -> None:
    p = project({"dbt_project.yml": "name: shop\nvars: {region: eu}\n", "models/m.sql": "select\n  '{{ var(\"regoin\") }}' as x"})
    done = p.orc("run").exits(2)
    assert "regoin" in done.stderr
    assert "did you mean `region`?" in done.stderr
    assert "models/m.sql:2" in done.stderr


def test_environment_variables(project: Make) -> None:
    p = project({"models/m.sql": TABLE + "select '{{ env_var('SHOP') }}' as shop, '{{ env_var('NOPE', 'none') }}' as other"})
    done = p.orc("run").exits(2)
    assert "SHOP" in done.stderr
    assert "models/m.sql:1" in done.stderr
    p.orc("run", env={"SHOP": "north"}).exits(0)
    assert p.query("select * from m") == [("north", "none")]
    p.orc("run", env={"SHOP": "south"}).exits(0)
    assert p.query("select * from m") == [("south", "none")]


def test_hooks_around_models_and_runs(project: Make) -> None:
    p = project(
        {
            "dbt_project.yml": """
                name: shop
                on-run-start: "create table if not exists log (what text, n integer default 0)"
                on-run-end: ["insert into log(what) values ('end of {{ invocation_id | length }}')", "{{ note('macro') }}"]
                models:
                  shop:
                    +pre-hook: "insert into log(what) values ('before {{ this.name }}')"
                    +post-hook:
                      - "insert into log select 'after {{ this.name }}', count(*) from {{ this }}"
                      - {sql: "insert into log(what) values ('outside')", transaction: false}
                """,
            "macros/note.sql": "{% macro note(what) %}insert into log(what) values ('{{ what }}'){% endmacro %}",
            "models/m.sql": TABLE + "select 1 as x",
        }
    )
    p.orc("run").exits(0)
    assert sorted(p.query("select what, n from log")) == [("after m", 1), ("before m", 0), ("end of 36", 0), ("macro", 0), ("outside", 0)]


def test_a_failing_hook_keeps_a_model_back(project: Make) -> None:
    p = project(
        {
            "models/m.sql": "{{ config(materialized='table', post_hook='insert into nowhere values (1)') }} select 1 as x",
            "models/n.sql": "select x from m",
        }
    )
    done = p.orc("run").exits(1)
    assert done.statuses == {"m": "error", "n": "skipped"}
    assert "nowhere" in done.stderr
    assert "models/m.sql" in done.stderr
    assert "main.m" not in p.relations()


def test_a_failing_on_run_start_skips_everything(project: Make) -> None:
    p = project({"dbt_project.yml": "name: shop\non-run-start: select * from nowhere\n", "models/m.sql": "select 1 as x"})
    done = p.orc("run").exits(1)
    assert done.statuses["m"] == "skipped"
    assert "nowhere" in done.stderr
    assert not p.relations()


def test_a_failing_on_run_end_does_not_undo_models(project: Make) -> None:
    p = project({"dbt_project.yml": "name: shop\non-run-end: select * from nowhere\n", "models/m.sql": "select 1 as x"})
    done = p.orc("run").exits(1)
    assert done.statuses["m"] == "success"
    assert p.query("select x from m") == [(1,)]


def test_run_operation(project: Make) -> None:
    p = project(
        {
            "models/m.sql": TABLE + "select 1 as x",
            "macros/ops.sql": """
                {% macro add(n=1) %}
                  {% do run_query("insert into " ~ ref('m') ~ " values (" ~ n ~ ")") %}
                  {{ log("added " ~ n, info=true) }}
                {% endmacro %}
                {% macro fails() %}
                  {% do run_query("insert into " ~ ref('m') ~ " values (99)") %}
                  {% do run_query("select * from nowhere") %}
                {% endmacro %}
                """,
        }
    )
    p.orc("run").exits(0)
    done = p.orc("run-operation", "add", "--args", "{n: 7}").exits(0)
    assert "added 7" in done.stderr
    assert p.query("select x from m order by x") == [(1,), (7,)]
    done = p.orc("run-operation", "fails")
    assert done.code in (1, 2)
    assert "nowhere" in done.stderr
    assert "macros/ops.sql:7" in done.stderr
    assert p.query("select x from m order by x") == [(1,), (7,)]
    done = p.orc("run-operation", "ad").exits(2)
    assert "did you mean `add`?" in done.stderr


def test_retry_does_exactly_what_failed_or_was_skipped(project: Make) -> None:
    p = project(
        {
            "dbt_project.yml": "name: shop\n",
            "models/good.sql": "select 1 as x",
            "models/bad.sql": "select nope from good",
            "models/after.sql": "select * from bad",
        }
    )
    p.orc("run").exits(1)
    p.orc("retry").exits(1)
    p.write({"models/bad.sql": "select x from good"})
    done = p.orc("retry").exits(0)
    assert done.statuses == {"good": "reused", "bad": "success", "after": "success"}
    done = p.orc("retry").exits(0)
    assert "Nothing to retry" in done.stderr


def test_retry_after_a_failed_gate_tests_again(project: Make) -> None:
    p = project(
        {
            "seeds/raw.csv": "id\n1\n1\n",
            "models/m.sql": TABLE + "select id from raw",
            "models/n.sql": "select id from m",
            "models/s.yml": "models:\n  - name: m\n    columns:\n      - name: id\n        tests: [unique]\n",
        }
    )
    p.orc("build").exits(1)
    p.write({"seeds/raw.csv": "id\n1\n"})
    done = p.orc("retry").exits(0)  # the seed had succeeded, but it is another one now
    assert done.statuses == {"raw": "success", "m": "success", "unique_m_id": "pass", "n": "success"}


def test_history(project: Make) -> None:
    p = project({"models/m.sql": "select 1 as x", "models/n.sql": "select nope from m"})
    p.orc("run").exits(1)
    p.orc("run", "-s", "m").exits(0)
    runs = json.loads(p.orc("runs", "--output", "json").exits(0).stdout)
    assert len(runs) == 2
    shown = p.orc("runs").exits(0).stdout
    assert "run" in shown
    assert [(r["command"], r["status"], r["passed"], r["failed"]) for r in runs] == [("run", "passed", 1, 0), ("run", "failed", 1, 1)]
    told = p.orc("runs", "show", runs[-1]["run"]).exits(0).stdout
    assert "Table" not in told
    assert p.orc("runs", "show", "0000").code == 2


def test_exit_codes(project: Make) -> None:
    p = project({"models/m.sql": "select 1 as x"})
    p.orc("run").exits(0)
    p.orc("run", "-s", "nothing_like_this").exits(0)
    p.orc("run", "--no-such-option").exits(2)
    assert p.orc("rnu").exits(2).stderr.count("did you mean `run`?") == 1
    p.write({"models/m.sql": "select nope"})
    p.orc("run").exits(1)
    p.write({"models/m.sql": "select {{ nope }}"})
    p.orc("run").exits(2)


def test_error_json_says_what_stopped_us(project: Make) -> None:
    p = project({"models/m.sql": "select\n{{ nope }}"})
    done = p.orc("run").exits(2)
    assert done.error["type"] == "CompilationError"
    assert (done.error["file"], done.error["line"]) == ("models/m.sql", 2)
    assert done.error["code"].startswith("R")
    assert "nope" in done.error["message"]


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"models/a.sql": "select * from b", "models/b.sql": "select * from a"}, "DependencyError"),
        ({"models/x/a.sql": "select 1 as x", "models/y/a.sql": "select 1 as x"}, "DuplicateResourceNameError"),
        ({"models/a.sql": "select 1 as one two"}, "ParsingError"),
    ],
)
def test_error_types_are_the_names_programs_know(project: Make, files: dict[str, str], kind: str) -> None:
    done = project(files).orc("run").exits(2)
    assert done.error["type"] == kind, done.stderr


def test_an_old_error_json_goes_away_when_a_command_works(project: Make) -> None:
    p = project({"models/m.sql": "select {{ nope }}"})
    p.orc("run").exits(2)
    p.write({"models/m.sql": "select 1 as x"})
    p.orc("run").exits(0)
    assert not (p.root / "target/error.json").exists()


def test_json_lines(project: Make) -> None:
    p = project({"models/m.sql": "select 1 as x", "models/n.sql": "select nope from m"})
    done = p.orc("run", "--log-format", "json").exits(1)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert all({"info", "data"} <= set(e) or "event" in e for e in events)
    assert any("model.p.n" in json.dumps(e) and "nope" in json.dumps(e) for e in events)
    assert done.stdout == ""


def test_quiet_says_errors_only(project: Make) -> None:
    p = project({"models/m.sql": "select 1 as x"})
    assert p.orc("run", "-q").exits(0).stderr == ""
    p.write({"models/m.sql": "select nope"})
    told = p.orc("run", "-q").exits(1).stderr
    assert "nope" in told
    assert "START" not in told


def test_targets_and_profiles(project: Make) -> None:
    p = project(
        {
            "dbt_project.yml": "name: shop\nprofile: shop\n",
            "profiles.yml": """
                shop:
                  target: dev
                  outputs:
                    dev: {type: duckdb, path: one.duckdb, schema: dev}
                    prod: {type: duckdb, path: "{{ env_var('WHERE', 'two') }}.duckdb", schema: prod, threads: 2}
                """,
            "models/m.sql": "select '{{ target.name }}' as target, {{ target.threads }} as threads",
        }
    )
    p.orc("run").exits(0)
    p.database = "one.duckdb"
    assert p.query("select target from dev.m") == [("dev",)]
    p.orc("run", "-t", "prod").exits(0)
    p.database = "two.duckdb"
    assert p.query("select * from prod.m") == [("prod", 2)]
    done = p.orc("run", "-t", "prd").exits(2)
    assert "did you mean `prod`?" in done.stderr
    assert done.error["type"] == "DbtProfileError"


def test_a_profile_that_does_not_exist(project: Make) -> None:
    p = project(
        {
            "dbt_project.yml": "name: shop\nprofile: shp\n",
            "profiles.yml": "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: dev.duckdb}\n",
            "models/m.sql": "select 1 as x",
        }
    )
    done = p.orc("run").exits(2)
    assert "`shp`" in done.stderr
    assert "did you mean `shop`?" in done.stderr
    assert not (p.root / "dev.duckdb").exists()


def test_show_compile_ls_and_clean(project: Make) -> None:
    p = project(
        {
            "dbt_project.yml": "name: shop\n",
            "models/m.sql": TABLE + "select 1 as x union all select 2",
            "models/n.sql": "select x from {{ ref('m') }}",
        }
    )
    p.orc("run").exits(0)
    assert json.loads(p.orc("show", "-s", "n", "--output", "json").exits(0).stdout) == [{"x": 1}, {"x": 2}]
    assert json.loads(p.orc("show", "--inline", "select max(x) as y from {{ ref('m') }}", "--output", "json").exits(0).stdout) == [{"y": 2}]
    assert p.orc("compile", "-s", "n").exits(0).stdout.strip() == 'select x from "warehouse"."main"."m"'
    assert p.orc("ls", "--output", "name").exits(0).stdout.split() == ["m", "n"]
    p.orc("clean").exits(0)
    assert not (p.root / "target").exists()
    assert p.query("select count(*) from m") == [(2,)]


@pytest.mark.parametrize(
    ("words", "code"), [(("run", "-s", "mm"), 0), (("ls", "-s", "mm"), 0), (("compile", "-s", "mm"), 0), (("show", "-s", "mm"), 2)]
)
def test_a_mistyped_selection_gets_a_suggestion(project: Make, words: tuple[str, ...], code: int) -> None:
    done = project({"models/mmm.sql": "select 1 as x"}).orc(*words).exits(code)
    assert "the selection `mm` matches nothing" in done.stderr
    assert "did you mean `mmm`?" in done.stderr


def test_selecting_nothing_is_said(project: Make) -> None:
    done = project({"models/m.sql": "select 1 as x"}).orc("run", "-s", "nope").exits(0)
    assert "`nope`" in done.stderr
    assert "Nothing to do" in done.stderr
    assert "TOTAL=0" in done.stderr
