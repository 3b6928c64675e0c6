"""Templates that ask the warehouse give the same answers on every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.shop import rows_sql

if TYPE_CHECKING:
    from tests.contract.shop import Shop

TABLE = "{{ config(materialized='table') }} "
NUMBERS = {"models/numbers.sql": TABLE + rows_sql([(1, "a"), (2, "b"), (3, None)])}
ANSWERS = {
    "run_query": "{% set got = run_query('select max(id) as n from ' ~ ref('numbers')) %}{% set n = got.columns[0].values()[0] if execute else 0 %}select {{ n }} as n",
    "run_query by row": "-- depends_on: {{ ref('numbers') }}\n{% set n = run_query('select count(*) as n from ' ~ ref('numbers'))[0]['n'] if execute else 0 %}select {{ n }} as n",
    "statement": """
        {% call statement('newest', fetch_result=True) %}select max(id) as n from {{ ref('numbers') }}{% endcall %}
        select {{ load_result('newest')['data'][0][0] if execute else 0 }} as n""",
    "get_relation": """
        {% set t = ref('numbers') %}{% set found = adapter.get_relation(database=t.database, schema=t.schema, identifier=t.identifier) %}
        select {{ 3 if execute and found is not none and found.is_table else 0 }} as n""",
    "get_relation of nothing": """
        -- depends_on: {{ ref('numbers') }}
        {% set found = adapter.get_relation(database=this.database, schema=this.schema, identifier='nowhere') %}
        select {{ 3 if execute and found is none else 0 }} as n""",
    "get_columns_in_relation": """
        {% set names = adapter.get_columns_in_relation(ref('numbers')) | map(attribute='name') | list %}
        select {{ 3 if execute and names == ['id', 'v'] else 0 }} as n""",
    "column types": """
        {% set kinds = adapter.get_columns_in_relation(ref('numbers')) %}
        select {{ 3 if execute and kinds[0].is_number() and kinds[1].is_string() else 0 }} as n""",
    "dispatch": "-- depends_on: {{ ref('numbers') }}\nselect {{ adapter.dispatch('three')() }} as n",
    "graph": """
        -- depends_on: {{ ref('numbers') }}
        select {{ 3 if execute and graph.nodes.values() | selectattr('name', 'equalto', 'numbers') | list | length == 1 else 0 }} as n""",
}
MACROS = {
    "macros/three.sql": "{% macro default__three() %}{{ run_query('select count(*) from ' ~ ref('numbers')).columns[0].values()[0] if execute else 0 }}{% endmacro %}"
}


@pytest.mark.some("bigquery", ("kind", "what"), [*(("table", what) for what in ANSWERS), ("view", "run_query")])
@pytest.mark.parametrize("what", ANSWERS)
@pytest.mark.parametrize("kind", ["table", "view"])
def test_an_answer_of_the_warehouse_becomes_text_of_the_model(shop: Shop, what: str, kind: str) -> None:
    shop.write({**NUMBERS, **MACROS, "models/m.sql": f"{{{{ config(materialized='{kind}') }}}}\n{ANSWERS[what]}"}).orc("build")
    assert shop.rows("m") == [(3,)]


def test_the_answer_is_that_of_the_step_not_of_the_start(shop: Shop) -> None:
    late = ANSWERS["run_query"]
    shop.write({**NUMBERS, "models/m.sql": TABLE + late}).orc("build")
    shop.write({"models/numbers.sql": TABLE + rows_sql([(7, "x")])}).orc("build")
    assert shop.rows("m") == [(7,)]


def test_an_incremental_model_asks_for_its_own_newest_row(shop: Shop) -> None:
    text = (
        "{{ config(materialized='incremental') }}{% if is_incremental() %}"
        "{% set last = run_query('select max(id) as n from ' ~ this).columns[0].values()[0] if execute else 0 %}{% endif %}\n"
        "select id, v from {{ ref('numbers') }}{% if is_incremental() %} where id > {{ last }}{% endif %}"
    )
    shop.write({**NUMBERS, "models/m.sql": text}).orc("build")
    shop.write({"models/numbers.sql": TABLE + rows_sql([(3, "again"), (4, "new")])}).orc("build")
    assert shop.rows("m", "id") == [(1,), (2,), (3,), (4,)]


def test_an_error_in_what_it_asks_is_shown_at_its_line(shop: Shop) -> None:
    shop.write({**NUMBERS, "models/m.sql": TABLE + "\n{% set n = run_query('select nope from ' ~ ref('numbers')) %}\nselect 1 as n"})
    shop.orc("build", code=1)
    assert "nope" in shop.told
    assert "models/m.sql:2" in shop.told


def test_a_pure_template_is_not_rendered_again(shop: Shop) -> None:
    shop.write({**NUMBERS, "models/m.sql": "select id from {{ ref('numbers') }}"}).orc("build")
    shop.orc("plan", "--explain", "-s", "m")
    assert "known only when it runs" not in shop.told
    shop.write({"models/m.sql": ANSWERS["run_query"]}).orc("plan", "--explain", "-s", "m")
    assert "known only when it runs" in shop.told
