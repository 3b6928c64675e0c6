"""`orc plan`: what a build would do, and why; `compile --dry-run`: what the engine says about each query. Nothing changes."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project

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


MART = {
    "models/stg.sql": TABLE + "select 1 as id, 10 as amount, 'x' as note",
    "models/sums.sql": TABLE + "select id, sum(amount) as total from {{ ref('stg') }} group by id",
    "models/notes.sql": TABLE + "select id, note from {{ ref('stg') }}",
    "models/old.sql": TABLE + "select 1 as x",
    "models/log.sql": "{{ config(materialized='incremental', unique_key='id') }} select id, amount from {{ ref('stg') }}",
    "models/props.yml": "models: [{name: sums, columns: [{name: id, data_tests: [unique]}]}]\n",
}


def committed(p: Project) -> Project:
    p.write({".gitignore": "*.duckdb\ntarget/\n.orchestrator/\n"})
    p.orc("build").exits(0)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=p.root, check=True)
    return p


CHANGED = {"models/stg.sql": TABLE + "select 1 as id, 10 * 100 as amount, 'x' as note", "models/new.sql": "select 1 as x"}


def test_against_a_revision_what_changed_and_who_reads_of_it(project: Make) -> None:
    p = committed(project(MART)).write(CHANGED).remove("models/old.sql")
    told = p.orc("plan", "--since", "git:main").exits(0).stdout
    lines = [" ".join(line.split(" about ")[0].split()) for line in told.splitlines() if line.strip()]
    assert lines[0].startswith("Plan for target `dev` against main (")
    assert lines[0].endswith("): 1 added, 1 modified, 2 affected, 1 removed; 1 test")
    assert lines[1:11] == [
        "Added", "+ sql view model main.new", "Modified", "~ sql table model main.stg", "expression changed: amount", "Indirectly affected",
        "≈ sql incremental model main.log", "reads stg.amount", "≈ sql table model main.sums", "reads stg.amount",
    ]  # fmt: skip
    assert lines[11:14] == [
        "Removed", "- model.p.old", "no longer in the project; warehouse.main.old is left as it is",
    ]  # fmt: skip
    assert lines[14] == "1 below read nothing of it: notes"
    assert lines[15:18] == [
        "Needs backfill: rows that stay as they were built before",
        "! sql incremental model main.log all rows that are there",
        "orc run -s log --full-refresh",
    ]
    assert "as long as the last builds took" in lines[18]
    assert p.orc("plan", "--since", "main", "--exit-code").exits(3).code == 3
    wide = p.orc("plan", "--since", "main", "--widen").exits(0).stdout
    assert "downstream of a change" in wide
    assert "read nothing of it" not in wide
    refreshed = p.orc("plan", "--since", "main", "--full-refresh").exits(0).stdout
    assert "Needs backfill" not in refreshed


def test_against_a_revision_that_says_the_same(project: Make) -> None:
    p = committed(project(MART)).write({"models/stg.sql": "-- why\n" + MART["models/stg.sql"].replace("select", "SELECT")})
    done = p.orc("plan", "--since", "main", "--exit-code").exits(0)
    assert done.stdout.splitlines()[0].endswith("nothing to build; 0 tests")


def test_against_a_revision_for_programs(project: Make) -> None:
    p = committed(project(MART)).write(CHANGED)
    entries = {e["node"]: e for e in json.loads(p.orc("plan", "--since", "main", "--format", "json").exits(0).stdout)}
    assert {id_.rpartition(".")[2]: e["change"] for id_, e in entries.items()} == {
        "new": "added", "stg": "modified", "sums": "affected", "log": "affected",
    }  # fmt: skip
    assert entries["model.p.sums"]["details"] == ["reads stg.amount"]
    assert entries["model.p.log"]["backfill"] == {"rows": "all rows that are there", "command": "orc run -s log --full-refresh"}
    assert entries["model.p.stg"]["seconds"] > 0


def test_against_a_state(project: Make) -> None:
    p = project(MART)
    p.orc("build").exits(0)
    (p.root / "state").mkdir()
    (p.root / "state" / "manifest.json").write_text(p.read("target/manifest.json"))
    p.write(CHANGED).remove("models/old.sql")
    told = p.orc("plan", "--state", "state").exits(0).stdout
    assert "1 added, 1 modified, 3 affected, 1 removed; 1 test" in told
    assert "      body" in told


def test_which_intervals_need_a_backfill(project: Make) -> None:
    config = "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='moment', begin='2025-01-01', batch_size='day') }} "
    rows = "from (select timestamp '2025-01-02 01:00' as moment) where moment >= '{{ interval_start }}' and moment < '{{ interval_end }}'"
    p = project({"models/events.sql": f"{config}select moment, 1 as x {rows}"})
    p.orc("run", "--event-time-start", "2025-01-01", "--event-time-end", "2025-01-04").exits(0)
    assert "Needs backfill" not in p.orc("plan").exits(0).stdout
    p.write({"models/events.sql": f"{config}select moment, 2 as x {rows}"})
    told = p.orc("plan").exits(0).stdout
    assert "2025-01-01 to 2025-01-04 (3 batches of a day)" in told
    assert "orc run -s events --event-time-start 2025-01-01T00:00 --event-time-end 2025-01-04T00:00" in told


def test_against_what_is_published_whose_own_code_changed(project: Make) -> None:
    thin = {"models/thin.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('stg') }}"}
    p = project({**MART, **thin, "models/far.sql": "select id from {{ ref('thin') }}"})
    p.orc("build").exits(0)
    p.write(CHANGED | {"models/notes.sql": TABLE + "select id, upper(note) as note from {{ ref('stg') }}"})
    entries = {e["node"].rpartition(".")[2]: e for e in json.loads(p.orc("plan", "--format", "json").exits(0).stdout)}
    assert {name: e["change"] for name, e in entries.items()} == {
        "new": "added", "stg": "modified", "notes": "modified", "sums": "affected", "far": "affected", "log": "affected", "old": "unchanged",
    }  # fmt: skip
    assert entries["far"]["reason"] == "what it reads changed: stg"
    p.write({"models/thin.sql": thin["models/thin.sql"].replace("select id", "select id + 1 as id"), **MART})
    entries = {e["node"].rpartition(".")[2]: e for e in json.loads(p.orc("plan", "--format", "json").exits(0).stdout)}
    assert {name for name, e in entries.items() if e["change"] != "unchanged"} >= {"far"}
