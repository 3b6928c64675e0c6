from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Understand = Callable[..., Any]
SOURCES = "sources: [{name: raw, schema: landing, tables: [{name: orders}, {name: users, identifier: usr}]}]"


def parents(understood: Any, name: str) -> list[str]:
    assert [p for p in understood.problems if p.severity == "error"] == []
    return list(understood.graph.nodes[f"model.shop.{name}"].depends_on)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from stg_orders",
        "select * from STG_ORDERS",
        'select * from "stg_orders"',
        "select * from staging.stg_orders",
        "select * from main_clean.stg_orders",
        "select * from clean.stg_orders",
        "select * from {{ ref('stg_orders') }}",
        "select * from {{ ref('shop', 'stg_orders') }}",
        "-- depends_on: {{ ref('stg_orders') }}\nselect 1 as x",
        "{{ config(depends_on=['stg_orders']) }}select 1 as x",
        "select 1 as x -- {{ ref('stg_orders') }}",
        "select '{{ ref('stg_orders') }}' as x",
        "with stg_orders as (select * from stg_orders) select * from stg_orders",
    ],
)
def test_every_spelling_is_one_edge(understand: Understand, sql: str) -> None:
    found = understand({"models/staging/stg_orders.sql": "{{ config(schema='clean') }}select 1 as id", "models/mart.sql": sql})
    assert parents(found, "mart") == ["model.shop.stg_orders"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select * from raw.orders", ["source.shop.raw.orders"]),
        ("select * from landing.orders", ["source.shop.raw.orders"]),
        ("select * from landing.usr", ["source.shop.raw.users"]),
        ("select * from raw.users", ["source.shop.raw.users"]),
        ("select * from users", ["source.shop.raw.users"]),
        ("select * from {{ source('raw', 'users') }}", ["source.shop.raw.users"]),
        ("select * from elsewhere.orders", []),
        ("select * from cities join {{ ref('cities') }} using (id)", ["seed.shop.cities"]),
        ("with cities as (select 1 as id) select * from cities", []),
        ("select * from read_csv('cities')", []),
    ],
)
def test_sources_and_seeds(understand: Understand, sql: str, expected: list[str]) -> None:
    found = understand({"models/s.yml": SOURCES, "models/m.sql": sql, "seeds/cities.csv": "id\n1\n"})
    assert parents(found, "m") == expected


def test_a_model_called_like_the_source_it_reads(understand: Understand) -> None:
    found = understand({"models/s.yml": SOURCES, "models/orders.sql": "select * from orders"})
    assert parents(found, "orders") == ["source.shop.raw.orders"]


def test_an_incremental_model_may_read_itself(understand: Understand) -> None:
    sql = "{{ config(materialized='incremental') }}select 1 as id where 1 > (select max(id) from m)"
    assert parents(understand({"models/m.sql": sql}), "m") == []


@pytest.mark.parametrize("name", ["main_clean.m", "MAIN_CLEAN.M", '"main_clean"."m"'])
@pytest.mark.parametrize("materialized", ["view", "table"])
def test_the_table_that_a_model_is_built_as_is_an_outside_table_to_the_model(understand: Understand, name: str, materialized: str) -> None:
    found = understand({"models/m.sql": f"{{{{ config(schema='clean', materialized='{materialized}') }}}}\nselect * from {name}"})
    assert parents(found, "m") == []
    (warned,) = found.graph.warnings
    assert (warned.code, warned.span.line) == ("L011", 2)
    assert "its own table" in warned.message
    assert "{{ this }}" in warned.hint


@pytest.mark.parametrize("database", ["", "elsewhere."])
def test_the_same_schema_of_another_database_is_just_undeclared(understand: Understand, database: str) -> None:
    found = understand({"models/m.sql": f"{{{{ config(schema='clean') }}}}select * from {database}main_clean.m"})
    assert ("its own table" in found.graph.warnings[0].message) == (not database)


@pytest.mark.parametrize("name", ["m", "clean.m", "marts.m"])
def test_a_model_that_names_itself_otherwise_is_a_circle(understand: Understand, name: str) -> None:
    found = understand({"models/marts/m.sql": f"{{{{ config(schema='clean') }}}}select * from {name}"})
    assert [p.code for p in found.problems if p.severity == "error"] == ["L015"]


def test_another_model_of_that_name_is_no_outside_table(understand: Understand) -> None:
    files = {"models/m.sql": "{{ config(schema='clean') }}select 1 as x", "models/n.sql": "select * from main_clean.m"}
    assert parents(understand(files), "n") == ["model.shop.m"]


def test_an_edge_of_either_face_counts(understand: Understand) -> None:
    sql = "{{ config(materialized='incremental') }}select * from {% if is_incremental() %}a{% else %}b{% endif %}"
    found = understand({"models/a.sql": "select 1 as x", "models/b.sql": "select 1 as x", "models/m.sql": sql})
    assert set(parents(found, "m")) == {"model.shop.a", "model.shop.b"}


def test_python_models_are_part_of_the_graph(understand: Understand) -> None:
    files = {
        "models/a.sql": "select 1 as x",
        "models/b.py": "def model(ctx):\n    return ctx.ref('a').df()",
        "models/c.sql": "select * from b",
    }
    found = understand(files)
    assert parents(found, "b") == ["model.shop.a"]
    assert parents(found, "c") == ["model.shop.b"]


@pytest.mark.parametrize(
    ("files", "message", "place", "hint"),
    [
        ({"m.sql": "select *\nfrom {{ ref('ordrs') }}"}, "model `m` refers to `ordrs`, which does not exist", "models/m.sql:2:6", "did you mean `orders`?"),
        ({"m.sql": "select *\nfrom {{ source('raw', 'order') }}"}, "model `m` reads the source `raw.order`, which is not declared", "models/m.sql:2:6", "did you mean `raw.orders`?"),
        ({"m.sql": "select 1 as x -- depends_on: {{ ref('qq') }}"}, "model `m` refers to `qq`, which does not exist", "models/m.sql:1:30", None),
        ({"m.py": "def model(ctx):\n    return ctx.ref('ordrs')"}, "model `m` refers to `ordrs`, which does not exist", "models/m.py:2:1", "did you mean `orders`?"),
        ({"m.sql": "{% if true %}\nselect * from {{ ref('ordrs') }}\n{% endif %}"}, "model `m` refers to `ordrs`, which does not exist", "models/m.sql:2:15", "did you mean `orders`?"),
    ],
)  # fmt: skip
def test_a_reference_to_nothing_is_an_error(
    understand: Understand, files: dict[str, str], message: str, place: str, hint: str | None
) -> None:
    found = understand({"models/s.yml": SOURCES, "models/orders.sql": "select 1 as id", **{f"models/{k}": v for k, v in files.items()}})
    assert (message, place, hint) in found.said("L012")


def test_a_read_of_something_unknown_is_a_warning_and_strictly_an_error(understand: Understand) -> None:
    files = {"models/orders.sql": "select 1 as id", "models/m.sql": "select *\nfrom ordrs join elsewhere.stuff using (id)"}
    expected = [
        ("model `m` reads `ordrs`, which no model, seed or source declares", "models/m.sql:2:6", "did you mean `orders`?"),
        ("model `m` reads `elsewhere.stuff`, which no model, seed or source declares", "models/m.sql:2:17", "declare it under `sources:` to see it in lineage and check its freshness"),
    ]  # fmt: skip
    found = understand(files)
    assert found.problems == ()
    assert found.said("L011") == expected
    assert {p.severity for p in found.graph.warnings} == {"warning"}
    strict = understand(files, strict=True)
    assert strict.said("L011") == expected
    assert {p.severity for p in strict.problems} == {"error"}


@pytest.mark.parametrize("table", ["information_schema.tables", "wh.INFORMATION_SCHEMA.columns", "pg_catalog.pg_class"])
def test_catalogs_need_no_declaration(understand: Understand, table: str) -> None:
    assert understand({"models/m.sql": f"select * from {table}"}, strict=True).said() == []


def test_an_ambiguous_name_lists_what_it_can_mean(understand: Understand) -> None:
    found = understand({"models/s.yml": SOURCES, "models/orders.sql": "select 1 as id", "models/m.sql": "select *\n from orders"})
    assert found.said("L014") == [
        (
            "`orders` in model `m` can mean `model.shop.orders`, `source.shop.raw.orders`",
            "models/m.sql:2:7",
            "write it with its schema or source name, or as ref() / source()",
        )
    ]


@pytest.mark.parametrize("spelling", ["raw.orders", "main.orders", "{{ ref('orders') }}", "{{ source('raw', 'orders') }}"])
def test_a_longer_name_is_not_ambiguous(understand: Understand, spelling: str) -> None:
    found = understand({"models/s.yml": SOURCES, "models/orders.sql": "select 1 as id", "models/m.sql": f"select * from {spelling}"})
    assert found.said() == []
    assert len(parents(found, "m")) == 1


def test_two_nodes_of_one_name(understand: Understand) -> None:
    found = understand({"models/a/m.sql": "select 1 as x", "models/b/m.sql": "select 2 as x"})
    assert found.said("L010") == [
        ("two models are called `m`", "models/b/m.sql:1:1", "the other is models/a/m.sql; names are unique across folders")
    ]
    found = understand({"models/m.sql": "select 1 as x", "seeds/m.csv": "a\n1\n"})
    assert found.said("L010") == [
        (
            "two resources are called `m`: a model and a seed",
            "seeds/m.csv:1:1",
            "the other is models/m.sql; names are unique across folders",
        )
    ]


def test_twins_that_differ_in_case(understand: Understand) -> None:
    found = understand({"models/Orders.sql": "select 1 as x", "models/orders.sql": "select 2 as x"})
    assert found.said("L010") == [
        (
            "`Orders` and `orders` differ in case only",
            "models/orders.sql:1:1",
            "the other is models/Orders.sql; engines and file systems would confuse them",
        )
    ]


def test_a_name_may_be_used_again_by_another_kind(understand: Understand) -> None:
    files = {"models/m.sql": "select 1 as x", "tests/assertions/m.sql": "select * from m where x = 2", "analyses/m.sql": "select 1 as x"}
    assert understand(files).said() == []


def test_two_models_on_one_relation(understand: Understand) -> None:
    found = understand({"models/a.sql": "{{ config(alias='T') }}select 1 as x", "models/b.sql": "{{ config(alias='t') }}select 1 as x"})
    assert found.said("L016") == [
        (
            "`a` and `b` would both be built as `warehouse.main.t`",
            "models/b.sql:1:1",
            "the other is models/a.sql; give one of them an alias or another schema",
        )
    ]
    files = {"models/a.sql": "{{ config(alias='t') }}select 1 as x", "models/b.sql": "{{ config(alias='t', schema='other') }}select 1 as x"}
    assert understand(files).said() == []
    files = {
        "models/a.sql": "{{ config(alias='t', materialized='ephemeral') }}select 1 as x",
        "models/b.sql": "{{ config(alias='t') }}select 1 as x",
    }
    assert understand(files).said() == []


@pytest.mark.parametrize("length", [1, 2, 50])
def test_a_cycle_is_shown_as_a_chain_with_places(understand: Understand, length: int) -> None:
    files = {f"models/m{n:02}.sql": f"select *\n  from m{(n + 1) % length:02}" for n in range(length)}
    found = understand(files)
    problem = next(p for p in found.problems if p.code == "L015")
    assert len(problem.trail) == length
    assert all(span.line == 2 and span.column == 8 for _, span in problem.trail)
    assert {span.path for _, span in problem.trail} == set(files)
    if length == 1:
        assert problem.message == "`m00` reads itself"
        assert problem.hint == "an incremental model reads itself as {{ this }}"
    else:
        assert problem.message.startswith("models read each other in a circle: m")
        assert problem.message.count("→") == length
        assert problem.hint == "break one of these references"


def test_a_cycle_through_a_comment_points_at_the_comment(understand: Understand) -> None:
    found = understand({"models/m.sql": "select 1 as x\n-- {{ ref('m') }}"})
    assert found.said("L015") == [("`m` reads itself", "models/m.sql:2:4", "an incremental model reads itself as {{ this }}")]


def test_a_cycle_through_a_python_model(understand: Understand) -> None:
    found = understand({"models/a.py": "def model(ctx):\n    return ctx.ref('b')", "models/b.sql": "select * from a"})
    problem = next(p for p in found.problems if p.code == "L015")
    assert {str(span) for _, span in problem.trail} == {"models/a.py:2:1", "models/b.sql:1:15"}


def test_a_chain_of_thousands_is_no_problem(understand: Understand) -> None:
    files = {f"models/m{n}.sql": f"select * from m{n + 1}" for n in range(2_000)} | {"models/m2000.sql": "select 1 as x"}
    found = understand(files)
    assert found.said() == []
    assert len(found.graph.order) == 2_001


def test_a_disabled_model_is_gone_with_its_tests_and_reading_it_is_an_error(understand: Understand) -> None:
    files = {
        "models/a.sql": "{{ config(enabled=false) }}select 1 as x",
        "models/a.yml": "models: [{name: a, columns: [{name: x, data_tests: [not_null]}]}]",
    }
    found = understand({**files, "models/ok.sql": "select 1 as x"})
    assert set(found.graph.nodes) == {"model.shop.ok"}
    assert found.graph.disabled == ("model.shop.a",)
    assert found.said() == []
    found = understand({**files, "models/b.sql": "select * from {{ ref('a') }}", "models/c.sql": "select * from a"})
    assert [(m, p) for m, p, _ in found.said("L013")] == [
        ("model `b` reads `a`, which is disabled", "models/b.sql:1:15"),
        ("model `c` reads `a`, which is disabled", "models/c.sql:1:15"),
    ]


def test_tests_know_what_they_test_and_depend_on(understand: Understand) -> None:
    yaml = "models: [{name: a, columns: [{name: x, data_tests: [{relationships: {arguments: {to: ref('b'), field: y}}}]}]}]"
    found = understand(
        {
            "models/a.sql": "select 1 as x",
            "models/b.sql": "select 1 as y",
            "models/a.yml": yaml,
            "tests/assertions/t.sql": "select * from a join b on x = y",
        }
    )
    assert found.said() == []
    generic = next(n for n in found.graph.nodes.values() if n.test_name)
    assert (generic.attached, generic.depends_on) == ("model.shop.a", ("model.shop.a", "model.shop.b"))
    singular = found.graph.nodes["test.shop.t"]
    assert (singular.attached, singular.depends_on) == (None, ("model.shop.a", "model.shop.b"))


def test_ids_do_not_change_when_arguments_are_rendered(understand: Understand) -> None:
    from orchestrator.parse.parse import node_id

    yaml = "models: [{name: a, columns: [{name: x, data_tests: [{relationships: {arguments: {to: ref('a'), field: x}}}]}]}]"
    found = understand({"models/a.sql": "select 1 as x", "models/a.yml": yaml})
    assert {node_id(d) for d in found.declarations} == set(found.graph.nodes)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("select a as x from p", "SELECT a AS x\nFROM p -- why", True),
        ("select a as x from p", "select b as x from p", False),
        ("select a as x from p", "{{ config(tags=['t'], meta={'a': 1}) }}select a as x from p", True),
        ("select a as x from p", "{{ config(materialized='table') }}select a as x from p", False),
        ("select a as x from p", "select {{ 'a' }} as x from {{ 'p' }}", True),
        ("{% if execute %}{% set q = 1 %}{% endif %}select 1 as x", "{% if execute %}{% set q = 2 %}{% endif %}select 1 as x", False),
    ],
)
def test_a_fingerprint_changes_with_what_changes_the_data(understand: Understand, before: str, after: str, same: bool) -> None:
    def fingerprints(sql: str) -> tuple[str, str, str]:
        found = understand({"models/p.sql": "select 1 as a, 2 as b", "models/m.sql": sql, "models/below.sql": "select * from m"})
        return tuple(found.graph.nodes[f"model.shop.{n}"].fingerprint for n in ("m", "below", "p"))

    one, other = fingerprints(before), fingerprints(after)
    assert (one[0] == other[0], one[1] == other[1], one[2] == other[2]) == (same, same, True)
