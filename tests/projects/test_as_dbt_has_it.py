"""Habits of dbt's authors that cost us nothing to honour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make

PROJECT = {"dbt_project.yml": "{name: p, test-paths: [tests]}"}
NUMBERS = {"models/numbers.sql": "{{ config(materialized='table') }} select range as n from range(3)"}


def test_options_may_stand_before_the_command(project: Make) -> None:
    p = project({**PROJECT, **NUMBERS})
    done = p.shell("orc --no-partial-parse --log-format json run --select numbers").exits(0)
    assert '"name"' in done.stderr.splitlines()[0]


@pytest.mark.parametrize("command", ["seed", "run", "test", "build"])
def test_a_dbt_project_without_models_has_nothing_to_do(project: Make, command: str) -> None:
    p = project({**PROJECT, "macros/m.sql": "{% macro m() %}{% endmacro %}"})
    assert p.orc(command).exits(0).run_results["results"] == []


def test_properties_of_models_may_describe_a_seed(project: Make) -> None:
    p = project({
        **PROJECT,
        "seeds/base.csv": "id\n1\n",
        "seeds/s.yml": "models: [{name: base, description: Of the seed, columns: [{name: id, tests: [not_null]}]}]",
    })  # fmt: skip
    done = p.orc("build").exits(0)
    assert done.statuses == {"base": "success", "not_null_base_id": "pass"}
    assert done.manifest["nodes"]["seed.p.base"]["description"] == "Of the seed"
    assert "C120" not in done.stderr


def test_predicates_is_short_for_incremental_predicates(project: Make) -> None:
    p = project({
        **PROJECT,
        "models/m.sql": "{{ config(materialized='incremental', unique_key='id', incremental_strategy='delete+insert', "
        "predicates=['id != 2']) }} select * from (values (1, '{{ var('v') }}'), (2, '{{ var('v') }}')) t(id, v)",
    })  # fmt: skip
    for value in "ab":
        p.orc("run", "--vars", f"{{v: {value}}}").exits(0)
    assert p.query("select id, v from m order by all") == [(1, "b"), (2, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ("store_failures_as='view', store_failures=false", "VIEW"),
        ("store_failures_as='table'", "BASE TABLE"),
        ("store_failures=true", "BASE TABLE"),
        ("store_failures_as='ephemeral', store_failures=true", None),
        ("store_failures=false", None),
    ],
)
def test_failing_rows_are_kept_as_the_test_wants(project: Make, config: str, kind: str | None) -> None:
    p = project({**PROJECT, **NUMBERS, "tests/small.sql": f"{{{{ config({config}) }}}} select n from {{{{ ref('numbers') }}}} where n > 0"})
    p.orc("run", "--no-gates").exits(0)
    done = p.orc("test").exits(1)
    assert (done.statuses, done.results["small"]["failures"]) == ({"small": "fail"}, 2)
    kept = '"warehouse"."main_dbt_test__audit"."small"' if kind else None
    assert (done.results["small"]["relation_name"], done.manifest["nodes"]["test.p.small"]["relation_name"]) == (kept, kept)
    found = p.query("select table_type from information_schema.tables where table_name = 'small' and table_schema = 'main_dbt_test__audit'")
    assert found == ([] if kind is None else [(kind,)])


def test_a_failing_gate_keeps_rows_and_not_a_view_of_a_stage(project: Make) -> None:
    p = project({**NUMBERS, "tests/assertions/small.sql": "{{ config(store_failures_as='view') }} select n from numbers where n > 0"})
    p.orc("run").exits(1)
    assert p.query("select count(*) from main_dbt_test__audit.small") == [(2,)]


def test_failures_cannot_be_kept_as_something_else(project: Make) -> None:
    p = project({**NUMBERS, "tests/assertions/small.sql": "{{ config(store_failures_as='csv') }} select n from numbers"})
    assert p.orc("test").exits(2).error["code"] == "N012"


UNIT = """
unit_tests:
  - name: doubled
    model: doubles
    given: [{input: ref('numbers'), format: csv, fixture: three}]
    expect: {format: FORMAT, fixture: six}
"""
DOUBLES = {"models/doubles.sql": "select n * 2 as n from {{ ref('numbers') }}", "tests/fixtures/in/three.csv": "n\n3\n"}


@pytest.mark.parametrize(("form", "file", "text"), [("csv", "six.csv", "n\n6\n"), ("sql", "six.sql", "select 6 as n")])
def test_unit_tests_may_keep_their_rows_in_files(project: Make, form: str, file: str, text: str) -> None:
    p = project({**PROJECT, **NUMBERS, **DOUBLES, "models/u.yml": UNIT.replace("FORMAT", form), f"tests/fixtures/{file}": text})
    p.orc("run").exits(0)
    assert p.orc("test", "--select", "test_name:doubled").exits(0).statuses == {"doubles": "pass"}
    p.write({f"tests/fixtures/{file}": text.replace("6", "7")})  # the cache must notice
    assert p.orc("test", "--select", "test_name:doubled").exits(1).statuses == {"doubles": "fail"}


def test_a_fixture_that_is_not_there(project: Make) -> None:
    p = project({**PROJECT, **NUMBERS, **DOUBLES, "models/u.yml": UNIT.replace("FORMAT", "csv"), "tests/fixtures/sixx.csv": "n\n6\n"})
    error = p.orc("parse").exits(2).error
    assert (error["code"], error["file"]) == ("C122", "models/u.yml")


def test_columns_of_unit_tests_are_found_in_any_case(project: Make) -> None:
    test = "unit_tests: [{name: t, model: doubles, given: [{input: ref('numbers'), rows: [{n: 1}, {N: 2}]}], expect: {rows: [{n: 2}, {N: 4}]}}]"
    p = project({**PROJECT, **NUMBERS, **DOUBLES, "models/u.yml": test})
    p.orc("run").exits(0)
    assert p.orc("test").exits(0).statuses == {"doubles": "pass"}


def test_descriptions_may_call_doc_blocks_and_variables(project: Make) -> None:
    p = project({
        **PROJECT,
        "models/numbers.sql": "{{ config(materialized='table', persist_docs={'relation': true, 'columns': true}) }} select 1 as n",
        "models/d.md": "{% docs rows %}All the rows{% enddocs %}",
        "models/s.yml": "models: [{name: numbers, description: \"{{ doc('rows') }} of {{ var('who', 'Ann') }}\", "
        "columns: [{name: n, description: \"{{ doc('p', 'rows') }}\"}]}]",
    })  # fmt: skip
    node = p.orc("run").exits(0).manifest["nodes"]["model.p.numbers"]
    assert (node["description"], node["columns"]["n"]["description"]) == ("All the rows of Ann", "All the rows")
    assert p.query("select comment from duckdb_tables() where table_name = 'numbers'") == [("All the rows of Ann",)]
    p.write({"models/d.md": "{% docs rows %}Some rows{% enddocs %}"})
    assert p.orc("parse").exits(0).manifest["nodes"]["model.p.numbers"]["description"] == "Some rows of Ann"


def test_a_description_that_calls_a_block_that_is_not_there(project: Make) -> None:
    p = project({**PROJECT, **NUMBERS, "models/s.yml": "models: [{name: numbers, description: \"{{ doc('nope') }}\"}]"})
    assert p.orc("parse").exits(2).error["code"] == "R016"


def test_seed_show_prints_what_was_loaded(project: Make) -> None:
    p = project({**PROJECT, **NUMBERS, "seeds/a.csv": "id,word\n1,ant\n", "seeds/b.csv": "id\n7\n"})
    done = p.orc("seed", "--show").exits(0)
    assert ("ant" in done.stdout, "7" in done.stdout, done.statuses) == (True, True, {"a": "success", "b": "success"})
    only = p.orc("seed", "--show", "--select", "a").exits(0)
    assert ("ant" in only.stdout, "7" in only.stdout) == (True, False)


def test_templates_may_make_and_drop_schemas_and_relations(project: Make) -> None:
    p = project({
        **PROJECT,
        "macros/m.sql": """
            {% macro work() %}
              {% set there = api.Relation.create(schema='extra', identifier='t') %}
              {% do adapter.create_schema(there) %}
              {% do run_query(create_table_as(false, there, 'select 1 as n')) %}
              {% do adapter.rename_relation(there, api.Relation.create(schema='extra', identifier='u')) %}
              {% do run_query(create_view_as(api.Relation.create(schema='extra', identifier='v'), 'select 2 as n')) %}
            {% endmacro %}
            {% macro undo() %}
              {% do adapter.drop_relation(adapter.get_relation(none, 'extra', 'v')) %}
              {{ log(adapter.check_schema_exists(none, 'extra') ~ ' ' ~ adapter.get_relation(none, 'extra', 'v'), info=true) }}
              {% do adapter.drop_schema(api.Relation.create(schema='extra')) %}
              {{ log('then ' ~ adapter.check_schema_exists(none, 'extra'), info=true) }}
            {% endmacro %}
        """,
    })  # fmt: skip
    p.orc("run-operation", "work").exits(0)
    assert p.query("select u.n, v.n from extra.u, extra.v") == [(1, 2)]
    told = p.orc("run-operation", "undo").exits(0).stderr
    assert ("True None" in told, "then False" in told) == (True, True)
