"""Builds beside production: schemas of their own, everything else read from production, nothing of it written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project

TABLE = "{{ config(materialized='table') }} "
SHOP = {
    "models/orders.sql": TABLE + "select 1 as id, 10 as amount union all select 2, 20",
    "models/big.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('orders') }} where amount > 10",
    "models/totals.sql": TABLE + "select id, sum(amount) as total from {{ ref('big') }} group by id",
    "models/props.yml": "models: [{name: totals, columns: [{name: id, data_tests: [unique, not_null]}]}]\n",
}
BAD = {"models/orders.sql": TABLE + "select 1 as id, 99 as amount"}


def tables(p: Project) -> list[str]:
    return [f"{s}.{t}" for s, t in p.query("select schema_name, table_name from duckdb_tables() where schema_name <> '_orc' order by all")]


def test_what_is_not_built_is_read_from_production_through_ephemeral_models_too(project: Make) -> None:
    p = project(SHOP)
    p.orc("build").exits(0)
    p.orc("build", "--environment", "pr_7", "-s", "totals").exits(0)
    assert tables(p) == ["main.orders", "main.totals", "main__pr_7.totals"]
    assert p.query("select * from main__pr_7.totals") == [(2, 20)]


def test_what_the_environment_has_itself_counts_as_long_as_it_is_what_would_be_built(project: Make) -> None:
    p = project(SHOP)
    p.orc("build").exits(0)
    p.write(BAD).orc("build", "--environment", "pr_7", "-s", "orders").exits(0)
    p.orc("build", "--environment", "pr_7", "-s", "totals").exits(0)
    assert p.query("select * from main__pr_7.totals") == [(1, 99)]
    p.write(SHOP).orc("build", "--environment", "pr_7", "-s", "totals").exits(0)  # orders is as in production again
    assert p.query("select * from main__pr_7.totals") == [(2, 20)]
    assert p.query("select amount from main.orders order by 1") == [(10,), (20,)]


def test_two_environments_and_production_have_a_ledger_each(project: Make) -> None:
    p = project(SHOP)
    p.orc("build").exits(0)
    for name in ("pr_7", "pr_8"):
        p.orc("run", "--environment", name, "-s", "orders").exits(0)
    rows = p.query("select node from _orc.ledger where node like '%orders' order by 1")
    assert [node.rpartition(".")[0] for (node,) in rows] == ["model.p", "pr_7/model.p", "pr_8/model.p"]
    assert p.orc("plan", "--exit-code").exits(0).stdout.splitlines()[0].endswith("2 unchanged; 2 tests")


def test_a_macro_that_names_schemas_as_it_likes_cannot_leave_the_environment(project: Make) -> None:
    p = project({**SHOP, "macros/naming.sql": "{% macro generate_schema_name(custom_schema_name, node) %}production{% endmacro %}"})
    p.orc("build").exits(0)
    before = p.query("select * from production.orders order by 1")
    p.write(BAD).orc("build", "--environment", "pr_7").exits(0)
    assert p.query("select * from production.orders order by 1") == before
    assert "production__pr_7.orders" in tables(p)


def test_kept_failures_stay_in_the_environment(project: Make) -> None:
    p = project(SHOP)
    p.orc("build").exits(0)
    p.write({"models/totals.sql": TABLE + "select 1 as id union all select 1"})
    p.orc("build", "--environment", "pr_7", "-s", "totals", "--store-failures").exits(1)
    assert {t.partition(".")[0] for t in tables(p) if "audit" in t or "unique" in t} == {"main_dbt_test__audit__pr_7"}


def test_late_templates_hooks_and_python_models_read_where_it_is(project: Make) -> None:
    p = project(
        {
            **SHOP,
            "models/late.sql": TABLE + "-- depends_on: {{ ref('orders') }}\n"
            "{% set n = run_query('select count(*) from ' ~ ref('orders')).columns[0].values()[0] if execute %}"
            "select {{ n or 0 }} as n, '{{ this.schema }}' as here",
            "models/py.py": "def model(dbt, session):\n    dbt.config(materialized='table')\n    return dbt.ref('orders').df()\n",
            "models/hooked.sql": "{{ config(materialized='table', post_hook='insert into {{ this }} select id from {{ ref(\"orders\") }}') }}"
            "select 0 as id -- {{ ref('orders') }}",
        }
    )
    p.orc("build").exits(0)
    p.orc("build", "--environment", "pr_7", "-s", "late", "py", "hooked").exits(0)
    assert p.query("select * from main__pr_7.late") == [(2, "main__pr_7")]
    assert p.query("select count(*) from main__pr_7.py") == [(2,)]
    assert p.query("select count(*) from main__pr_7.hooked") == [(3,)]
    assert p.query("select count(*) from main.hooked") == [(3,)]


@pytest.mark.parametrize("name", ["PR-7", "a b", "x__y", "a" * 41, "", "prod;"])
def test_a_name_that_ends_no_schema(project: Make, name: str) -> None:
    p = project(SHOP)
    if name:
        assert "error[U055]" in p.orc("build", "--environment", name).exits(2).stderr


STATE = {"models/new.sql": TABLE + "select id from {{ ref('orders') }}"}


def kept(p: Project) -> Project:
    """Production's artifacts, put aside."""
    p.orc("build").exits(0)
    folder = p.root / "state"
    folder.mkdir()
    for name in ("manifest.json", "run_results.json"):
        (folder / name).write_bytes((p.root / "target" / name).read_bytes())
    return p


def selected(p: Project, *words: str) -> list[str]:
    return sorted(p.orc("ls", "--output", "name", "--state", "state", "--resource-type", "model", "-s", *words).exits(0).stdout.split())


def test_defer_reads_what_the_target_does_not_have(project: Make) -> None:
    p = kept(project(SHOP))
    state = p.root / "state" / "manifest.json"
    state.write_text(state.read_text().replace('"schema": "main"', '"schema": "prod"').replace('"schema":"main"', '"schema":"prod"'))
    p.change("create schema prod; create table prod.orders as select 5 as id, 50 as amount; drop table main.orders; drop table main.totals")
    p.orc("run", "-s", "totals", "--defer", "--state", "state").exits(0)
    assert p.query("select * from main.totals") == [(5, 50)]
    compiled = p.orc("compile", "-s", "totals", "--resource-type", "model", "--defer", "--state", "state").exits(0).stdout
    assert '"prod"."orders"' in compiled
    p.orc("run", "-s", "orders").exits(0)
    p.orc("run", "-s", "totals", "--defer", "--state", "state").exits(0)
    assert p.query("select * from main.totals") == [(2, 20)]  # it is there now
    p.orc("run", "-s", "totals", "--defer", "--favor-state", "--state", "state").exits(0)
    assert p.query("select * from main.totals") == [(5, 50)]
    p.change("drop table main.totals; create table prod.totals as select 1 as id union all select 1")
    tested = p.orc("test", "-s", "totals", "--defer", "--state", "state").exits(1)
    assert tested.statuses == {"not_null_totals_id": "pass", "unique_totals_id": "fail"}  # prod's totals was looked at
    shown = p.orc("show", "--inline", "select count(*) as n from totals", "--defer", "--state", "state", "--output", "json").exits(0)
    assert json.loads(shown.stdout) == [{"n": 2}]
    manifest = json.loads(p.read("target/manifest.json"))
    assert manifest["nodes"]["model.p.orders"]["schema"] == "main"  # what artifacts tell is the project's own


def test_defer_needs_a_state(project: Make) -> None:
    p = project(SHOP)
    assert "error[U058]" in p.orc("run", "--defer").exits(2).stderr
    assert "error[U056]" in p.orc("run", "--defer", "--state", "nowhere").exits(2).stderr
    p.write({"old/manifest.json": '{"metadata": {"dbt_schema_version": "https://x/dbt/manifest/v9.json"}, "nodes": {}}'})
    assert "version 9" in p.orc("run", "--defer", "--state", "old").exits(2).stderr
    p.write({"old/manifest.json": "{"})
    assert "error[U057]" in p.orc("ls", "--state", "old", "-s", "state:new").exits(2).stderr


def test_modified_is_what_says_something_else(project: Make) -> None:
    p = kept(project({**SHOP, "macros/m.sql": "{% macro one() %}1{% endmacro %}", "models/uses.sql": "select {{ one() }} as x"}))
    assert selected(p, "state:modified") == []
    p.write({"models/orders.sql": "-- a remark\n" + SHOP["models/orders.sql"].replace("select", "SELECT  ")})
    assert selected(p, "state:modified") == []
    p.write({"models/orders.sql": SHOP["models/orders.sql"].replace("20", "21"), **STATE})
    assert selected(p, "state:modified") == ["new", "orders"]
    assert selected(p, "state:modified.body") == ["orders"]
    assert selected(p, "state:new") == ["new"]
    assert selected(p, "state:modified+") == ["big", "new", "orders", "totals"]
    assert selected(p, "state:old") == ["big", "orders", "totals", "uses"]
    assert selected(p, "state:unmodified") == ["big", "totals", "uses"]
    p.write({"macros/m.sql": "{% macro one() %}2{% endmacro %}"})
    assert selected(p, "state:modified.macros") == ["uses"]
    p.write({"models/totals.sql": SHOP["models/totals.sql"].replace("'table'", "'table', unique_key='id'")})
    assert selected(p, "state:modified.configs") == ["totals"]


def test_what_differs_per_target_is_not_modified(project: Make) -> None:
    per_target = "{{ config(materialized='table' if target.name == 'prod' else 'view') }} select '{{ target.name }}' as t"
    p = kept(project({"models/a.sql": per_target, "models/b.sql": "select '{{ target.schema }}' as s"}))
    state = p.root / "state" / "manifest.json"
    told = json.loads(state.read_text())
    told["nodes"]["model.p.a"]["config"]["materialized"] = "table"
    told["nodes"]["model.p.a"]["schema"] = "prod"
    state.write_text(json.dumps(told))
    assert selected(p, "state:modified") == []


def test_results_of_the_earlier_run(project: Make) -> None:
    p = project({**SHOP, "models/wrong.sql": "select nothing as a"})
    p.orc("build").exits(1)
    folder = p.root / "state"
    folder.mkdir()
    for name in ("manifest.json", "run_results.json"):
        (folder / name).write_bytes((p.root / "target" / name).read_bytes())
    assert selected(p, "result:error") == ["wrong"]
    assert selected(p, "result:success") == ["orders", "totals"]
    (folder / "run_results.json").unlink()
    assert "error[U059]" in p.orc("ls", "--state", "state", "-s", "result:error").exits(2).stderr


def test_a_state_that_dbt_wrote(project: Make) -> None:
    """The shape, reduced to what is looked at: dbt's digests and defaults are others than ours."""
    from hashlib import sha256

    p = project({"dbt_project.yml": "name: p\n", "models/a.sql": "select 1 as x\n", "seeds/s.csv": "id\n1\n"})
    common = {"package_name": "p", "database": "warehouse", "schema": "main", "depends_on": {"macros": [], "nodes": []}}
    config: dict[str, Any] = {
        "enabled": True,
        "alias": None,
        "materialized": "view",
        "tags": [],
        "lookback": 1,
        "packages": [],
        "on_schema_change": "ignore",
    }
    node = {
        **common, "unique_id": "model.p.a", "resource_type": "model", "name": "a", "alias": "a", "raw_code": "select 1 as x",
        "original_file_path": "models/a.sql", "fqn": ["p", "a"], "config": {**config, "access": "protected", "post-hook": [], "x": None},
        "checksum": {"name": "sha256", "checksum": "whatever"},
    }  # fmt: skip
    seed = {
        **common, "unique_id": "seed.p.s", "resource_type": "seed", "name": "s", "alias": "s", "raw_code": "", "fqn": ["p", "s"],
        "original_file_path": "seeds/s.csv", "config": {**config, "materialized": "seed", "delimiter": ","},
        "checksum": {"name": "sha256", "checksum": sha256(b"id\n1").hexdigest()},
    }  # fmt: skip
    metadata = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"}
    p.write({"state/manifest.json": json.dumps({"metadata": metadata, "nodes": {n["unique_id"]: n for n in (node, seed)}})})
    listed = p.orc("ls", "--state", "state", "-s", "state:modified", "--output", "name").exits(0)
    assert listed.stdout.split() == []
    p.write({"seeds/s.csv": "id\n2\n"})
    assert p.orc("ls", "--state", "state", "-s", "state:modified", "--output", "name").exits(0).stdout.split() == ["s"]


def test_the_janitor_drops_what_the_ledger_says_and_names_the_rest(project: Make) -> None:
    p = project({**SHOP, "models/v.sql": "select id from {{ ref('orders') }}"})
    p.orc("build").exits(0)
    before = p.relations()
    for name in ("pr_7", "pr_8"):
        p.orc("build", "--environment", name).exits(0)
    p.change("create table main__pr_7.somebodys as select 1 as x")
    told = p.orc("clean", "--environment", "pr_7", "--dry-run").exits(0).stderr
    assert "Would drop table warehouse.main__pr_7.orders" in told
    assert "main__pr_7.orders" in p.relations()
    told = p.orc("clean", "--environment", "pr_7").exits(0).stderr
    assert "Dropped view warehouse.main__pr_7.v" in told
    assert "Left warehouse.main__pr_7.somebodys: the ledger does not say that it is of `pr_7`" in told
    there = {r for r in p.relations() if "pr_7" in r}
    assert there == {"main__pr_7.somebodys"}
    assert {r for r in p.relations() if "pr_8" in r} == {"main__pr_8.orders", "main__pr_8.totals", "main__pr_8.v"}
    p.change("drop table main__pr_7.somebodys")
    assert "No environment to clean; there is pr_8" in p.orc("clean", "--environment", "pr_7").exits(0).stderr
    assert "Dropped schema main__pr_8" in p.orc("clean", "--environment", "pr_8").exits(0).stderr
    assert {r: k for r, k in p.relations().items() if "pr_7" not in r} == before
    assert p.query("select count(*) from _orc.ledger where node like '%/%'") == [(0,)]


def test_the_janitor_finds_what_a_failed_build_left(project: Make) -> None:
    p = project(SHOP)
    p.orc("build").exits(0)
    p.write({"models/totals.sql": TABLE + "select 1 as id union all select 1"})
    p.orc("build", "--environment", "pr_7", "-s", "totals", "--store-failures").exits(1)
    assert [r for r in p.relations() if "__orc_stage" in r] == ["main__pr_7.totals__orc_stage"]
    p.orc("clean", "--environment", "pr_7").exits(0)
    assert [r for r in p.relations() if "pr_7" in r] == []
    assert p.query("select schema_name from duckdb_schemas() where schema_name like '%pr_7'") == []


def test_the_janitor_takes_environments_by_age(project: Make) -> None:
    p = project(SHOP)
    for name in ("pr_7", "pr_8"):
        p.orc("build", "--environment", name).exits(0)
    p.change("update _orc.ledger set \"at\" = '2020-01-01T00:00:00+00:00' where node like 'pr_7/%'")
    p.orc("clean", "--older-than", "7d").exits(0)
    assert {r.partition(".")[0] for r in p.relations()} == {"main__pr_8"}
    assert p.orc("clean", "--older-than", "soon").code == 2


def test_a_retry_goes_where_the_run_went(project: Make) -> None:
    p = project(SHOP)
    p.orc("build").exits(0)
    p.write({"models/totals.sql": TABLE + "select nothing as id"})
    p.orc("run", "--environment", "pr_7", "-s", "totals").exits(1)
    p.write(SHOP)
    p.orc("retry").exits(0)
    assert [r for r in p.relations() if r.endswith(".totals")] == ["main.totals", "main__pr_7.totals"]
