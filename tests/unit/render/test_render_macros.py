from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.core import marker
from orchestrator.core.declaration import Declaration
from orchestrator.core.errors import Problem
from orchestrator.render.macros import library
from orchestrator.render.render import namer, render

Make = Callable[..., Any]
ORDERS = marker.write(marker.ref("orders"), "orders", '"')


@pytest.mark.parametrize(
    ("macros", "template", "text"),
    [
        ("{% macro a(x, y=2) %}{{ x }}-{{ y }}{% endmacro %}", "{{ a(1) }} {{ a(1, y=3) }}", "1-2 1-3"),
        ("{% macro a() %}{{ varargs }}{{ kwargs }}{% endmacro %}", "{{ a(1, k=2) }}", "(1,){'k': 2}"),
        ("{% macro a() %}{{ return([1, 2]) }}{% endmacro %}", "{% for x in a() %}{{ x }}{% endfor %}", "12"),
        ("{% macro a() %}before{% do return(1) %}after{% endmacro %}", "{{ a() + 1 }}", "2"),
        ("{% macro a() %}{% for x in [1, 2] %}{{ return(x) }}{% endfor %}{% endmacro %}", "{{ a() }}", "1"),
        ("{% macro a() %}{{ return() }}{% endmacro %}", "{{ a() is none }}", "True"),
        ("{% macro b() %}{{ return(2) }}{% endmacro %}{% macro a() %}{% set x = b() %}{{ x + 1 }}{% endmacro %}", "{{ a() }}", "3"),
        ("{% macro a() %}{{ return(b()) }}{% endmacro %}{% macro b() %}{{ return({'k': 1}) }}{% endmacro %}", "{{ a().k }}", "1"),
        ("{% macro wrap() %}<{{ caller() }}>{% endmacro %}", "{% call wrap() %}x{% endcall %}", "<x>"),
        ("{% macro wrap() %}{{ caller(1) }}{{ caller(2) }}{% endmacro %}", "{% call(n) wrap() %}[{{ n }}]{% endcall %}", "[1][2]"),
        ("{% macro each(f) %}{{ f(1) }}{% endmacro %}{% macro g(x) %}g{{ x }}{% endmacro %}", "{{ each(g) }}", "g1"),
        ("{% macro _hidden() %}h{% endmacro %}", "{{ _hidden() }} {{ shop._hidden() }}", "h h"),
        ("{% macro a() %}{{ this }}{{ model.name }}{{ config.get('k', 'd') }}{% endmacro %}", "{{ a() }}", marker.write("this", "m", '"') + "md"),
        ("{% macro a() %}{{ ref('orders') }}{% endmacro %}", "{{ a() }}", ORDERS),
        ("{% set top = 5 %}{% macro a() %}{{ top }}{% endmacro %}", "{{ a() }}", "5"),
        ("{% macro ref(x) %}my_{{ builtins.ref(x) }}{% endmacro %}", "{{ ref('orders') }}", "my_" + ORDERS),
        ("{% macro source(a, b) %}{{ builtins.source(a, b) }}!{% endmacro %}", "{{ source('s', 't') }}", marker.write(marker.source("s", "t"), "t", '"') + "!"),
        ("{% macro a() %}{{ shop.b() }}{% endmacro %}{% macro b() %}b{% endmacro %}", "{{ shop.a() }} {{ shop.get('b')() }} {{ shop.get('c', 'd') }} {{ 'b' in shop }}", "b b d True"),
        ("{% macro default__d(x) %}default{{ x }}{% endmacro %}", "{{ adapter.dispatch('d')(1) }} {{ adapter.dispatch('d', 'shop')(2) }}", "default1 default2"),
        ("{% macro default__d() %}no{% endmacro %}{% macro duckdb__d() %}duck{% endmacro %}", "{{ adapter.dispatch('d')() }}", "duck"),
        ("{% macro d() %}{{ return(adapter.dispatch('d', 'shop')()) }}{% endmacro %}{% macro default__d() %}ok{% endmacro %}", "{{ d() }}", "ok"),
        ("{# {% macro gone() %} #}{% macro a() %}a{% endmacro %}", "{{ a() }}{{ gone is defined }}", "aFalse"),
        ("{% test positive(model, column_name) %}select {{ column_name }} from {{ model }}{% endtest %}", "{{ test_positive('t', 'c') }}", "select c from t"),
        ("{% materialization mine, adapter='duckdb' %}x{% endmaterialization %}", "{{ materialization_mine_duckdb() }}", "x"),
        ("{% materialization mine, default %}x{% endmaterialization %}", "{{ materialization_mine_default() }}", "x"),
        ("{% macro a(n) %}{% if n %}{{ n }}{{ a(n - 1) }}{% endif %}{% endmacro %}", "{{ a(3) }}", "321"),
    ],
)  # fmt: skip
def test_macros_call_each_other(bench: Make, macros: str, template: str, text: str) -> None:
    assert bench(macros={"macros/a.sql": macros}).text(template) == text


def test_macros_of_other_files_and_in_the_template_itself(bench: Make) -> None:
    made = bench(
        macros={"macros/a.sql": "{% macro a() %}[{{ b() }}]{% endmacro %}", "macros/b.sql": "{% macro b() %}{{ return(1) }}{% endmacro %}"}
    )
    text, notes = made.render("{% macro c() %}{{ return(a()) }}{% endmacro %}{{ c() }}")
    assert text == "[1]"
    assert set(notes.macros) == {"macro.shop.a", "macro.shop.b"}


def test_a_dispatch_order_of_the_project_is_followed(bench: Make) -> None:
    macros = {"macros/a.sql": "{% macro default__star() %}mine{% endmacro %}"}
    made = bench(macros=macros, ours=True, dispatch=({"macro_namespace": "dbt_utils", "search_order": ["shop", "dbt_utils"]},))
    assert made.text("{{ adapter.dispatch('star', 'dbt_utils')() }}") == "mine"


@pytest.mark.parametrize(
    ("macros", "template", "place", "trail"),
    [
        ("{% macro a() %}\n  {{ gone }}\n{% endmacro %}", "\n{{ a() }}", "macros/a.sql:2:6", ["models/m.sql:2:1"]),
        ("{% macro a() %}\n{{ b() }}\n{% endmacro %}\n{% macro b() %}\n {{ 1/0 }}\n{% endmacro %}", "{{ a() }}", "macros/a.sql:5:2", ["macros/a.sql:2:1", "models/m.sql:1:1"]),
        ("{% macro a() %}\n{{ caller() }}{% endmacro %}", "{% call a() %}\n{{ gone }}\n{% endcall %}", "models/m.sql:2:4", ["macros/a.sql:2:1", "models/m.sql:1:1"]),
        ("{% macro a() %}\n{% if %}\n{% endmacro %}", "{{ a() }}", "macros/a.sql:2:1", []),
        ("{% macro a() %}\n{{ exceptions.raise_compiler_error('`x` is bad') }}{% endmacro %}", "\n\n{{ a() }}", "macros/a.sql:2:38", ["models/m.sql:3:1"]),
    ],
)  # fmt: skip
def test_an_error_in_a_macro_shows_the_chain_of_calls(bench: Make, macros: str, template: str, place: str, trail: list[str]) -> None:
    made = bench(macros={"macros/a.sql": macros})
    problem: Problem = made.problem(template)
    assert (str(problem.span), [str(span) for _, span in problem.trail]) == (place, trail)


def test_a_macro_without_end_is_an_error_with_a_short_trail(bench: Make) -> None:
    problem = bench(macros={"macros/a.sql": "{% macro a() %}{{ a() }}{% endmacro %}"}).problem("{{ a() }}")
    assert (problem.code, problem.message) == ("R004", "a macro calls itself without end")
    assert len(problem.trail) < 8


def test_two_macros_of_one_name_are_a_problem() -> None:
    _, problems = library([("a.sql", "{% macro x() %}{% endmacro %}"), ("b.sql", "\n{%- macro x() -%}{% endmacro %}")], "shop")
    assert [(p.code, str(p.span), p.hint) for p in problems] == [("R003", "b.sql:2:1", "the first is at a.sql:1")]


@pytest.mark.parametrize(
    ("macros", "expected"),
    [
        ("{% macro generate_schema_name(custom_schema_name, node) %}{{ custom_schema_name or target.schema }}{% endmacro %}", ("staging", None, None)),
        ("{% macro generate_schema_name(custom_schema_name=none, node=none) -%}\n  {{ node.name }}_{{ node.config.schema }}\n{%- endmacro %}", ("m_staging", None, None)),
        ("{% macro generate_alias_name(custom_alias_name=none, node=none) %}{{ return('v2_' ~ node.name) }}{% endmacro %}", (None, "v2_m", None)),
        ("{% macro generate_database_name(custom_database_name, node) %}{{ node.fqn[0] }}_{{ node.resource_type }}{% endmacro %}", (None, None, "shop_model")),
    ],
)  # fmt: skip
def test_names_of_relations_can_be_overridden(bench: Make, macros: str, expected: tuple[str | None, ...]) -> None:
    made = bench(macros={"macros/a.sql": macros}, config={"schema": "staging"})
    name = namer(made.templates())
    assert name is not None
    assert (
        tuple(name(part, custom, made.declaration) for part, custom in (("schema", "staging"), ("alias", None), ("database", None)))
        == expected
    )


def test_without_overrides_nothing_is_asked(bench: Make) -> None:
    assert namer(bench().templates()) is None


def generic(
    bench: Make, test: str, *, macros: str = "", config: dict[str, Any] | None = None, attached: Any = ("model", "orders"), **arguments: Any
) -> Any:
    templates = bench(macros={"macros/t.sql": macros} if macros else {}).templates()
    declaration = Declaration(
        "test",
        "t",
        "shop",
        "models/a.yml",
        ("shop", "t"),
        config or {},
        "generic",
        test_name=test,
        column="id",
        attached=attached,
        arguments=arguments,
        line=7,
    )
    problems: list[Problem] = []
    done = render(templates, [(declaration, "")], problems)
    return (done[0] if done else None), problems


def test_built_in_tests_stay_data_with_their_arguments_rendered(bench: Make) -> None:
    rendered, problems = generic(bench, "relationships", to="ref('customers')", field="{{ 'i' ~ 'd' }}")
    assert not problems
    assert rendered.text == ""
    assert rendered.declaration.arguments == {"to": marker.write(marker.ref("customers"), "customers", '"'), "field": "id"}


def test_a_custom_test_becomes_sql(bench: Make) -> None:
    macros = "{% test positive(model, column_name, least=0) %}{{ config(severity='warn') }}select * from {{ model }} where {{ column_name }} <= {{ least }}{% endtest %}"
    rendered, _ = generic(bench, "positive", macros=macros, least=5)
    assert rendered.text == f"select * from {ORDERS} where id <= 5"
    assert rendered.config == {"severity": "warn"}
    rendered, _ = generic(bench, "positive", macros=macros, config={"where": "id > 1"})
    assert rendered.text == f"select * from (select * from {ORDERS} where id > 1) dbt_subquery where id <= 0"
    rendered, _ = generic(bench, "positive", macros=macros, attached=("source", "raw.orders"))
    assert marker.write(marker.source("raw", "orders"), "orders", '"') in rendered.text


def test_a_project_overrides_a_built_in_test(bench: Make) -> None:
    rendered, _ = generic(bench, "not_null", macros="{% test not_null(model, column_name) %}mine{% endtest %}")
    assert rendered.text == "mine"


def test_an_unknown_test_is_an_error_at_its_line(bench: Make) -> None:
    rendered, problems = generic(bench, "uniqe")
    assert rendered is None
    assert [(p.code, p.message, str(p.span), p.hint) for p in problems] == [
        ("R020", "there is no test called `uniqe`", "models/a.yml:7:1", "did you mean `unique`?")
    ]


def test_a_macro_that_changes_its_argument_changes_its_own_copy(bench: Make) -> None:
    macros = "{% test grows(model, column_name, xs) %}{% do xs.append(2) %}{{ xs }}{% endtest %}"
    rendered, _ = generic(bench, "grows", macros=macros, xs=[1])
    assert (rendered.text, rendered.declaration.arguments) == ("[1, 2]", {"xs": [1]})


def test_one_failing_template_does_not_stop_the_others(bench: Make) -> None:
    templates = bench().templates()
    names = ("a", "b", "c")
    declared = [
        (Declaration("model", n, "shop", f"models/{n}.sql", ("shop", n), {}), text)
        for n, text in zip(names, ("select 1", "{{ gone }}", "{{ ref('a') }}"), strict=True)
    ]
    problems: list[Problem] = []
    assert [r.declaration.name for r in render(templates, declared, problems)] == ["a", "c"]
    assert [(p.code, p.node) for p in problems] == [("R002", "b")]
