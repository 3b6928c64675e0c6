"""Less usual projects: sources, configuration mistakes, console lines, artifacts, two projects in one process."""

from __future__ import annotations

import json
import re
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make

TABLE = "{{ config(materialized='table') }} "


CONSOLE = """\
    Running with orc=X
    Found 2 models, 1 seed, 2 data tests

    Concurrency: 1 thread (target='dev')

    1 of 5 START seed file main.raw .............................. [RUN]
    1 of 5 OK loaded seed file main.raw .......................... [INSERT 2 in 0.00s]
    2 of 5 START sql table model main.a .......................... [RUN]
    3 of 5 START test not_null_a_id .............................. [RUN]
    4 of 5 START test unique_a_id ................................ [RUN]
    3 of 5 PASS not_null_a_id .................................... [PASS in 0.00s]
    4 of 5 FAIL 1 unique_a_id .................................... [FAIL 1 in 0.00s]
    2 of 5 ERROR creating sql table model main.a ................. [ERROR in 0.00s]
    5 of 5 SKIP relation main.b .................................. [SKIP]

    Finished running 2 data tests, 1 seed, 1 table model, 1 view model in 0 hours 0 minutes and 0.00 seconds (0.00s).

    Completed with 2 errors, 0 partial successes, and 0 warnings:

    Failure in test unique_a_id (models/s.yml)
      Got 1 result, configured to fail if != 0
      compiled code at target/compiled/shop/models/s.yml/unique_a_id.sql
      See test failures:
        select id as unique_field, count(*) as n_records
        from "warehouse"."main"."a__orc_stage"
        where id is not null
        group by id
        having count(*) > 1

    Failure in model a (models/a.sql)
      not published: 1 test failed (unique_a_id)
      hint: the rejected rows are in "warehouse"."main"."a__orc_stage"; what was published before is untouched
      compiled code at target/compiled/shop/models/a.sql
      See what was built: select * from "warehouse"."main"."a__orc_stage"
      skipped because of it: b

    Done. PASS=2 WARN=0 ERROR=2 SKIP=1 NO-OP=0 REUSED=0 TOTAL=5
    """


def test_the_console_tells_a_run_line_by_line(project: Make) -> None:
    p = project(
        {
            "dbt_project.yml": "name: shop\n",
            "seeds/raw.csv": "id\n1\n1\n",
            "models/a.sql": TABLE + "select id from raw",
            "models/b.sql": "select id from a",
            "models/s.yml": "models:\n  - name: a\n    columns:\n      - name: id\n        tests: [unique, {not_null: {config: {severity: warn}}}]\n",
        }
    )
    told = p.orc("build", "--threads", "1").exits(1).stderr
    told = re.sub(r"^\d\d:\d\d:\d\d  ", "", told, flags=re.MULTILINE)
    for varies, same in ((r"\d+\.\d\ds", "0.00s"), (r"[\d.]+ seconds", "0.00 seconds"), (r"orc=\S+", "orc=X"), (r", \d+ macros", "")):
        told = re.sub(varies, same, told)
    assert told == dedent(CONSOLE)


def test_run_results_as_programs_read_them(project: Make) -> None:
    p = project(
        {
            "dbt_project.yml": "name: shop\n",
            "models/a.sql": TABLE + "select 1 as x union all select 2",
            "models/b.sql": "select nope from a",
            "models/c.sql": "select * from b",
        }
    )
    found = p.orc("run").exits(1).run_results
    assert found["metadata"]["dbt_schema_version"] == "https://schemas.getdbt.com/dbt/run-results/v6.json"
    assert found["args"]["which"] == "run"
    by_id = {r["unique_id"]: r for r in found["results"]}
    good, bad, skipped = (by_id[f"model.shop.{n}"] for n in "abc")
    assert (good["status"], good["adapter_response"]["rows_affected"], good["failures"]) == ("success", 2, None)
    assert good["relation_name"] == '"warehouse"."main"."a"'
    assert [t["name"] for t in good["timing"]] == ["compile", "execute"]
    assert bad["status"] == "error"
    assert "nope" in bad["message"]
    assert (skipped["status"], skipped["execution_time"]) == ("skipped", 0.0)
    assert all({"thread_id", "compiled", "compiled_code"} <= set(r) for r in by_id.values())


def test_sources_are_tested_before_what_reads_them(project: Make) -> None:
    p = project(
        {
            "models/a.sql": "select id from {{ source('shop', 'orders') }}",
            "models/b.sql": "select id from shop.customers",
            "models/s.yml": """
                sources:
                  - name: shop
                    schema: raw
                    tables:
                      - name: orders
                        columns:
                          - name: id
                            tests: [unique]
                      - name: customers
                        identifier: crm_customers
                """,
        }
    )
    p.change("create schema raw; create table raw.orders as select 1 as id; create table raw.crm_customers as select 2 as id")
    done = p.orc("build").exits(0)
    assert done.statuses == {"a": "success", "b": "success", "source_unique_shop_orders_id": "pass"}
    assert p.query("select * from a union all select * from b order by 1") == [(1,), (2,)]
    p.change("insert into raw.orders values (1)")
    done = p.orc("build").exits(1)
    assert done.statuses == {"a": "skipped", "b": "success", "source_unique_shop_orders_id": "fail"}


def test_a_disabled_model_and_who_reads_it(project: Make) -> None:
    p = project({"models/a.sql": "{{ config(enabled=false) }} select 1 as x", "models/b.sql": "select 1 as y"})
    assert p.orc("run").exits(0).statuses == {"b": "success"}
    p.write({"models/b.sql": "select * from {{ ref('a') }}"})
    done = p.orc("run").exits(2)
    assert "`a`, which is disabled" in done.stderr


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"models/a.sql": "{{ config(materialized='tabel') }} select 1 as x"}, ["`tabel`", "did you mean `table`?", "models/a.sql:1"]),
        (
            {"models/a.sql": "{{ config(materialised='table') }} select 1 as x"},
            ["`materialised`", "did you mean `materialized`?", "models/a.sql:1"],
        ),
        (
            {
                "models/a.sql": "select 1 as x",
                "models/s.yml": "models:\n  - name: a\n    columns:\n      - name: x\n        tests: [uniqe]\n",
            },
            ["`uniqe`", "did you mean `unique`?", "models/s.yml:5"],
        ),
        (
            {
                "models/a.sql": "select 1 as x",
                "models/s.yml": "models:\n  - name: a\n    columns:\n      - name: x\n        tests:\n          - accepted_values: {}\n",
            },
            ["values", "models/s.yml:6"],
        ),
        (
            {
                "models/a.sql": "select 1 as x",
                "models/s.yml": "models:\n  - name: a\n    columns:\n      - name: x\n        tests:\n          - not_null: {config: {error_if: many}}\n",
            },
            ["`many`", "models/s.yml:6"],
        ),
        (
            {
                "models/a.sql": "select 1 as x",
                "models/s.yml": "models:\n  - name: a\n    columns:\n      - name: x\n        tests:\n          - relationships: {to: ref('bb'), field: x}\n",
                "models/b.sql": "select 1 as x",
            },
            ["`bb`", "models/s.yml:6"],
        ),
        (
            {"models/a.sql": "select 1 as x", "pyproject.toml": "[tool.orchestrator]\nname = 'shop'\nmodel_path = ['m']\n"},
            ["`model_path`", "did you mean", "pyproject.toml:3"],
        ),
        (
            {"models/a.sql": "select 1 as x", "pyproject.toml": "[tool.orchestrator]\nname = 'shop'\n[tool.orchestrator\n"},
            ["pyproject.toml:3"],
        ),
    ],
)
def test_mistakes_in_configuration(project: Make, files: dict[str, str], says: list[str]) -> None:
    p = project({"pyproject.toml": "[tool.orchestrator]\nname = 'shop'\n", **files})
    done = p.orc("build").exits(2)
    missing = [s for s in says if s not in done.stderr]
    assert not missing, f"{missing} not in\n{done.stderr}"
    assert "bug" not in done.stderr


def test_properties_of_nothing_are_a_warning(project: Make) -> None:
    done = project({"models/a.sql": "select 1 as x", "models/s.yml": "models:\n  - name: b\n"}).orc("run").exits(0)
    assert "warning[C120]: properties describe the model `b`, which does not exist" in done.stderr
    assert "models/s.yml:2" in done.stderr


def test_an_undeclared_table_is_a_warning_and_an_error_when_strict(project: Make) -> None:
    p = project({"models/orders.sql": "select 1 as x", "models/a.sql": "select x\nfrom raw.ordrs"})
    p.change("create schema raw; create table raw.ordrs as select 7 as x")
    done = p.orc("run").exits(0)
    assert "warning[L011]" in done.stderr
    assert "models/a.sql:2:6" in done.stderr
    assert p.query("select x from a") == [(7,)]
    assert "models/a.sql:2:6" in p.orc("run", "--strict").exits(2).stderr


def test_names_mean_the_nearest_thing(project: Make) -> None:
    """CTEs never count; the folder, the schema or the source before a name says which one is meant."""
    p = project(
        {
            "models/staging/orders.sql": "select 1 as x",
            "models/a.sql": "with orders as (select 2 as x) select x from orders",
            "models/b.sql": "select x from staging.orders",
            "models/c.sql": "with o as (select * from main.orders), p as (with orders as (select 3 as x) select * from orders) select o.x + p.x as x from o, p",
        }
    )
    p.orc("run").exits(0)
    assert [p.query(f"select x from {n}") for n in "abc"] == [[(2,)], [(1,)], [(4,)]]
    edges = p.orc("parse").exits(0).manifest["parent_map"]
    assert edges["model.p.a"] == []
    assert edges["model.p.b"] == edges["model.p.c"] == ["model.p.orders"]


def test_other_folders_for_artifacts(project: Make) -> None:
    p = project({"models/a.sql": "select 1 as x"})
    p.orc("run", "--target-path", "elsewhere").exits(0)
    assert (p.root / "elsewhere/run_results.json").exists()
    assert not (p.root / "target").exists()


def test_two_projects_share_a_process(project: Make) -> None:
    one = project(
        {
            "dbt_project.yml": "name: one\nvars: {v: 1}\n",
            "macros/m.sql": "{% macro m() %}10{% endmacro %}",
            "models/a.sql": "select {{ var('v') }} + {{ m() }} as x",
        },
        "one",
    )
    two = project(
        {
            "dbt_project.yml": "name: two\nvars: {v: 2}\n",
            "macros/m.sql": "{% macro m() %}20{% endmacro %}",
            "models/a.sql": "select {{ var('v') }} + {{ m() }} as x",
        },
        "two",
    )
    for p in (one, two, one):
        p.orc("run").exits(0)
    assert (one.query("select x from a"), two.query("select x from a")) == ([(11,)], [(22,)])


def test_a_file_changed_between_two_runs(project: Make) -> None:
    """What is remembered of the last run never hides a change, to any kind of file."""
    p = project(
        {
            "dbt_project.yml": "name: shop\nvars: {v: 1}\n",
            "macros/m.sql": "{% macro m() %}1{% endmacro %}",
            "seeds/s.csv": "id\n1\n",
            "models/a.sql": TABLE + "select {{ m() }} as m, {{ var('v') }} as v, id from s",
        }
    )
    seen = []
    for change in (
        {},
        {"macros/m.sql": "{% macro m() %}2{% endmacro %}"},
        {"dbt_project.yml": "name: shop\nvars: {v: 3}\n"},
        {"seeds/s.csv": "id\n9\n"},
        {"models/a.sql": TABLE + "select {{ m() }} as m, {{ var('v') }} as v, id + 1 as id from s"},
        {"models/s.yml": "models:\n  - name: a\n    config: {alias: b}\n"},
    ):
        p.write(change)
        p.orc("build").exits(0)
        seen += p.query("select * from b" if "models/s.yml" in change else "select * from a")
    assert seen == [(1, 1, 1), (2, 1, 1), (2, 3, 1), (2, 3, 9), (2, 3, 10), (2, 3, 10)]


def test_json_lines_tell_the_same_story(project: Make) -> None:
    p = project({"models/a.sql": "select 1 as x"})
    done = p.orc("run", "--log-format", "json").exits(0)
    names = [json.loads(line)["info"]["name"] for line in done.stderr.splitlines()]
    assert names[0] == "MainReportVersion"
    assert "LogModelResult" in names
    assert names[-1] == "EndOfRunSummary" or "StatsLine" in names


def test_python_between_sql(project: Make) -> None:
    p = project(
        {
            "models/first.sql": TABLE
            + "select i as id, date '2024-01-01' + i::int as day, i * 1.5 as amount, 'n' || i as name from range(5) t(i)",
            "models/middle.py": """
                def model(dbt, session):
                    dbt.config(materialized="table")
                    frame = dbt.ref("first").df()
                    return frame[frame["id"] > 2]
                """,
            "models/last.sql": "select count(*) as n, min(day) as day, max(name) as name from {{ ref('middle') }}",
            "models/s.yml": "models:\n  - name: middle\n    columns:\n      - name: id\n        tests: [unique, not_null]\n",
        }
    )
    done = p.orc("build").exits(0)
    assert done.statuses["unique_middle_id"] == "pass"
    assert [(n, str(day)[:10], name) for n, day, name in p.query("select * from last")] == [(2, "2024-01-04", "n4")]


def test_a_python_model_that_fails_a_gate_or_raises_is_not_published(project: Make) -> None:
    p = project(
        {
            "models/m.py": "def model(ctx):\n    return [{'id': 1}, {'id': 1}]\n",
            "models/n.sql": "select * from m",
            "models/s.yml": "models:\n  - name: m\n    columns:\n      - name: id\n        tests: [unique]\n",
        }
    )
    done = p.orc("build").exits(1)
    assert done.statuses == {"m": "error", "unique_m_id": "fail", "n": "skipped"}
    assert sorted(p.relations()) == ["main.m__orc_stage"]
    p.write({"models/m.py": "def model(ctx):\n    raise ValueError('no data today')\n"})
    done = p.orc("build").exits(1)
    assert "ValueError: no data today" in done.stderr
    assert "models/m.py:2" in done.stderr
    assert "main.m" not in p.relations()


def test_stored_failures_survive_when_an_incremental_gate_fails(project: Make) -> None:
    p = project(
        {
            "dbt_project.yml": "name: shop\n",
            "seeds/raw.csv": "id\n1\n",
            "models/i.sql": "{{ config(materialized='incremental') }} select id from raw",
            "models/s.yml": "models:\n  - name: i\n    columns:\n      - name: id\n        tests: [{unique: {config: {store_failures: true}}}]\n",
        }
    )
    p.orc("build").exits(0)
    done = p.orc("build").exits(1)
    assert done.statuses["unique_i_id"] == "fail"
    assert p.query("select id from i") == [(1,)]
    inspect = re.search(r"See test failures: (select .*)", done.stderr)
    assert inspect, done.stderr
    assert p.query(inspect[1]) == [(1, 2)]
