"""Unit tests: a model's SQL on rows written down by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project

MODELS = {
    "dbt_project.yml": "name: shop\nvars: {rate: 2}\n",
    "seeds/raw.csv": "id,amount,day\n1,10,2024-01-01\n",
    "models/totals.sql": "select id, sum(amount) * {{ var('rate') }} as total, max(day) as day from {{ ref('raw') }} group by id",
}


def shop_with(project: Make, test: str, **more: str) -> Project:
    return project({**MODELS, "models/u.yml": test, **more})


def test_rows_as_dictionaries_csv_and_sql(project: Make) -> None:
    p = shop_with(
        project,
        """
        unit_tests:
          - name: as_dict
            model: totals
            given:
              - input: ref('raw')
                rows:
                  - {id: 1, amount: 1, day: 2024-01-01}
                  - {id: 1, amount: 2}
            expect:
              rows:
                - {id: 1, total: 6, day: 2024-01-01}
          - name: as_csv
            model: totals
            given:
              - input: ref('raw')
                format: csv
                rows: |
                  id,amount,day
                  1,1,
                  2,5,2024-01-02
            expect:
              format: csv
              rows: |
                id,total
                2,10
                1,2
          - name: as_sql
            model: totals
            given:
              - input: ref('raw')
                format: sql
                rows: select 7 as id, 1 as amount, date '2024-01-01' as day
            expect:
              format: sql
              rows: select 7 as id, 2 as total, date '2024-01-01' as day
        """,
    )
    done = p.orc("build").exits(0)
    assert done.statuses["totals"] == "success"
    assert "PASS as_dict" in done.stderr
    assert "PASS as_csv" in done.stderr
    assert "PASS as_sql" in done.stderr


def test_a_failing_unit_test_keeps_the_model_back_and_shows_the_rows_that_differ(project: Make) -> None:
    p = shop_with(
        project,
        """
        unit_tests:
          - name: doubles
            model: totals
            given:
              - input: ref('raw')
                rows:
                  - {id: 1, amount: 1}
                  - {id: 2, amount: 5}
                  - {id: 3, amount: 7}
            expect:
              rows:
                - {id: 1, total: 2}
                - {id: 2, total: 99}
        """,
    )
    done = p.orc("build").exits(1)
    assert "main.totals" not in p.relations()
    assert "FAIL 3 doubles" in done.stderr
    table = """
              id  total
    expected  2   99
    actual    2   10
    actual    3   14
"""
    assert "  actual differs from expected in 3 rows:" + table in done.stderr
    assert done.messages["totals"].endswith("not published: 1 test failed (doubles)")


def test_a_failing_unit_test_needs_no_data(project: Make) -> None:
    p = shop_with(
        project,
        "unit_tests:\n  - name: u\n    model: totals\n    given:\n      - input: ref('raw')\n        rows: []\n    expect: {rows: []}\n",
    )
    p.orc("seed").exits(0)
    p.orc("test", "-s", "test_type:unit").exits(0)
    assert sorted(p.relations()) == ["main.raw"]


def test_overrides_of_vars_macros_and_env(project: Make) -> None:
    p = shop_with(
        project,
        """
        unit_tests:
          - name: overridden
            model: m
            given: []
            overrides:
              vars: {rate: 5}
              macros: {today: "2024-01-01"}
              env_vars: {WHO: ann}
            expect:
              rows:
                - {rate: 5, day: "2024-01-01", who: ann}
        """,
        **{
            "macros/today.sql": "{% macro today() %}{{ return(run_started_at) }}{% endmacro %}",
            "models/m.sql": "select {{ var('rate') }} as rate, '{{ today() }}' as day, '{{ env_var('WHO', 'nobody') }}' as who",
        },
    )
    done = p.orc("build").exits(0)
    assert "PASS overridden" in done.stderr


def test_the_incremental_face_and_this(project: Make) -> None:
    p = shop_with(
        project,
        """
        unit_tests:
          - name: first_run
            model: inc
            overrides: {macros: {is_incremental: false}}
            given:
              - input: ref('raw')
                rows: [{id: 1}, {id: 2}]
            expect:
              rows: [{id: 1}, {id: 2}]
          - name: later_run
            model: inc
            overrides: {macros: {is_incremental: true}}
            given:
              - input: ref('raw')
                rows: [{id: 1}, {id: 2}]
              - input: this
                rows: [{id: 1}]
            expect:
              rows: [{id: 2}]
        """,
        **{
            "models/inc.sql": """
                {{ config(materialized='incremental') }}
                select id from {{ ref('raw') }}
                {% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}
                """
        },
    )
    done = p.orc("build").exits(0)
    assert "PASS first_run" in done.stderr
    assert "PASS later_run" in done.stderr
    p.orc("build").exits(0)


def test_an_unknown_column_is_named(project: Make) -> None:
    p = shop_with(
        project,
        """
        unit_tests:
          - name: typo
            model: totals
            given:
              - input: ref('raw')
                rows: [{id: 1, amuont: 1}]
            expect:
              rows: [{id: 1}]
        """,
    )
    done = p.orc("build").exits(1)
    assert done.statuses["totals"] == "error"
    assert "has no column `amuont`" in done.stderr
    assert "did you mean `amount`?" in done.stderr
    assert "models/u.yml:2" in done.stderr


def test_an_unknown_expected_column_is_named(project: Make) -> None:
    p = shop_with(
        project,
        "unit_tests:\n  - name: typo\n    model: totals\n    given:\n      - {input: ref('raw'), rows: []}\n    expect:\n      rows: [{totl: 1}]\n",
    )
    done = p.orc("build").exits(1)
    assert "expects a column `totl`" in done.stderr
    assert "did you mean `total`?" in done.stderr


def test_an_input_the_model_does_not_read_is_named(project: Make) -> None:
    p = shop_with(
        project,
        "unit_tests:\n  - name: typo\n    model: totals\n    given:\n      - {input: ref('rawr'), rows: []}\n    expect:\n      rows: []\n",
    )
    done = p.orc("build")
    assert done.code in (1, 2)
    assert "`rawr`" in done.stderr
    assert "raw" in done.stderr


def test_a_model_that_does_not_exist(project: Make) -> None:
    p = shop_with(project, "unit_tests:\n  - name: lost\n    model: totls\n    given: []\n    expect: {rows: []}\n")
    done = p.orc("build").exits(2)
    assert "totls" in done.stderr
    assert "did you mean `totals`?" in done.stderr
