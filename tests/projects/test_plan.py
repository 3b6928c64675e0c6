"""`orc plan`: what a build would do, and why; `compile --dry-run`: what the engine says about each query. Nothing changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make

TABLE = "{{ config(materialized='table') }} "
SHOP = {
    "models/orders.sql": TABLE + "select 1 as id, 'x' as what",
    "models/totals.sql": TABLE + "select id, count(*) as n from {{ ref('orders') }} group by id",
    "models/props.yml": "models: [{name: totals, columns: [{name: id, data_tests: [unique]}]}]\n",
}


def test_new_changed_the_same_and_gone(project: Make) -> None:
    p = project(SHOP)
    first = p.orc("plan").exits(0).stdout.splitlines()
    assert first[0] == "Plan for target `dev`: 2 added; 1 test"
    assert " ".join(first[2].split()) == "+ sql table model main.orders does not exist yet"
    p.orc("build").exits(0)
    assert p.orc("plan").exits(0).stdout.splitlines()[0] == "Plan for target `dev`: 2 unchanged; 1 test"
    (p.root / "models" / "orders.sql").unlink()
    p.write({"models/totals.sql": TABLE + "select 2 as id"})
    told = p.orc("plan").exits(0).stdout
    assert "1 modified, 1 removed" in told
    assert "~ sql table model main.totals  code changed" in told
    assert "no longer in the project" in told
    assert p.query("select id from totals") == [(1,)]  # nothing was touched


@pytest.mark.parametrize(("change", "code"), [(False, 0), (True, 3)])
def test_the_exit_code_tells_scripts_about_changes(project: Make, change: bool, code: int) -> None:
    p = project(SHOP)
    p.orc("build").exits(0)
    if change:
        p.write({"models/totals.sql": TABLE + "select 2 as id"})
    p.orc("plan", "--exit-code").exits(code)
    p.orc("plan").exits(0)


def test_explain_prints_what_a_run_sends(project: Make) -> None:
    p = project(SHOP)
    told = p.orc("plan", "--explain", "-s", "orders").exits(0).stdout
    lines = [line.strip() for line in told.splitlines()]
    stage = lines.index('create or replace table "warehouse"."main"."orders__orc_stage" as')
    assert lines[stage + 1] == "select 1 as id, 'x' as what;"
    assert lines.index('alter table "warehouse"."main"."orders__orc_stage" rename to "orders";') > stage
    assert lines[-1] == "commit;"


def test_json_for_programs(project: Make) -> None:
    p = project(SHOP)
    entries = json.loads(p.orc("plan", "--output", "json").exits(0).stdout)
    assert [(e["node"], e["change"], e["needs"]) for e in entries] == [
        ("model.p.orders", "added", []),
        ("model.p.totals", "added", ["model.p.orders"]),
    ]
    assert entries[1]["tests"]
    assert any("create or replace table" in s for s in entries[0]["statements"])


def test_the_engine_judges_queries_whose_parents_are_not_built(project: Make) -> None:
    p = project({**SHOP, "models/wrong.sql": "select id,\n  nope from {{ ref('totals') }}"})
    done = p.orc("compile", "--dry-run").exits(1)
    assert done.stdout.splitlines()[:2] == ["model.p.orders  OK", "model.p.totals  OK"]
    assert "model.p.wrong   refused:" in done.stdout
    assert "models/wrong.sql:2:3" in done.stderr
    assert "totals" not in p.relations()


def test_what_cannot_be_asked_says_why(project: Make) -> None:
    p = project(
        {
            "seeds/raw.csv": "id\n1\n",
            "models/a.sql": "select id from {{ ref('raw') }}",
            "models/b.py": "def model(ctx):\n    return ctx.ref('a').df()\n",
        }
    )
    told = p.orc("compile", "--dry-run").exits(0).stdout
    assert "`raw` must be built first" in told
    assert "a Python model: what it reads is known when it runs" in told
    p.write({"seeds/props.yml": "seeds: [{name: raw, columns: [{name: id, data_type: integer}]}]\n"})
    assert "model.p.a  OK" in p.orc("compile", "--dry-run").exits(0).stdout


def test_a_budget_needs_an_engine_that_estimates(project: Make) -> None:
    p = project(SHOP)
    done = p.orc("run", "--max-bytes", "10GiB").exits(2)
    assert "U020" in done.stderr
    assert "10 wrong" in p.orc("run", "--max-bytes", "10 wrong").exits(2).stderr
    assert "orders" not in p.relations()
