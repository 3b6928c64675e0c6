from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.core import marker
from orchestrator.core.interval import Interval, instant
from orchestrator.render.context import FUNCTIONS

Make = Callable[..., Any]
ORDERS = marker.write(marker.ref("orders"), "orders", '"')


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ ref('orders') }}", ORDERS),
        ("{{ ref('pkg', 'orders') }}", marker.write(marker.ref("orders", "pkg"), "orders", '"')),
        ("{{ ref('orders', v=2) }}", marker.write(marker.ref("orders", "", "2"), "orders", '"')),
        ("{{ ref('orders', version=2) }}", marker.write(marker.ref("orders", "", "2"), "orders", '"')),
        ("{{ ref('orders').render() }}", ORDERS),
        ("{{ source('shop', 'raw') }}", marker.write(marker.source("shop", "raw"), "raw", '"')),
        ("{{ this }}", marker.write("this", "m", '"')),
        ("{{ var('n') + 1 }} {{ var('gone', 'd') }} {{ var.has_var('n') }} {{ var.has_var('gone') }}", "3 d True False"),
        ("{{ env_var('HOME_TOWN') }} {{ env_var('GONE', 'd') }} {{ env_var('GONE', 3) }}", "Lviv d 3"),
        ("{{ target.name }} {{ target.schema }} {{ target['type'] }} {{ target.get('gone', 'd') }} {{ 'name' in target }}", "dev main duckdb d True"),
        ("{{ target.database }} {{ target.threads }} {{ target.profile_name }} {{ target.path }}", "wh 4 p w.duckdb"),
        ("{{ schema }} {{ database }} {{ project_name }}", "main wh shop"),
        ("{{ is_incremental() }} {{ should_full_refresh() }} {{ execute }}", "False False False"),
        ("{% if execute %}yes{% else %}no{% endif %}", "no"),
        ("{{ config.get('gone', 'd') }} {{ config.get('schema') }} {{ config.require('schema') }}", "d staging staging"),
        ("{{ config(tags=['a'], schema='x') }}{{ config.get('schema') }} {{ config.get('tags') }}", "x ['a']"),
        ("{{ config.meta_get('owner') }} {{ config.persist_relation_docs() }} {{ config.persist_column_docs() }}", "ann True False"),
        ("{{ config({'pre-hook': 'x'}) }}{{ config.get('pre_hook') }} {{ config.get('pre-hook') }}", "['x'] ['x']"),
        ("{{ doc('late') }}", "After 15 minutes."),
        ("{{ fromjson('[1, 2]')[1] }} {{ fromjson('{', 'd') }} {{ tojson({'b': 1, 'a': 2}, sort_keys=true) }}", '2 d {"a": 2, "b": 1}'),
        ("{{ tojson(execute, 'd') }} {{ toyaml({'a': 1}) | trim }} {{ fromyaml('a: [1]').a }} {{ fromyaml('a: [', 'd') }}", "d a: 1 [1] d"),
        ("{{ set([1, 1]) }} {{ set(1, default='d') }} {{ set(1) }} {{ set_strict([2]) }}", "{1} d None {2}"),
        ("{{ zip([1], [2]) | list }} {{ zip(1, default='d') }} {{ zip_strict([1], [2]) | list }}", "[(1, 2)] d [(1, 2)]"),
        ("{{ local_md5('a') }}", "0cc175b9c0f1b6a831c399e269772661"),
        ("{{ diff_of_two_dicts({'a': ['X', 'y'], 'b': ['z']}, {'A': ['x']}) }}", "{'a': ['y'], 'b': ['z']}"),
        ("{{ modules.datetime.date(2024, 2, 29) }} {{ modules.re.sub('a', 'b', 'aa') }}", "2024-02-29 bb"),
        ("{{ modules.itertools.chain([1], [2]) | list }} {{ modules.pytz.utc }}", "[1, 2] UTC"),
        ("{{ run_started_at.strftime('%Y-%m-%d') }} {{ run_started_at - modules.datetime.timedelta(days=1) }}", "2026-01-02 2026-01-01 03:04:05+00:00"),
        ("{{ modules.datetime.timedelta(days=1) + run_started_at }}", "2026-01-03 03:04:05+00:00"),
        ("{{ run_started_at.astimezone(modules.pytz.timezone('Europe/Kyiv')).hour }}", "5"),
        ("{{ invocation_id }} {{ invocation_id[:2] }} {{ 'x-' + invocation_id + '-y' }} {{ invocation_id | replace('b', '') }}", "0b5e 0b x-0b5e-y 05e"),
        ("{{ thread_id }} {{ selected_resources }} {{ invocation_args_dict.get('WHICH') }}", "MainThread [] run"),
        ("{{ schemas }} {{ database_schemas }}", "[] []"),
        ("{{ flags.FULL_REFRESH }} {{ flags.WHICH }} {{ flags.GONE }}", "None run None"),
        ("{{ dbt_version.split('.')[0] }} {{ dbt_metadata_envs }}", "1 {'TEAM': 'x'}"),
        ("{{ model.name }} {{ model.unique_id }} {{ model.config.schema }} {{ model['fqn'] }} {{ model.tags }}", "m model.shop.m staging ['shop', 'm'] []"),
        ("{{ builtins.ref('orders') }}", ORDERS),
        ("{{ context['ref']('orders') }} {{ context.get('gone', 'd') }} {{ 'ref' in context }} {{ 'gone' in context }}", f"{ORDERS} d True False"),
        ("{{ render('{{ var(\"n\") }}') }}", "2"),
        ("{{ interval_start }} {{ interval_end.year }} {{ model.batch is none }}", "1970-01-01 00:00:00+00:00 2999 True"),
        ("{{ run_query('select 1') is none }} {{ load_result('x') is none }} {{ graph.nodes }}", "True True {}"),
        ("{% call statement('x', fetch_result=true) %}select 1{% endcall %}{{ load_result('x').data }}", "[]"),
        ("{{ adapter.type() }} {{ adapter.quote('a') }} {{ adapter.get_relation('d', 's', 'i') is none }} {{ adapter.get_columns_in_relation(this) }}", 'duckdb "a" True []'),
        ("{{ api.Relation.create(database='d', schema='s', identifier='i') }} {{ api.Column.create('a', 'int').quoted }}", '"d"."s"."i" "a"'),
        ("{{ log('x') }}{{ log('y', info=true) }}{{ print('z') }}{{ exceptions.warn('w') }}", ""),
        ("{{ range(3) | list }} {% set n = namespace(a=1) %}{% set n.a = 2 %}{{ n.a }} {{ dict(a=1) }}", "[0, 1, 2] 2 {'a': 1}"),
        ("{% set xs = [] %}{% do xs.append(1) %}{{ xs }}", "[1]"),
        ("{{ 'true' | as_bool }} {{ '1' | as_number }} {{ 'a' | as_text }} {{ 'b' | as_native }}", "true 1 a b"),
    ],
)  # fmt: skip
def test_every_name_gives_what_people_expect(bench: Make, template: str, text: str) -> None:
    made = bench(
        variables={"n": 2},
        env={"HOME_TOWN": "Lviv", "DBT_ENV_CUSTOM_ENV_TEAM": "x"},
        flags={"WHICH": "run"},
        docs={"late": "After 15 minutes."},
        config={"schema": "staging", "meta": {"owner": "ann"}, "persist_docs": {"relation": True}},
    )
    assert made.text(template) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ execute }} {{ run_query('select 1').rows[0]['NAME'] }}", "True a"),
        ("{% set r = run_query('select 1') %}{{ r.columns[0].values() | list }} {{ r.columns['name'].values() | list }} {{ r.column_names }}", "[1, 2] ['a', 'b'] ('Id', 'Name')"),
        ("{% for row in run_query('q') %}{{ row[0] }}{{ row.values()[1] }}{% endfor %} {{ run_query('q') | length }}", "1a2b 2"),
        ("{% call statement('x', fetch_result=true) %}select 1{% endcall %}{{ load_result('x').data }} {{ load_result('x')['table'].rows[1][0] }}", "[(1, 'a'), (2, 'b')] 2"),
        ("{{ adapter.get_columns_in_relation(ref('orders')) | map(attribute='name') | join }}", "IdName"),
        ("{{ adapter.get_relation('wh', 'main', 'orders') }} {{ adapter.get_relation('wh', 'main', 'gone') is none }}", '"wh"."main"."orders" True'),
        ("{{ ref('orders').schema }}.{{ ref('orders').identifier }} {{ ref('orders').include(database=false) }}", 'main.orders "main"."orders"'),
        ("{{ interval_start.date() }} {{ selected_resources }}", "2026-01-01 ['model.shop.m']"),
    ],
)  # fmt: skip
def test_with_a_connection_the_warehouse_answers(bench: Make, template: str, text: str) -> None:
    assert (
        bench().text(
            template, live=True, interval=Interval(instant("2026-01-01"), instant("2026-01-02")), selected_resources=["model.shop.m"]
        )
        == text
    )


def test_a_live_query_is_sent_with_physical_names(bench: Make) -> None:
    made = bench()
    made.text("{% do run_query('select * from ' ~ ref('orders')) %}", live=True)
    assert made.connection.asked == ['select * from "wh"."main"."orders"']


def test_what_is_said_is_heard(bench: Make) -> None:
    made = bench()
    made.text("{{ log('a') }}{{ log('b', info=True) }}{{ print('c') }}{{ exceptions.warn('d') }}")
    assert made.said == [("debug", "a"), ("info", "b"), ("info", "c"), ("warn", "d")]


@pytest.mark.parametrize(
    ("template", "code", "message", "hint"),
    [
        ("{{ reff('a') }}", "R002", "`reff` is undefined", "did you mean `ref`?"),
        ("{{ lat_minutes }}", "R002", "`lat_minutes` is undefined", "did you mean `late_minutes`?"),
        ("{{ qqqqq }}", "R002", "`qqqqq` is undefined", None),
        ("{{ {'a': 1}.b }}", "R002", "'dict object' has no attribute 'b'", None),
        ("{{ this.gone.x }}", "R002", "this value has no attribute 'gone'", None),
        ("{{ ref() }}", "R011", "`ref` takes a model's name, or a package and a model's name", "ref('orders')"),
        ("{{ ref('') }}", "R011", "`ref` takes a model's name, or a package and a model's name", "ref('orders')"),
        ("{{ ref('a\"b') }}", "R011", "`ref` takes a model's name, or a package and a model's name", "ref('orders')"),
        ("{{ ref('a', 'b', 'c') }}", "R011", "`ref` takes a model's name, or a package and a model's name", "ref('orders')"),
        ("{{ ref(1) }}", "R011", "`ref` takes a model's name, or a package and a model's name", "ref('orders')"),
        ("{{ source('a') }}", "R011", "`source` takes a source's name and a table's name", "source('shop', 'orders')"),
        ("{{ var('nn') }}", "R012", "the variable `nn` is not defined", "define it under `vars:` or pass --vars '{nn: …}'"),
        ("{{ var('late_minuts') }}", "R012", "the variable `late_minuts` is not defined", "did you mean `late_minutes`?"),
        ("{{ env_var('DBT_ENV_SECRET_TOKEN') }}", "R013", "`DBT_ENV_SECRET_TOKEN` is a secret: it may be used in profiles.yml only, never in a template", None),
        ("{{ env_var('ORC_SECRET_TOKEN', 'd') }}", "R013", "`ORC_SECRET_TOKEN` is a secret: it may be used in profiles.yml only, never in a template", None),
        ("{{ secret('x') }}", "R013", "`secret('x')` may be used in profiles.yml only, never in a template", None),
        ("{{ env_var('GONE') }}", "R014", "the environment variable `GONE` is not set", "export GONE=…, or give env_var('GONE', default) a default"),
        ("{{ exceptions.raise_compiler_error('no') }}", "R015", "no", None),
        ("{{ exceptions.raise_not_implemented('no') }}", "R015", "no", None),
        ("{{ exceptions.missing_config(model, 'k') }}", "R015", "the config `k` is required here and not set", None),
        ("{{ doc('lat') }}", "R016", "there is no docs block `lat`", "did you mean `late`?"),
        ("{{ adapter.dispatch('gone')() }}", "R017", "no macro to dispatch `gone` to", "define one of `duckdb__gone`, `default__gone`"),
        ("{{ return(1) }}", "R018", "`return` leaves a macro, and this is not inside one", None),
        ("{{ 'a' * 10 ** 9 }}", "R019", "`*` would make something too large for a template", None),
        ("{{ [1] * 10 ** 9 }}", "R019", "`*` would make something too large for a template", None),
        ("{{ 2 ** (10 ** 9) }}", "R019", "`**` would make something too large for a template", None),
        ("{{ config.require('gone') }}", "R006", "ValueError: the config `gone` is required here and not set", None),
        ("{{ 1 / 0 }}", "R006", "ZeroDivisionError: division by zero", None),
        ("{{ set_strict(1) }}", "R006", "TypeError: 'int' object is not iterable", None),
        ("{{ ''.__class__ }}", "R005", "access to attribute '__class__' of 'str' object is unsafe", "templates run in a sandbox: private attributes and changes to shared values are not allowed"),
        ("{% include 'x' %}", "R006", "TypeError: no loader for this environment specified", None),
    ],
)  # fmt: skip
def test_every_refusal_says_what_and_how_to_go_on(bench: Make, template: str, code: str, message: str, hint: str | None) -> None:
    problem = bench(
        variables={"late_minutes": 1}, macros={"macros/a.sql": "{% macro late_minutes() %}{% endmacro %}"}, docs={"late": "x"}
    ).problem("\n  " + template)
    assert (problem.code, problem.message, problem.hint) == (code, message, hint)
    assert problem.span is not None
    assert (problem.span.path, problem.span.line) == ("models/m.sql", 2)


@pytest.mark.parametrize(
    ("template", "line", "hint"),
    [
        ("{% if true %}\nselect 1", 1, "close the block with {% endif %}"),
        ("select 1\n{% for x in [1] %}\n{% if x %}\n{% endif %}", 2, "close the block with {% endfor %}"),
        ("{% macro a() %}", 1, "close the block with {% endmacro %}"),
        ("{% for x in [1] %}\n{% endif %}", 2, "close the block with {% endfor %}"),
        ("a\n{% endfi %}", 2, "did you mean `endif`?"),
        ("a\nb {{ 1 + }}", 2, None),
        ("a {{ 'b }}", 1, None),
        ("a\n{{ b", 2, None),
    ],
)
def test_template_syntax_errors_point_at_the_tag(bench: Make, template: str, line: int, hint: str | None) -> None:
    problem = bench().problem(template)
    assert problem.code == "R001"
    assert problem.hint == hint
    assert problem.span is not None
    assert problem.span.line == line


def test_values_a_template_changes_are_its_own(bench: Make) -> None:
    shared = {"xs": [1], "d": {"a": {"b": 1}}}
    config = {"meta": {"owners": ["ann"]}, "tags": ["t"]}
    made = bench(variables=shared, config=config, flags={"L": [1]})
    made.text(
        "{% do var('xs').append(2) %}{% do var('d').a.update({'b': 2}) %}{% do config.get('meta').owners.append('bob') %}"
        "{% do config.get('tags').append('u') %}{% do config.meta_get('owners').append('eve') %}{% do model.config.meta.owners.append('x') %}"
        "{% do model.tags.append('x') %}{% do invocation_args_dict.L.append(2) %}{% do model.fqn.append('x') %}"
    )
    assert shared == {"xs": [1], "d": {"a": {"b": 1}}}
    assert config == {"meta": {"owners": ["ann"]}, "tags": ["t"]}
    assert made.flags == {"L": [1]}


@pytest.mark.parametrize(
    ("template", "values", "volatile"),
    [
        ("select 1", set(), ()),
        ("{{ ref('a') }}{{ this }}", set(), ()),
        ("{{ var('x') }}", {"var:x"}, ()),
        ("{{ var('gone', 1) }}", {"var:gone"}, ()),
        ("{% if var.has_var('gone') %}{% endif %}", {"var:gone"}, ()),
        ("{{ env_var('E') }}{{ env_var('GONE', '') }}", {"env:E", "env:GONE"}, ()),
        ("{{ target.schema }}{{ target['name'] }}", {"target:schema", "target:name"}, ()),
        ("{{ schema }}{{ database }}", {"target:schema", "target:database"}, ()),
        ("{{ doc('late') }}", {"doc:late"}, ()),
        ("{{ outer_one() }}", {"macro:shop.outer_one", "macro:shop.inner_one"}, ()),
        ("{{ shop.inner_one() }}", {"macro:shop.inner_one"}, ()),
        ("{{ adapter.dispatch('d')() }}", {"target:type", "macro:shop.default__d"}, ()),
        ("{{ adapter.type() }}", {"target:type"}, ()),
        ("{% if gone is defined %}{% endif %}", {"macro:shop.gone"}, ()),
        ("{{ dbt_metadata_envs }}", {"env:DBT_ENV_CUSTOM_ENV_A"}, ()),
        ("{% if false %}{{ var('x') }}{% endif %}", set(), ()),
        ("{% if execute %}{% endif %}", set(), ("execute",)),
        ("{{ invocation_id }}", set(), ("invocation",)),
        ("{% set i = invocation_id %}", set(), ()),
        ("{{ run_started_at }}", set(), ("clock",)),
        ("{{ modules.datetime.datetime.now() }}", set(), ("clock",)),
        ("{{ flags.X }}", set(), ("flags",)),
        ("{{ run_query('q') }}", set(), ("warehouse",)),
        ("{{ graph }}", set(), ("graph",)),
        ("{{ this.schema }}", set(), ("names:this",)),
        ("{{ ref('a').identifier }}", set(), ("names:ref::a:",)),
        ("{{ interval_end }}", set(), ("interval",)),
        ("{{ should_full_refresh() }}", set(), ("full_refresh",)),
    ],
)
def test_the_recorder_notes_what_was_looked_at_and_nothing_else(
    bench: Make, template: str, values: set[str], volatile: tuple[str, ...]
) -> None:
    macros = {
        "macros/a.sql": "{% macro inner_one() %}x{% endmacro %}{% macro outer_one() %}{{ inner_one() }}{% endmacro %}{% macro default__d() %}{% endmacro %}"
    }
    made = bench(variables={"x": 1}, env={"E": "e", "DBT_ENV_CUSTOM_ENV_A": "a"}, docs={"late": "x"}, macros=macros)
    _, notes = made.render(template)
    assert (set(notes.inputs.values), notes.inputs.volatile) == (values, volatile)


def test_the_recorder_notes_values_not_names_only(bench: Make) -> None:
    one, other = (bench(variables={"x": x}).render("{{ var('x') }}")[1].inputs for x in (1, "1"))
    assert one != other


def test_both_faces_are_asked_for(bench: Make) -> None:
    template = "{% if is_incremental() %}new{% else %}all{% endif %}"
    assert bench().render(template)[1].inputs.asks_incremental
    assert bench().render(template)[0] == "all"
    assert bench().render(template, incremental=True)[0] == "new"


def test_no_name_is_undocumented_by_these_tests() -> None:
    from pathlib import Path

    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in FUNCTIONS if name not in text] == []
