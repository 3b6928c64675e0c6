from __future__ import annotations

from collections.abc import Callable
from hashlib import md5
from typing import Any

import pytest

Understand = Callable[..., Any]


def declared(understand: Understand, yaml: str, **files: str) -> dict[str, Any]:
    found = understand({"models/orders.sql": "select 1 as id", "models/m.yml": yaml, **{k.replace("__", "/"): v for k, v in files.items()}})
    return {d.name: d for d in found.declarations if d.language == "generic"}


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("unique", "unique_orders_id"),
        ("{accepted_values: {values: [a, b-c, 3]}}", "accepted_values_orders_id__a__b_c__3"),
        ("{accepted_values: {arguments: {values: [a], quote: false}}}", "accepted_values_orders_id__False__a"),
        ("{relationships: {to: ref('users'), field: id}}", "relationships_orders_id__id__ref_users_"),
        ("{relationships: {to: \"source('raw', 'users')\", field: id}}", "relationships_orders_id__id__source_raw_users_"),
        ("{dbt_utils.at_least_one: {}}", "dbt_utils_at_least_one_orders_id"),
        ("{not_null: {name: mine}}", "mine"),
        ("{name: mine, test_name: not_null}", "mine"),
        ("{not_null: {config: {severity: warn}, where: x > 1}}", "not_null_orders_id"),
        ("{accepted_values: {values: {a: b, c: [d]}}}", "accepted_values_orders_id__b___d_"),
        ("{dbt_utils.accepted_range: {min_value: 0, max_value: 10, inclusive: true}}", "dbt_utils_accepted_range_orders_id__True__10__0"),
    ],
)  # fmt: skip
def test_names_are_dbt_s(understand: Understand, entry: str, name: str) -> None:
    (found,) = declared(understand, f"models: [{{name: orders, columns: [{{name: id, data_tests: [{entry}]}}]}}]").values()
    assert found.name == name


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        (
            "{accepted_values: {values: [aaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbb, ccccccccccccc]}}",
            "accepted_values_orders_%s",
        ),
        ("{a_rather_long_name_of_a_generic_test: {argument: some_rather_long_value}}", "a_rather_long_name_of_a_generi_%s"),
    ],
)
def test_a_long_name_is_its_beginning_and_a_digest_of_all_of_it(understand: Understand, entry: str, name: str) -> None:
    full = {
        "accepted_values_orders_%s": "accepted_values_orders_id__aaaaaaaaaaaaaa__bbbbbbbbbbbbbbbbbb__ccccccccccccc",
        "a_rather_long_name_of_a_generi_%s": "a_rather_long_name_of_a_generic_test_orders_some_rather_long_value__id",
    }[name]
    (found,) = declared(understand, f"models: [{{name: orders, columns: [{{name: id, data_tests: [{entry}]}}]}}]")
    assert found == name % md5(full.encode(), usedforsecurity=False).hexdigest()


def test_names_of_tests_on_whole_models_and_on_sources(understand: Understand) -> None:
    yaml = """
models:
  - name: orders
    data_tests:
      - dbt_utils.unique_combination_of_columns: {combination_of_columns: [a, b]}
      - unique: {column_name: "a || b"}
      - mine
sources:
  - name: raw
    tables:
      - name: users
        data_tests: [mine]
        columns: [{name: id, data_tests: [not_null, dbt_utils.at_least_one]}]
"""
    found = declared(understand, yaml)
    assert set(found) == {
        "dbt_utils_unique_combination_of_columns_orders_a__b",
        "unique_orders_a_b",
        "mine_orders_",
        "source_mine_raw_users_",
        "source_not_null_raw_users_id",
        "dbt_utils_source_at_least_one_raw_users_id",
    }
    assert found["unique_orders_a_b"].column == "a || b"
    assert found["unique_orders_a_b"].arguments == {}
    assert found["source_not_null_raw_users_id"].attached == ("source", "raw.users")


@pytest.mark.parametrize("key", ["tests", "data_tests"])
def test_both_spellings(understand: Understand, key: str) -> None:
    yaml = f"models:\n  - name: orders\n    {key}: [mine]\n    columns:\n      - name: id\n        {key}:\n          - unique\n          - not_null: {{severity: warn}}"
    found = declared(understand, yaml)
    assert set(found) == {"mine_orders_", "unique_orders_id", "not_null_orders_id"}
    assert found["not_null_orders_id"].line == 8
    assert found["not_null_orders_id"].config["severity"] == "warn"


def test_levels_of_a_test_s_config(understand: Understand) -> None:
    project = "[tool.orchestrator]\nname = 'shop'\n[tool.orchestrator.data_tests]\n'+severity' = 'warn'\n'+tags' = ['project']\n[tool.orchestrator.data_tests.shop.marts]\n'+store_failures' = true\n"
    yaml = "models: [{name: m, config: {tags: [model]}, columns: [{name: id, tags: [column], data_tests: [unique, {not_null: {severity: error, tags: [own]}}]}]}]"
    found = understand({"pyproject.toml": project, "models/marts/m.sql": "select 1 as id", "models/marts/m.yml": yaml})
    tests = {d.name: d.config for d in found.declarations if d.language == "generic"}
    assert tests["unique_m_id"]["severity"] == "warn"
    assert tests["unique_m_id"]["store_failures"] is True
    assert tests["unique_m_id"]["tags"] == ["column", "project"]
    assert tests["not_null_m_id"]["severity"] == "error"
    assert tests["not_null_m_id"]["tags"] == ["column", "project", "own"]


def test_fqns_count_from_the_configured_folder(understand: Understand) -> None:
    project = "[tool.orchestrator]\nname = 'shop'\nmodel-paths = ['src/sql/models']\n"
    yaml = "models: [{name: m, columns: [{name: id, data_tests: [unique]}]}]\nsources: [{name: raw, tables: [{name: t}]}]"
    found = understand({"pyproject.toml": project, "src/sql/models/marts/m.sql": "select 1 as id", "src/sql/models/marts/m.yml": yaml})
    assert {d.name: d.fqn for d in found.declarations} == {
        "m": ("shop", "marts", "m"),
        "raw.t": ("shop", "marts", "raw", "t"),
        "unique_m_id": ("shop", "marts", "unique_m_id"),
    }


def test_singular_tests_take_config_from_properties(understand: Understand) -> None:
    files = {
        "models/m.sql": "select 1 as id",
        "tests/assertions/t.sql": "select * from m where id > 1",
        "tests/assertions/t.yml": "data_tests: [{name: t, description: Why., config: {severity: warn}}]",
    }
    found = understand(files)
    assert found.said() == []
    node = found.graph.nodes["test.shop.t"]
    assert node.config["severity"] == "warn"


def test_properties_of_nothing_are_a_warning(understand: Understand) -> None:
    found = understand({"models/orders.sql": "select 1 as id", "models/m.yml": "models: [{name: ordrs}]"})
    assert [(m, h) for m, _, h in found.said("C120")] == [
        ("properties describe the model `ordrs`, which does not exist", "did you mean `orders`?")
    ]


def test_the_same_test_twice_is_an_error(understand: Understand) -> None:
    yaml = "models:\n  - name: orders\n    columns:\n      - name: id\n        data_tests:\n          - unique\n          - unique: {severity: warn}"
    found = understand({"models/orders.sql": "select 1 as id", "models/m.yml": yaml})
    assert found.said("L010") == [
        (
            "the test `unique_orders_id` is declared twice",
            "models/m.yml:7:1",
            "the first is at models/m.yml:6:1; delete one, or give it a `name`",
        )
    ]


def test_unit_declared_one_name_for_two_models(understand: Understand) -> None:
    yaml = "unit_tests: [{name: u, model: a, given: [], expect: {rows: []}}, {name: u, model: b, given: [], expect: {rows: []}}]"
    found = understand({"models/a.sql": "select 1 as x", "models/b.sql": "select 1 as x", "models/m.yml": yaml})
    assert found.said() == []
