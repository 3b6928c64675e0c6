"""Unit tests of models: the model's own SQL on rows written down by hand, on every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.shop import rows_sql

if TYPE_CHECKING:
    from tests.contract.shop import Shop

MODELS = {
    "models/raw.sql": "{{ config(materialized='table') }} " + rows_sql([(1, "a")], ("id", "word")),
    "models/words.sql": "select id, count(*) as n, max(word) as word from {{ ref('raw') }} group by id",
}


def given(rows: str, expected: str) -> dict[str, str]:
    """A unit test of ``words``."""
    test = f"unit_tests: [{{name: u, model: words, given: [{{input: ref('raw'), rows: {rows}}}], expect: {{rows: {expected}}}}}]\n"
    return {**MODELS, "models/u.yml": test}


def test_a_model_that_does_what_is_expected_is_built(shop: Shop) -> None:
    """Columns a fixture leaves out are null; those the expectation leaves out do not count; the order of rows does not either."""
    results = shop.write(given("[{id: 2}, {id: 1, word: b}, {id: 1, word: a}]", "[{id: 1, word: b}, {id: 2, word: null}]")).orc("build")
    assert (results["u"]["status"], results["words"]["status"]) == ("pass", "success")
    assert shop.rows("words") == [(1, 1, "a")]


def test_the_rows_that_differ_are_shown_and_nothing_is_built(shop: Shop) -> None:
    rows = "[{id: 1, word: a}, {id: 2}, {id: 2}, {id: 3, word: c}]"
    results = shop.write(given(rows, "[{id: 1, n: 1}, {id: 2, n: 9}, {id: 4, n: null}]")).orc("build", code=1)
    assert results["u"]["failures"] == 4
    table = """
              id  n
    expected  2   9
    actual    2   2
    actual    3   1
    expected  4   null
"""
    assert "actual differs from expected in 4 rows:" + table in shop.told
    assert "words" not in shop.kinds()


def test_a_row_that_comes_twice_is_expected_twice(shop: Shop) -> None:
    twice = {"models/words.sql": "select id, word from {{ ref('raw') }}"}
    rows = "[{id: 1, word: a}, {id: 1, word: a}, {id: 2}, {id: 2}, {id: 2}]"
    assert shop.write({**given(rows, rows), **twice}).orc("build")["u"]["status"] == "pass"
    once = "[{id: 1, word: a}, {id: 2}]"
    assert shop.write({**given(rows, once), **twice}).orc("build", code=1)["u"]["failures"] == 3
    assert shop.write({**given(once, rows), **twice}).orc("build", code=1)["u"]["failures"] == 3


def test_no_rows_are_given_and_none_expected(shop: Shop) -> None:
    assert shop.write(given("[]", "[]")).orc("build")["u"]["status"] == "pass"
    assert shop.write(given("[]", "[{id: 1}]")).orc("build", code=1)["u"]["failures"] == 1


def test_rows_can_be_a_query(shop: Shop) -> None:
    files = given("[]", "[]")
    files["models/u.yml"] = f"""
        unit_tests:
          - name: u
            model: words
            given: [{{input: ref('raw'), format: sql, rows: "{rows_sql([(7, "x"), (7, None)], ("id", "word"))}"}}]
            expect: {{format: sql, rows: "select 7 as id, 2 as n, 'x' as word"}}
        """
    assert shop.write(files).orc("build")["u"]["status"] == "pass"
