"""Text that can be known only when it is sent: templates that ask the warehouse or the clock, for models, views, tests and what they inline."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.projects.conftest import Make

COUNT = "-- depends_on: {{ ref('numbers') }}\n{% set n = run_query('select count(*) from ' ~ ref('numbers')).columns[0].values()[0] if execute else 0 %}"
NUMBERS = {"models/numbers.sql": "{{ config(materialized='table') }}\nselect range as n from range({{ var('rows', 3) }})"}


def test_models_are_rendered_with_what_their_parents_hold_now(project: Make) -> None:
    p = project({
        **NUMBERS,
        "models/as_table.sql": f"{{{{ config(materialized='table') }}}}{COUNT} select {{{{ n }}}} as n",
        "models/as_view.sql": f"{COUNT} select {{{{ n }}}} as n",
        "models/inlined.sql": f"{{{{ config(materialized='ephemeral') }}}}{COUNT} select {{{{ n }}}} as n",
        "models/reader.sql": "select n + 1 as n from inlined",
        "models/s.yml": "models: [{name: as_view, columns: [{name: n, description: How many, tests: [not_null]}]}]",
    })  # fmt: skip
    for rows in (3, 5):
        p.orc("build", "--vars", f"{{rows: {rows}}}").exits(0)
        assert p.query("select t.n, v.n, r.n from as_table t, as_view v, reader r") == [(rows, rows, rows + 1)]
    assert not [name for name in p.relations() if name.endswith("__orc_stage")]


def test_a_view_is_published_with_the_text_it_was_checked_with(project: Make) -> None:
    p = project({"models/v.sql": "select '{{ modules.datetime.datetime.now() }}' as at, 'v' as v"})
    done = p.orc("run").exits(0)
    sent = done.run_results["results"][0]["compiled_code"], p.read("target/run/p/models/v.sql")
    texts = {line.strip() for line in sent[1].splitlines() if line.startswith("select '")}
    assert len(texts) == 1


def test_an_incremental_model_that_asks_for_its_own_newest_row(project: Make) -> None:
    newest = "{% set last = run_query('select max(n) from ' ~ this).columns[0].values()[0] if execute else 0 %}"
    p = project({
        **NUMBERS,
        "models/m.sql": "{{ config(materialized='incremental') }}{% if is_incremental() %}" + newest + "{% endif %}\n"
        "select n from numbers{% if is_incremental() %} where n > {{ last }}{% endif %}",
    })  # fmt: skip
    p.orc("build").exits(0)
    p.orc("build", "--vars", "{rows: 5}").exits(0)
    assert p.query("select n from m order by n") == [(0,), (1,), (2,), (3,), (4,)]


def test_a_late_test_judges_the_stage(project: Make) -> None:
    p = project({
        **NUMBERS,
        "tests/assertions/few.sql": COUNT + "\nselect n from {{ ref('numbers') }} where {{ n }} > 4",
    })  # fmt: skip
    p.orc("build").exits(0)
    done = p.orc("build", "--vars", "{rows: 6}").exits(1)
    assert done.statuses == {"numbers": "error", "few": "fail"}
    assert done.results["few"]["failures"] == 6
    assert p.query("select count(*) from numbers") == [(3,)]
    kept = p.orc("build", "--vars", "{rows: 6}", "--store-failures").exits(1)
    assert kept.results["few"]["failures"] == 6
    assert p.query("select count(*) from main_dbt_test__audit.few") == [(6,)]


def test_empty_reaches_late_models(project: Make) -> None:
    count = COUNT.partition("\n")[2]  # that it reads numbers is plain without a ref
    p = project({**NUMBERS, "models/m.sql": count + "select {{ n }} as asked, n from numbers"})
    p.orc("build").exits(0)
    p.orc("build", "--empty", "-s", "m").exits(0)
    assert p.query("select * from m") == []


def test_a_reference_that_appears_late_is_refused_with_the_line_to_write(project: Make) -> None:
    p = project({**NUMBERS, "models/m.sql": "{% if execute %}select * from {{ ref('numbers') }}{% else %}select 1 as n{% endif %}"})
    done = p.orc("build").exits(1)
    assert "error[X322]" in done.stderr
    assert "write `-- depends_on: {{ ref('numbers') }}` into it" in done.stderr
    p.write({"models/m.sql": p.read("models/m.sql") + "\n-- depends_on: {{ ref('numbers') }}\n"})
    p.orc("build").exits(0)
    assert p.query("select count(*) from m") == [(3,)]


def test_clean_can_drop_what_failed_gates_left(project: Make) -> None:
    p = project({**NUMBERS, "tests/assertions/few.sql": "select n from numbers where n > 3"})
    p.orc("build").exits(0)
    p.orc("build", "--vars", "{rows: 6}").exits(1)
    p.change("create table somebodys__orc_stage as select 1 as x")
    assert "main.numbers__orc_stage" in p.relations()
    done = p.orc("clean", "--stages").exits(0)
    assert "Dropped warehouse.main.numbers__orc_stage" in done.stderr
    assert set(p.relations()) == {"main.numbers", "main.somebodys__orc_stage"}
    assert "Dropped" not in p.orc("clean", "--stages").exits(0).stderr


def test_a_relation_is_looked_for_without_losing_the_transaction(project: Make) -> None:
    found = "{% set there = adapter.get_relation(database=none, schema='main', identifier=name) %}"
    p = project({
        **NUMBERS,
        "models/asks.sql": "{{ config(materialized='table') }}\n-- depends_on: {{ ref('numbers') }}\nselect"
        + ", ".join(f"{{% set name = '{name}' %}}{found} '{{{{ there.type if there else 'none' }}}}' as {name}" for name in ("NUMBERS", "nothing")),
    })  # fmt: skip
    p.orc("build").exits(0)
    assert p.query("select * from asks") == [("table", "none")]


def test_a_generic_test_that_asks_the_warehouse_about_what_it_tests(project: Make) -> None:
    asks = """{% test column_type(model, column_name, type) %}
      {% set found = namespace(type='') %}
      {% for column in adapter.get_columns_in_relation(model) if column.name == column_name %}{% set found.type = column.data_type %}{% endfor %}
      select '{{ found.type }}' as type from {{ model }} where '{{ found.type }}' != '{{ type }}' limit 1
    {% endtest %}"""
    p = project({
        **NUMBERS,
        "macros/t.sql": asks,
        "models/s.yml": "models: [{name: numbers, columns: [{name: n, tests: [{column_type: {type: BIGINT}}]}]}]",
    })  # fmt: skip
    assert p.orc("build").exits(0).statuses == {"numbers": "success", "column_type_numbers_n__BIGINT": "pass"}
    p.write({"models/s.yml": "models: [{name: numbers, columns: [{name: n, tests: [{column_type: {type: TEXT}}]}]}]"})
    assert p.orc("test").exits(1).statuses == {"column_type_numbers_n__TEXT": "fail"}
