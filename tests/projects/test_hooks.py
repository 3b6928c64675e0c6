"""Hooks: what they refer to is built first, and what they know of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make

ROWS = "{{ config(materialized='table') }} select 1 as n"


def test_what_a_hook_refers_to_is_a_parent(project: Make) -> None:
    p = project({
        "models/a.sql": "{{ config(materialized='table', post_hook=\"insert into {{ this }} select n + 1 from {{ ref('z') }}\") }} select 0 as n",
        "models/z.sql": ROWS,
    })  # fmt: skip
    done = p.orc("build", "--threads", "4").exits(0)
    assert p.query("select n from a order by n") == [(0,), (2,)]
    assert done.manifest["nodes"]["model.p.a"]["depends_on"]["nodes"] == ["model.p.z"]


def test_a_hook_in_the_project_file_and_a_macro_in_it_name_parents_too(project: Make) -> None:
    p = project({
        "dbt_project.yml": "{name: p, models: {p: {left: {+post-hook: ['{{ copy() }}']}}}}",
        "macros/copy.sql": "{% macro copy() %}insert into {{ this }} select n + 1 from {{ ref('z') }}{% endmacro %}",
        "models/left/a.sql": ROWS,
        "models/z.sql": ROWS,
    })  # fmt: skip
    p.orc("run").exits(0)
    assert p.query("select n from a order by n") == [(1,), (2,)]


@pytest.mark.parametrize("where", ["on-run-start", "on-run-end"])
def test_a_hook_of_the_run_may_refer_to_models(project: Make, where: str) -> None:
    hook = "create or replace table main.seen as select '{{ ref('z').identifier }}' as name".replace("'", "''")
    p = project({"dbt_project.yml": f"{{name: p, {where}: ['{hook}']}}", "models/z.sql": ROWS})
    p.orc("run").exits(0)
    assert p.query("select name from main.seen") == [("z",)]


def test_a_hook_of_a_seed_cannot_wait_for_a_model(project: Make) -> None:
    p = project({
        "seeds/s.csv": "n\n1\n",
        "seeds/s.yml": "seeds: [{name: s, config: {post_hook: 'select * from {{ ref(\"z\") }}'}}]",
        "models/z.sql": ROWS,
    })  # fmt: skip
    error = p.orc("parse").exits(2).error
    assert (error["code"], error["type"]) == ("P031", "ParsingError")
    assert "seeds cannot depend on other nodes" in error["message"]


def test_the_last_hooks_know_where_the_run_built(project: Make) -> None:
    hook = "create or replace table main.built as {% for db, s in database_schemas %}select '{{ db }}.{{ s }}' as place, {{ schemas | length }} as n{% endfor %}"
    p = project({
        "dbt_project.yml": f'{{name: p, on-run-end: ["{hook}"]}}',
        "models/a.sql": ROWS,
    })  # fmt: skip
    p.orc("run").exits(0)
    assert p.query("select * from main.built") == [("warehouse.main", 1)]


def test_a_hook_knows_its_thread(project: Make) -> None:
    p = project(
        {
            "models/a.sql": "{{ config(materialized='table', post_hook=\"insert into {{ this }} select '{{ thread_id }}'\") }} select 'x' as t"
        }
    )
    p.orc("run").exits(0)
    assert p.query("select t from a order by t") == [("Thread-1",), ("x",)]


def test_one_key_in_two_spellings_is_an_error(project: Make) -> None:
    p = project({"models/a.sql": "{{ config({'pre_hook': 'select 1', 'pre-hook': 'select 2'}) }} select 1 as n"})
    error = p.orc("run").exits(2).error
    assert (error["code"], error["type"]) == ("R021", "CompilationError")
    assert "`pre_hook` and `pre-hook`" in error["message"]


def test_a_hook_of_the_run_is_not_counted_among_its_results(project: Make) -> None:
    hook = "create or replace table main.seen as select 1 as n"
    p = project({"dbt_project.yml": f"{{name: p, on-run-start: ['{hook}']}}", "models/a.sql": ROWS, "models/b.sql": ROWS})
    told = p.orc("run").exits(0).stderr
    assert [f"{n} of 2 OK" in told for n in (1, 2, 3)] == [True, True, False]
