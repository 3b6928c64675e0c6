"""Data tests: what they find, how they are judged and what they keep, on every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.shop import rows_sql

if TYPE_CHECKING:
    from tests.contract.shop import Row, Shop

ROWS: list[Row] = [(1, "a"), (2, "b"), (2, "b"), (3, None), (9, "c")]
TABLE = "{{ config(materialized='table') }} "
FILES = {
    "models/m.sql": TABLE + rows_sql(ROWS),
    "models/parent.sql": TABLE + rows_sql([(1, "x"), (2, "y")]),
    "models/stray.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('m') }} where id > 2",
}
FOUND: dict[str, tuple[str, int]] = {
    "unique": ("{name: id, data_tests: [unique: {CONFIG}]}", 1),
    "not_null": ("{name: v, data_tests: [not_null: {CONFIG}]}", 1),
    "accepted_values of texts": ("{name: v, data_tests: [accepted_values: {arguments: {values: [a, b]}, CONFIG}]}", 1),
    "accepted_values of numbers": ("{name: id, data_tests: [accepted_values: {arguments: {values: [1, 2], quote: false}, CONFIG}]}", 2),
    "relationships": ("{name: id, data_tests: [relationships: {arguments: {to: ref('parent'), field: id}, CONFIG}]}", 2),
}


def properties(test: str, config: str = "") -> dict[str, str]:
    """The project with one test, called ``t``, of a column of ``m``."""
    named = "name: t" + (f", config: {{{config}}}" if config else "")
    return {**FILES, "models/props.yml": f"models: [{{name: m, columns: [{test.replace('CONFIG', named)}]}}]\n"}


def judged(shop: Shop, code: int) -> dict[str, Any]:
    """The tests' results once all models are there."""
    return shop.orc("test", code=code)


@pytest.mark.parametrize("kind", FOUND)
def test_failures_are_counted_and_stored_where_wanted(shop: Shop, kind: str) -> None:
    test, failures = FOUND[kind]
    shop.write(FILES).orc("run")
    result = judged(shop.write(properties(test, "store_failures: true")), code=1)["t"]
    assert (result["status"], result["failures"]) == ("fail", failures)
    stored = shop.relation("t")
    with shop.session() as (warehouse, connection):
        kept = warehouse.dialect.relation(type(stored)(stored.database, f"{stored.schema}_dbt_test__audit", "t"))
        assert len(connection.execute(f"select * from {kept}").rows) == failures


def test_what_holds_passes(shop: Shop) -> None:
    tests = """
        models:
          - name: parent
            columns:
              - {name: id, data_tests: [unique, not_null, accepted_values: {arguments: {values: [1, 2], quote: false}}]}
              - {name: v, data_tests: [accepted_values: {arguments: {values: [x, y, "it's"]}}, relationships: {arguments: {to: ref('parent'), field: v}}]}
        """
    results = shop.write({**FILES, "models/props.yml": tests}).orc("build")
    assert [r["status"] for r in results.values() if r["unique_id"].startswith("test.")] == ["pass"] * 5
    assert all(r["status"] == "pass" for r in judged(shop, code=0).values())


CONFIGS: dict[str, tuple[str, str, str, int]] = {
    "where leaves rows out": ("not_null", "where: id < 3", "pass", 0),
    "where keeps the failing ones": ("not_null", "where: id = 3", "fail", 1),
    "where with a quote": ("unique", "where: \"v = 'b'\"", "fail", 1),
    "a warning": ("unique", "severity: warn", "warn", 1),
    "a limit": ("accepted_values of numbers", "limit: 1", "fail", 1),
    "few are a warning": ("accepted_values of numbers", "warn_if: '> 0', error_if: '> 2'", "warn", 2),
    "too many": ("accepted_values of numbers", "warn_if: '> 0', error_if: '>= 2'", "fail", 2),
    "a calculation of its own": ("accepted_values of numbers", "fail_calc: sum(n_records)", "fail", 2),
    "a where on relationships": ("relationships", "where: id < 9", "fail", 1),
}


@pytest.mark.parametrize("what", CONFIGS)
def test_a_test_is_judged_as_its_config_says(shop: Shop, what: str) -> None:
    kind, config, status, failures = CONFIGS[what]
    result = shop.write(properties(FOUND[kind][0], config)).orc("build", code=status == "fail")["t"]
    assert (result["status"], result["failures"]) == (status, failures)


def test_tests_of_a_column_share_a_scan_and_each_has_its_own_count(shop: Shop) -> None:
    column = "{name: v, data_tests: [not_null, unique, accepted_values: {arguments: {values: [a]}}, not_null: {name: t, config: {where: id = 1}}]}"
    results = shop.write(properties(column)).orc("build", code=1)
    found = {name: (r["status"], r["failures"]) for name, r in results.items() if r["unique_id"].startswith("test.")}
    assert found.pop("t") == ("pass", 0)
    assert sorted(found.values()) == [("fail", 1), ("fail", 1), ("fail", 2)]


def test_a_query_is_a_test_of_what_it_reads(shop: Shop) -> None:
    singular = {
        "tests/assertions/none_strays.sql": "select * from {{ ref('stray') }} where id > 100",
        "tests/assertions/some_stray.sql": "{{ config(severity='warn', store_failures=true) }}\n-- the author's remark\nselect id from {{ ref('stray') }}",
        "tests/assertions/broken.sql": "select nope from {{ ref('m') }}",
    }
    shop.write(FILES).orc("run")
    results = judged(shop.write(singular), code=1)
    assert (results["none_strays"]["status"], results["some_stray"]["status"], results["broken"]["status"]) == ("pass", "warn", "error")
    assert results["some_stray"]["failures"] == 2
    assert "tests/assertions/broken.sql:1" in shop.told


def test_a_test_of_one_s_own_takes_arguments(shop: Shop) -> None:
    macro = """
        {% test at_most(model, column_name, most) %}
        select {{ column_name }} as found from {{ model }} where {{ column_name }} > {{ most }}
        {% endtest %}
        """
    files = {**properties("{name: id, data_tests: [at_most: {arguments: {most: 2}, CONFIG}]}"), "macros/at_most.sql": macro}
    result = shop.write(files).orc("build", code=1)["t"]
    assert (result["status"], result["failures"]) == ("fail", 2)


@pytest.mark.parametrize("strategy", ["append", "merge"])
def test_a_delta_is_judged_before_it_is_in_the_table(shop: Shop, strategy: str) -> None:
    head = f"{{{{ config(materialized='incremental', incremental_strategy='{strategy}', unique_key='id') }}}} "
    column = "{name: v, data_tests: [not_null, accepted_values: {arguments: {values: [a, b]}}, relationships: {arguments: {to: ref('ok'), field: v}}]}"
    files = {"models/ok.sql": TABLE + rows_sql([(1, "a"), (2, "b")]), "models/props.yml": f"models: [{{name: i, columns: [{column}]}}]\n"}
    shop.write({**files, "models/i.sql": head + rows_sql([(1, "a")])}).orc("build")
    results = shop.write({"models/i.sql": head + rows_sql([(2, "b"), (3, "c"), (4, None)])}).orc("build", code=1)
    assert sorted(r["failures"] for r in results.values() if r["status"] == "fail") == [1, 1, 1]
    assert shop.rows("i") == [(1, "a")]
    shop.write({"models/i.sql": head + rows_sql([(2, "b")])}).orc("build")
    assert shop.rows("i") == [(1, "a"), (2, "b")]
