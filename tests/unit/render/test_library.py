"""The macros and generic tests that come with us: each generic test on good and on bad rows, each macro by what it evaluates to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest
import sqlglot

from orchestrator.adapters import registry
from orchestrator.core import marker
from orchestrator.core.declaration import Declaration, Rendered
from orchestrator.core.errors import RenderError
from orchestrator.core.names import Relation
from orchestrator.core.ports import Answer, Dialect
from orchestrator.core.project import Settings, Target
from orchestrator.render.library import BUILTIN
from orchestrator.render.macros import OWN, Library, library
from orchestrator.render.render import render_one
from orchestrator.render.scope import Facts, Live
from orchestrator.render.templates import Templates

DOCS = Path(__file__).parents[3] / "docs" / "tests.md"
NOW = datetime.now(UTC).replace(tzinfo=None)
RECENT, OLD, FUTURE = (f"timestamp '{NOW - timedelta(days=days):%Y-%m-%d %H:%M:%S}'" for days in (1, 30, -30))
ALWAYS: Any = object()
"""Stands for "whatever is not null"."""


class Elsewhere:
    """A dialect of which a render needs the quote only."""

    def __init__(self, name: str, quote_char: str) -> None:
        self.name = self.sqlglot = name
        self.quote_char = quote_char

    def quote(self, identifier: str) -> str:
        return f"{self.quote_char}{identifier}{self.quote_char}"

    def relation(self, relation: Relation) -> str:
        return self.quote(relation.name)


def dialect_of(engine: str) -> Dialect:
    return registry.dialect("duckdb") if engine == "duckdb" else cast("Dialect", Elsewhere(engine, "`" if engine == "bigquery" else '"'))


def templates(engine: str = "duckdb", macros: str = "", root: str = "shop", variables: Mapping[str, Any] | None = None) -> Templates:
    found, problems = library([("macros/own.sql", macros)], root, BUILTIN)
    assert not problems
    target = Target("shop", "dev", engine, "warehouse", "main", 1, {})
    facts = Facts(Settings(root), target, dialect_of(engine), variables or {}, {}, "invocation", datetime.now(UTC))
    return Templates(facts, found, lambda path: {p: text for _, p, text in BUILTIN}.get(path, macros))


OURS: Library = templates().library
MODEL = Declaration("model", "m", "shop", "models/m.sql", ("shop", "m"), {})


def text_of(
    template: str, engine: str = "duckdb", *, live: Live | None = None, macros: str = "", variables: Mapping[str, Any] | None = None
) -> str:
    text, _ = templates(engine, macros, variables=variables).render(MODEL, template, live=live)
    return plain(text, engine)


def plain(text: str, engine: str = "duckdb") -> str:
    """Markers replaced by the bare names they stand for."""
    quote = dialect_of(engine).quote_char
    for found in reversed(list(marker.find(text, quote))):
        text = f"{text[: found.start]}{quote}{found.name}{quote}{text[found.end :]}"
    return text


# --- generic tests ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A test and its arguments; rows of the table `t` that pass, and rows of which ``failures`` fail. ``other`` are rows of `other`."""

    test: str
    arguments: Mapping[str, Any]
    good: str
    bad: str
    failures: int = 1
    column: str | None = "a"
    other: str = "(1)"
    names: str = "a, b, c"
    config: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.test}({', '.join(f'{k}={v}' for k, v in self.arguments.items())})"


REF = "ref('other')"
AT = {"datepart": "day", "interval": 7}
RANGE = {"lower_bound_column": "a", "upper_bound_column": "b"}

DBT_UTILS = (
    Case("equal_rowcount", {"compare_model": REF}, "(1), (2)", "(1), (2), (3)", 1, None, "(7), (8)"),
    Case("equal_rowcount", {"compare_model": REF, "group_by_columns": ["a"]}, "(1), (null)", "(1), (1), (2)", 3, None, "(1), (null)"),
    Case("fewer_rows_than", {"compare_model": REF}, "(1)", "(1), (2), (3)", 2, None, "(7), (8)"),
    Case("fewer_rows_than", {"compare_model": REF, "group_by_columns": ["a"]}, "(1)", "(1), (1), (2)", 3, None, "(1), (1)"),
    Case("equality", {"compare_model": REF}, "(1, 'x'), (2, 'y')", "(1, 'x'), (2, 'z')", 2, None, "(2, 'y'), (1, 'x')"),
    Case("equality", {"compare_model": REF, "compare_columns": ["a"]}, "(1, 'p')", "(2, 'x')", 2, None, "(1, 'x')"),
    Case("equality", {"compare_model": REF, "exclude_columns": ["b"]}, "(1, 'p')", "(2, 'x')", 2, None, "(1, 'x')"),
    Case("expression_is_true", {"expression": "a < b"}, "(1, 2), (null, 2)", "(1, 2), (2, 2)", 1, None),
    Case("expression_is_true", {"expression": ">= 0"}, "(0), (1)", "(0), (-1)"),
    Case("recency", {"field": "a", **AT}, f"({RECENT}), ({OLD})", f"({OLD})", 1, None),
    Case("recency", {"field": "a", "ignore_time_component": True, **AT}, f"({RECENT})", f"({OLD})", 1, None),
    Case("recency", {"field": "a", "group_by_columns": ["b"], **AT}, f"({RECENT}, 1)", f"({RECENT}, 1), ({OLD}, 2)", 1, None),
    Case("at_least_one", {}, "(null), (1)", "(null::int), (null)"),
    Case("at_least_one", {"group_by_columns": ["b"]}, "(1, 1), (2, 2)", "(1, 1), (null, 2)"),
    Case("not_constant", {}, "(1), (2)", "(1), (1), (null)"),
    Case("not_constant", {"group_by_columns": ["b"]}, "(1, 1), (2, 1)", "(1, 1), (2, 1), (3, 2)"),
    Case("not_empty_string", {}, "('x'), (null)", "('x'), (' ')"),
    Case("not_empty_string", {"trim_whitespace": False}, "('x'), (' ')", "('')"),
    Case("not_null_proportion", {"at_least": 0.5}, "(1), (null)", "(1), (null), (null)"),
    Case("not_null_proportion", {"at_least": 0.1, "at_most": 0.9, "group_by_columns": ["b"]}, "(1, 1), (null, 1)", "(1, 1), (null, 2)", 2),
    Case("not_accepted_values", {"values": ["x", "it's"]}, "('y'), (null)", "('y'), ('it''s')"),
    Case("not_accepted_values", {"values": [1, 2], "quote": False}, "(3)", "(1), (2), (2)", 2),
    Case("accepted_range", {"min_value": 0, "max_value": 10}, "(0), (10), (null)", "(-1), (11), (5)", 2),
    Case("accepted_range", {"min_value": 0, "inclusive": False}, "(1)", "(0)"),
    Case("accepted_range", {"max_value": "b"}, "(1, 2)", "(3, 2)"),
    Case("unique_combination_of_columns", {"combination_of_columns": ["a", "b"]}, "(1, 1), (1, 2)", "(1, 1), (1, 1), (2, 2)", 1, None),
    Case("unique_combination_of_columns", {"combination_of_columns": ["a"], "quote_columns": True}, "(1), (2)", "(1), (1)", 1, None),
    Case("cardinality_equality", {"to": REF, "field": "a"}, "(1), (1), (null)", "(1), (2), (null)", 2, other="(1), (1), (null)"),
    Case("relationships_where", {"to": REF, "field": "a"}, "(1), (null)", "(1), (3)", other="(1), (2), (null)"),
    Case(
        "relationships_where",
        {"to": REF, "field": "a", "from_condition": "b = 'x' or b = 'z'", "to_condition": "b <> 'gone'"},
        "(1, 'x'), (9, 'y')",
        "(2, 'z')",
        other="(1, 'here'), (2, 'gone')",
    ),
    Case("mutually_exclusive_ranges", RANGE, "(1, 2), (2, 3), (5, 6)", "(1, 3), (2, 4)", 1, None),
    Case("mutually_exclusive_ranges", {**RANGE, "gaps": "not_allowed"}, "(1, 2), (2, 3)", "(1, 2), (3, 4)", 1, None),
    Case("mutually_exclusive_ranges", {**RANGE, "gaps": "required"}, "(1, 2), (3, 4)", "(1, 2), (2, 3)", 1, None),
    Case("mutually_exclusive_ranges", {**RANGE, "partition_by": "c"}, "(1, 3, 1), (2, 4, 2)", "(1, 3, 1), (2, 4, 1)", 1, None),
    Case("mutually_exclusive_ranges", {**RANGE, "zero_length_range_allowed": True}, "(1, 1), (1, 2)", "(2, 1)", 1, None),
    Case("sequential_values", {}, "(1), (3), (2)", "(1), (2), (4)"),
    Case("sequential_values", {"interval": 2, "group_by_columns": ["b"]}, "(2, 1), (4, 1), (7, 2)", "(2, 1), (3, 1)"),
    Case(
        "sequential_values", {"datepart": "hour", "interval": 1}, "(timestamp '2024-01-01 23:00'), ('2024-01-02')", f"({OLD}), ({RECENT})"
    ),
)

PAIR = {"column_A": "a", "column_B": "b"}
EXPECTATIONS = (
    Case("expect_column_values_to_be_null", {}, "(null::int)", "(null), (1)"),
    Case("expect_column_values_to_not_be_null", {"row_condition": "b = 1 or b = 2"}, "(1, 1), (null, 3)", "(null, 1), (null, 2)", 2),
    Case("expect_column_values_to_be_between", {"min_value": 1, "max_value": 3}, "(1), (3), (null)", "(0), (2), (4)", 2),
    Case("expect_column_values_to_be_between", {"min_value": 1, "strictly": True}, "(2)", "(1)"),
    Case("expect_column_value_lengths_to_be_between", {"min_value": 1, "max_value": 2}, "('a'), ('bb')", "(''), ('ccc')", 2),
    Case("expect_column_value_lengths_to_equal", {"value": 2}, "('aa'), (null)", "('a')"),
    Case("expect_column_values_to_be_in_set", {"value_set": ["x", "it's"]}, "('x'), ('it''s'), (null)", "('x'), ('y')"),
    Case("expect_column_values_to_be_in_set", {"value_set": [1, 2], "quote_values": False}, "(1), (2)", "(3)"),
    Case("expect_column_values_to_not_be_in_set", {"value_set": ["x"], "row_condition": "b = 1"}, "('y', 1), ('x', 2)", "('x', 1)"),
    Case("expect_column_distinct_values_to_be_in_set", {"value_set": ["x", "y"]}, "('x'), ('x')", "('x'), ('z'), ('z')"),
    Case("expect_column_distinct_values_to_contain_set", {"value_set": ["x", "y"]}, "('x'), ('y'), ('z')", "('x')"),
    Case("expect_column_distinct_values_to_equal_set", {"value_set": ["x", "y"]}, "('x'), ('y')", "('x'), ('z')", 2),
    Case("expect_column_most_common_value_to_be_in_set", {"value_set": ["x"]}, "('x'), ('x'), ('y')", "('x'), ('y'), ('y')"),
    Case(
        "expect_column_most_common_value_to_be_in_set", {"value_set": [1], "data_type": "integer", "quote_values": False}, "('1')", "('2')"
    ),
    Case("expect_column_values_to_match_regex", {"regex": r"^\d+$"}, "('12'), (null)", "('1x')"),
    Case("expect_column_values_to_match_regex", {"regex": "it's", "flags": "i", "is_raw": True}, "('IT''S'), (null)", "('its')"),
    Case("expect_column_values_to_not_match_regex", {"regex": r"[0-9]{2}"}, "('1'), (null)", "('x12')"),
    Case("expect_column_values_to_match_regex_list", {"regex_list": ["^a", "z$"]}, "('ab'), ('yz')", "('b')"),
    Case("expect_column_values_to_match_regex_list", {"regex_list": ["^a", "z$"], "match_on": "all"}, "('az')", "('ab')"),
    Case("expect_column_values_to_not_match_regex_list", {"regex_list": ["^a", "z$"]}, "('b')", "('ab'), ('yz')", 2),
    Case("expect_column_values_to_match_like_pattern", {"like_pattern": "it's%"}, "('it''s so')", "('so')"),
    Case("expect_column_values_to_not_match_like_pattern", {"like_pattern": "%x%"}, "('y'), (null)", "('axa')"),
    Case("expect_column_values_to_match_like_pattern_list", {"like_pattern_list": ["a%", "%z"]}, "('ab'), ('yz')", "('b')"),
    Case("expect_column_values_to_not_match_like_pattern_list", {"like_pattern_list": ["a%", "%z"], "match_on": "all"}, "('ab')", "('az')"),
    Case("expect_column_mean_to_be_between", {"min_value": 1, "max_value": 2}, "(0), (3)", "(3), (4)"),
    Case("expect_column_mean_to_be_between", {"max_value": 2, "group_by": ["b"]}, "(1, 1), (2, 2)", "(1, 1), (3, 2)"),
    Case("expect_column_min_to_be_between", {"min_value": 1, "row_condition": "b = 1"}, "(1, 1), (0, 2)", "(0, 1)"),
    Case("expect_column_max_to_be_between", {"max_value": 5, "strictly": True}, "(4)", "(5)"),
    Case("expect_column_sum_to_be_between", {"min_value": 3, "max_value": 3}, "(1), (2)", "(1), (3)"),
    Case("expect_column_stdev_to_be_between", {"max_value": 1}, "(1), (2)", "(1), (9)"),
    Case("expect_column_median_to_be_between", {"min_value": 2, "max_value": 2.5}, "(1), (2), (3), (99)", "(1), (4), (9)"),
    Case("expect_column_quantile_values_to_be_between", {"quantile": 0.9, "max_value": 9}, "(1), (2), (9)", "(1), (20), (90)"),
    Case("expect_column_values_to_be_unique", {}, "(1), (2), (null), (null)", "(1), (1)"),
    Case("expect_column_unique_value_count_to_be_between", {"min_value": 2, "max_value": 2}, "(1), (2), (2)", "(1), (1)"),
    Case("expect_column_proportion_of_unique_values_to_be_between", {"min_value": 0.5}, "(1), (1)", "(1), (1), (1)"),
    Case("expect_column_distinct_count_to_equal", {"value": 2, "group_by": "b"}, "(1, 1), (2, 1)", "(1, 1), (1, 2)", 2),
    Case("expect_column_distinct_count_to_be_greater_than", {"value": 1}, "(1), (2)", "(1), (1)"),
    Case("expect_column_distinct_count_to_be_less_than", {"value": 2}, "(1), (1)", "(1), (2)"),
    Case("expect_column_values_to_have_consistent_casing", {}, "('a'), ('a'), ('B')", "('a'), ('A')"),
    Case(
        "expect_compound_columns_to_be_unique",
        {"column_list": ["a", "b"]},
        "(1, 1), (1, 2), (null, null), (null, null)",
        "(1, null), (1, null)",
        1,
        None,
    ),
    Case(
        "expect_compound_columns_to_be_unique",
        {"column_list": ["a", "b"], "ignore_row_if": "any_value_is_missing", "quote_columns": True, "row_condition": "c = 1"},
        "(1, null, 1), (1, null, 1), (1, 1, 2), (1, 1, 2)",
        "(1, 1, 1), (1, 1, 1)",
        1,
        None,
    ),
    Case(
        "expect_select_column_values_to_be_unique_within_record",
        {"column_list": ["a", "b", "c"]},
        "(1, 2, 3)",
        "(1, 2, 1), (3, 4, 4)",
        2,
        None,
    ),
    Case("expect_multicolumn_sum_to_equal", {"column_list": ["a", "b"], "sum_total": 6}, "(1, 2), (2, 1)", "(1, 2)", 1, None),
    Case("expect_column_pair_values_A_to_be_greater_than_B", PAIR, "(2, 1), (null, 1)", "(1, 1)", 1, None),
    Case("expect_column_pair_values_A_to_be_greater_than_B", {**PAIR, "or_equal": True}, "(1, 1)", "(0, 1)", 1, None),
    Case("expect_column_pair_values_to_be_equal", {**PAIR, "row_condition": "c = 1"}, "(1, 1, 1), (1, 2, 2)", "(1, 2, 1)", 1, None),
    Case("expect_column_pair_values_to_be_in_set", {**PAIR, "value_pairs_set": [[1, 2], [3, "2 + 2"]]}, "(1, 2)", "(1, 3)", 1, None),
    Case("expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 2}, "(1), (2)", "(1), (2), (3)", 1, None),
    Case("expect_table_row_count_to_equal", {"value": 1, "group_by": ["a"]}, "(1), (2)", "(1), (1), (2)", 1, None),
    Case("expect_table_row_count_to_equal_other_table", {"compare_model": REF}, "(1), (2)", "(1)", 1, None, "(7), (8)"),
    Case("expect_table_row_count_to_equal_other_table", {"compare_model": REF, "factor": 2}, "(1), (2)", "(1)", 1, None, "(7)"),
    Case(
        "expect_table_row_count_to_equal_other_table",
        {"compare_model": REF, "group_by": ["a"], "compare_group_by": ["b"], "compare_row_condition": "a < 9"},
        "(1), (1), (2)",
        "(1), (2), (3)",
        2,
        None,
        "(5, 1), (6, 1), (7, 2), (9, 9)",
    ),
    Case(
        "expect_table_aggregation_to_equal_other_table", {"expression": "sum(a)", "compare_model": REF}, "(1), (2)", "(4)", 1, None, "(3)"
    ),
    Case(
        "expect_table_aggregation_to_equal_other_table",
        {"expression": "sum(a)", "compare_model": REF, "compare_expression": "max(a)", "tolerance": 1},
        "(1), (3)",
        "(5)",
        1,
        None,
        "(3), (1)",
    ),
    Case(
        "expect_table_aggregation_to_equal_other_table",
        {"expression": "sum(a)", "compare_model": REF, "tolerance_percent": 0.1},
        "(105)",
        "(111)",
        1,
        None,
        "(100)",
    ),
    Case(
        "expect_column_distinct_count_to_equal_other_table",
        {"compare_model": REF, "compare_column_name": "a"},
        "(1), (1)",
        "(1), (2)",
        other="(9)",
    ),
    Case("expect_row_values_to_have_recent_data", AT, f"({RECENT}), ({OLD})", f"({OLD}), ({FUTURE})"),
    Case(
        "expect_grouped_row_values_to_have_recent_data",
        {"group_by": ["b"], "timestamp_column": "a", **AT},
        f"({RECENT}, 1), ({OLD}, 1)",
        f"({RECENT}, 1), ({OLD}, 2), ({FUTURE}, 3)",
        2,
        None,
    ),
    Case(
        "expect_row_values_to_have_data_for_every_n_datepart",
        {"date_col": "a"},
        "(date '2024-01-01'), ('2024-01-02'), ('2024-01-03')",
        "(date '2024-01-01'), ('2024-01-04'), ('2024-01-05')",
        2,
        None,
    ),
    Case(
        "expect_row_values_to_have_data_for_every_n_datepart",
        {"date_col": "a", "interval": 7, "test_start_date": "2024-01-01", "test_end_date": "2024-01-15"},
        "(date '2024-01-03'), ('2024-01-08')",
        "(date '2024-01-08')",
        1,
        None,
    ),
    Case(
        "expect_row_values_to_have_data_for_every_n_datepart",
        {"date_col": "a", "date_part": "month", "exclusion_condition": "extract(month from a) = 2"},
        "(date '2024-01-31'), ('2024-03-01')",
        "(date '2024-01-31'), ('2024-04-01')",
        1,
        None,
    ),
    Case("expect_column_values_to_be_increasing", {"sort_column": "b"}, "(1, 1), (3, 3), (2, 2)", "(1, 2), (2, 1)"),
    Case(
        "expect_column_values_to_be_increasing",
        {"sort_column": "b", "strictly": False, "group_by": ["c"]},
        "(1, 1, 1), (1, 2, 1), (0, 3, 2)",
        "(2, 1, 1), (1, 2, 1)",
    ),
    Case(
        "expect_column_values_to_be_decreasing",
        {"sort_column": "b", "row_condition": "c = 1"},
        "(2, 1, 1), (1, 2, 1), (9, 3, 2)",
        "(1, 1, 1), (1, 2, 1)",
    ),
    Case("expect_column_values_to_be_within_n_stdevs", {"sigma_threshold": 1}, "(1), (2)", "(1), (1), (1), (1), (9)"),
    Case(
        "expect_column_values_to_be_within_n_stdevs",
        {"sigma_threshold": 1, "group_by": ["b"]},
        "(1, 1), (2, 2)",
        "(1, 1), (1, 2), (1, 3), (9, 4)",
    ),
)
CASES = [("dbt_utils", case) for case in DBT_UTILS] + [("dbt_expectations", case) for case in EXPECTATIONS]
PARAMETERS = [pytest.param(package, case, id=str(case)) for package, case in CASES]


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        yield connection


def rendered(case: Case, package: str = "", engine: str = "duckdb", config: Mapping[str, Any] | None = None) -> Rendered:
    name = f"{package}.{case.test}" if package else case.test
    declaration = Declaration(
        "test",
        "t",
        "shop",
        "models/m.yml",
        ("shop",),
        config or {},
        test_name=name,
        column=case.column,
        attached=("model", "t"),
        arguments=case.arguments,
    )
    return render_one(templates(engine), declaration, "")


def tables(connection: duckdb.DuckDBPyConnection, case: Case, rows: str) -> None:
    for table, values in (("t", rows), ("other", case.other)):
        width = values.split(")")[0].count(",") + 1 if "timestamp" not in values else (values.split("), (")[0].count(",") + 1)
        names = ", ".join(case.names.split(", ")[:width])
        connection.execute(f"create or replace table {table} as select * from (values {values}) as v({names})")


def failures(connection: duckdb.DuckDBPyConnection, test: Rendered) -> int:
    """How many failures the gate would count."""
    calculation = test.config.get("fail_calc", "count(*)")
    (count,) = connection.execute(f"select {calculation} as failures from (\n{plain(test.text)}\n) dbt_internal_test").fetchall()[0]
    return int(count)


@pytest.mark.parametrize(("package", "case"), PARAMETERS)
def test_passes_on_good_rows_and_counts_the_bad_ones(warehouse: duckdb.DuckDBPyConnection, package: str, case: Case) -> None:
    for test in (rendered(case), rendered(case, package), rendered(case, package, config={"where": "1 = 1"})):
        tables(warehouse, case, case.good)
        assert failures(warehouse, test) == 0
        tables(warehouse, case, case.bad)
        assert failures(warehouse, test) == case.failures


@pytest.mark.parametrize("engine", ["postgres", "bigquery"])
@pytest.mark.parametrize(("package", "case"), PARAMETERS)
def test_is_sql_of_the_other_engines(package: str, case: Case, engine: str) -> None:
    if "exclude_columns" in case.arguments and engine == "postgres":
        with pytest.raises(RenderError, match="compare_columns"):
            rendered(case, package, engine)
        return
    (query,) = sqlglot.parse(plain(rendered(case, package, engine).text, engine), dialect=engine)
    assert isinstance(query, sqlglot.exp.Query)


def test_every_generic_test_has_a_case() -> None:
    ours = {(package, name.removeprefix("test_")) for package in OWN for name in OURS.packages[package] if name.startswith("test_")}
    assert ours == {(package, case.test) for package, case in CASES}
    assert len(ours) == len({name for _, name in ours}), "a bare name means one test"


@pytest.mark.parametrize(
    ("test", "arguments", "word"),
    [
        ("accepted_range", {}, "min_value"),
        ("equality", {"compare_model": REF, "precision": 2}, "round"),
        ("mutually_exclusive_ranges", {**RANGE, "gaps": "maybe"}, "gaps"),
        ("expect_column_values_to_be_between", {}, "min_value"),
        ("expect_column_values_to_be_decreasing", {}, "sort_column"),
        ("expect_compound_columns_to_be_unique", {"column_list": ["a"], "ignore_row_if": "x"}, "ignore_row_if"),
    ],
)
def test_says_what_is_wrong_with_arguments(test: str, arguments: Mapping[str, Any], word: str) -> None:
    column = "a" if test.startswith(("accepted", "expect_column")) else None
    with pytest.raises(RenderError, match=word):
        rendered(Case(test, arguments, "", "", column=column))


def test_the_project_s_own_test_wins_over_ours() -> None:
    own = "{% test accepted_range(model, column_name) %}select 'mine' from {{ model }}{% endtest %}"
    declaration = Declaration("test", "t", "shop", "m.yml", (), {}, test_name="accepted_range", column="a", attached=("model", "t"))
    assert "mine" in render_one(templates(macros=own), declaration, "").text


def test_an_installed_package_wins_over_ours() -> None:
    real = ("dbt_utils", "dbt_packages/dbt_utils/x.sql", "{% macro safe_divide(a, b) %}theirs{% endmacro %}")
    found, problems = library([], "shop", [*BUILTIN, real])
    macro = found.find("safe_divide", "dbt_utils")
    assert not problems
    assert macro is not None
    assert macro.path == real[1]


def test_a_project_called_as_one_of_our_packages_is_that_package() -> None:
    found, problems = library([("macros/x.sql", "{% macro star() %}{% endmacro %}")], "dbt_utils", BUILTIN)
    assert not problems
    assert set(found.packages["dbt_utils"]) == {"star"}


def test_macros_of_the_utility_packages_need_their_prefix() -> None:
    assert OURS.find("star") is None
    assert OURS.find("star", "dbt_utils") is not None
    assert {"dateadd", "test_accepted_range", "test_expect_column_values_to_be_unique"} <= set(OURS.names())
    assert "star" not in set(OURS.names())


# --- macros -------------------------------------------------------------------------------------------------------------------------------

MOMENT = "timestamp '2024-02-28 13:45:10.5'"
PEOPLE = "(values (1, 'x'), (2, 'y'), (2, 'y')) as v(k, s)"


at = datetime.fromisoformat


def f(call: str) -> str:
    return "{{ " + call + " }}"


EXPRESSIONS: tuple[tuple[str, Any], ...] = (
    (f('dbt.dateadd("day", 2, "' + MOMENT + '")'), at("2024-03-01 13:45:10.500000")),
    (f('dbt.dateadd("quarter", "1 + 1", "' + MOMENT + '")'), at("2024-08-28 13:45:10.500000")),
    (f("dateadd('week', -1, \"date '2024-01-08'\")"), at("2024-01-01")),
    *(
        (f(f"dbt.datediff(\"date '2023-12-31'\", \"timestamp '2024-01-01 00:00:01'\", '{part}')"), count)
        for part, count in (
            ("year", 1),
            ("quarter", 1),
            ("month", 1),
            ("week", 0),
            ("day", 1),
            ("hour", 24),
            ("minute", 1440),
            ("second", 86401),
        )
    ),
    *(
        (f(f"dbt.datediff(\"date '2019-12-31'\", \"date '{other}'\", 'week')"), weeks)
        for other, weeks in (("2019-12-27", -1), ("2020-01-02", 0), ("2020-01-04", 0), ("2020-01-05", 1), ("2020-01-12", 2))
    ),
    (f("dbt.datediff(\"'2024-01-01'\", \"'2024-01-01 00:00:00.250'\", 'millisecond')"), 250),
    (f('dbt.date_trunc("month", "' + MOMENT + '")'), at("2024-02-01")),
    (f('dbt.last_day("' + MOMENT + '", "month")'), date(2024, 2, 29)),
    (f('last_day("' + MOMENT + '", "quarter")'), date(2024, 3, 31)),
    (f("dbt.date(2024, 2, 9)"), date(2024, 2, 9)),
    (f("dbt.current_timestamp()"), ALWAYS),
    (f("dbt.split_part(\"'a|b|c'\", \"'|'\", 2)"), "b"),
    (f("dbt.split_part(\"'a|b|c'\", \"'|'\", -1)"), "c"),
    (f("dbt.concat([\"'a'\", \"'b'\"])"), "ab"),
    (f("dbt.hash(\"'a'\")"), "0cc175b9c0f1b6a831c399e269772661"),
    (f("dbt.length(\"'abc'\")"), 3),
    (f("dbt.position(\"'c'\", \"'abc'\")"), 3),
    (f("dbt.replace(\"'abc'\", \"'b'\", \"'x'\")"), "axc"),
    (f("dbt.right(\"'abc'\", 2)"), "bc"),
    (f('dbt.string_literal(dbt.escape_single_quotes("it\'s"))'), "it's"),
    (f("dbt.cast(\"'1'\", type_int())"), 1),
    (f("dbt.safe_cast(\"'12'\", type_int())"), 12),
    (f("dbt.cast_bool_to_text('1 = 1')"), "true"),
    *((f(f"dbt.cast(1, {kind}())"), 1) for kind in ("type_int", "type_bigint", "type_numeric", "type_float")),
    (f("dbt.cast(1, dbt.type_boolean())"), True),
    (f("dbt.cast(1, dbt.type_string())"), "1"),
    (f("dbt.cast(\"'2024-01-01'\", dbt.type_timestamp())"), at("2024-01-01")),
    (f("dbt.array_construct([1, 2])"), [1, 2]),
    (f("dbt.array_construct([], type_int())"), []),
    (f("dbt.array_append(dbt.array_construct([1]), 2)"), [1, 2]),
    (f("dbt.array_concat(dbt.array_construct([1]), dbt.array_construct([2]))"), [1, 2]),
    (f("dbt.equals('null', 'null')"), True),
    (f("dbt.equals('1', 'null')"), False),
    (f("dbt_utils.generate_surrogate_key([\"'a'\", 'null', 1])"), "0231a9babeb31ebb7a3db195a5062749"),
    (f("dbt_utils.safe_divide('1', '0')"), None),
    (f("dbt_utils.safe_divide('6', '1 + 2')"), 2),
    (f("dbt_utils.safe_add(['1', 'null', '2'])"), 3),
    (f("dbt_utils.safe_subtract(['5', 'null', '2'])"), 3),
    *((f(f"dbt_utils.width_bucket({value}, 0, 10, 5)"), bucket) for value, bucket in ((-1, 0), (0, 1), (1.9, 1), (2, 2), (9, 5), (10, 6))),
    ("cast(" + f("dbt_utils.haversine_distance(40.64, -73.78, 51.47, -0.45)") + " as int)", 3445),
    ("cast(" + f("dbt_utils.haversine_distance(40.64, -73.78, 51.47, -0.45, unit='km')") + " as int)", 5544),
    ("cast(1000 * " + f("dbt_utils.degrees_to_radians(180)") + " as int)", 3142),
    (f("dbt_utils.get_url_host(\"'https://a.example/p/q?x=1&y=2'\")"), "a.example"),
    (f("dbt_utils.get_url_path(\"'https://a.example/p/q?x=1&y=2'\")"), "p/q"),
    (f("dbt_utils.get_url_path(\"'https://a.example'\")"), ""),
    (f("dbt_utils.get_url_parameter(\"'https://a.example/p?x=1&y=2'\", 'x')"), "1"),
    (f("dbt_utils.get_url_parameter(\"'https://a.example/p?x=1'\", 'z')"), None),
)

QUERIES: tuple[tuple[str, list[tuple[Any, ...]]], ...] = (
    ("select " + f("dbt.any_value('s')") + f" from {PEOPLE} where k = 1", [("x",)]),
    ("select " + f("dbt.bool_or('k = 2')") + f" from {PEOPLE}", [(True,)]),
    ("select " + f("dbt.listagg('s', \"'|'\", 'order by s desc')") + f" from {PEOPLE}", [("y|y|x",)]),
    ("select " + f("dbt.listagg('s', \"'|'\", 'order by s desc', 2)") + f" from {PEOPLE}", [("y|y",)]),
    ("select " + f("listagg('s')") + f" from {PEOPLE} where k = 2", [("y,y",)]),
    (f"select 1 as n {f('dbt.except()')} select 2 as n", [(1,)]),
    (f"select 1 as n {f('intersect()')} select 1 as n", [(1,)]),
    (f("dbt.generate_series(3)"), [(1,), (2,), (3,)]),
    (f("dbt_utils.generate_series(2)"), [(1,), (2,)]),
    (f("dbt.date_spine('day', \"date '2024-02-28'\", \"date '2024-03-01'\")"), [(at("2024-02-28"),), (at("2024-02-29"),)]),
    (
        f("dbt_utils.date_spine('month', \"date '2024-01-31'\", \"date '2024-04-01'\")"),
        [(at("2024-01-31"),), (at("2024-02-29"),), (at("2024-03-31"),)],
    ),
    (f("date_spine('day', \"date '2024-01-01'\", \"date '2024-01-01'\")"), []),
    (f"select s, k, count(*) as n from {PEOPLE} {f('dbt_utils.group_by(2)')} order by n", [("x", 1, 1), ("y", 2, 2)]),
    ("select " + f("dbt_utils.pivot('s', ['x', 'y'])") + f" from {PEOPLE}", [(1, 2)]),
    (
        "select "
        + f("dbt_utils.pivot('s', ['y', 'it is'], agg='max', prefix='n ', then_value='k', else_value=none, quote_identifiers=false)")
        + f" from {PEOPLE}",
        [(2, None)],
    ),
)


@pytest.mark.parametrize(("template", "expected"), EXPRESSIONS)
def test_expression_on_duckdb(warehouse: duckdb.DuckDBPyConnection, template: str, expected: Any) -> None:
    (value,) = warehouse.execute(f"select {text_of(template)}").fetchall()[0]
    assert value is not None if expected is ALWAYS else value == expected


@pytest.mark.parametrize(("template", "expected"), QUERIES)
def test_query_on_duckdb(warehouse: duckdb.DuckDBPyConnection, template: str, expected: list[tuple[Any, ...]]) -> None:
    assert warehouse.execute(text_of(template)).fetchall() == expected


@pytest.mark.parametrize("engine", ["postgres", "bigquery"])
@pytest.mark.parametrize("template", [f"select {e}" for e, _ in EXPRESSIONS] + [q.replace(PEOPLE, "people") for q, _ in QUERIES])
def test_macro_is_sql_of_the_other_engines(template: str, engine: str) -> None:
    (query,) = sqlglot.parse(text_of(template, engine), dialect=engine)
    assert isinstance(query, sqlglot.exp.Query)


@pytest.mark.parametrize(
    ("call", "postgres", "bigquery"),
    [
        ("dbt.dateadd('day', 1, 'd')", "(d + (interval '1 day') * (1))", "datetime_add(cast(d as datetime), interval 1 day)"),
        (
            "dbt.datediff('a', 'b', 'day')",
            "(cast(cast(b as timestamp) as date) - cast(cast(a as timestamp) as date))",
            "datetime_diff(cast(b as datetime), cast(a as datetime), day)",
        ),
        ("dbt.split_part('s', \"','\", -2)", "split_part(s, ',', -2)", "split(s, ',')[safe_offset(array_length(split(s, ',')) - 2)]"),
        ("dbt.safe_cast('s', dbt.type_int())", "cast(s as integer)", "safe_cast(s as int64)"),
        ("dbt.hash('s')", "md5(cast(s as text))", "to_hex(md5(cast(s as string)))"),
        ('dbt.escape_single_quotes("it\'s")', "it''s", "it\\'s"),
        ("dbt.array_construct([])", "cast(array[] as integer[])", "array<int64>[]"),
        ("dbt.except()", "except", "except distinct"),
        ("dbt_expectations.matches('s', 'x', is_raw=true)", "s ~ 'x'", "regexp_contains(s, r'x')"),
    ],
)
def test_engines_get_their_own_version(call: str, postgres: str, bigquery: str) -> None:
    assert text_of(f(call), "postgres") == postgres
    assert text_of(f(call), "bigquery") == bigquery


def test_the_project_s_own_version_of_a_macro_is_dispatched_to() -> None:
    assert text_of(f("dbt.length('x')"), macros="{% macro default__length(expression) %}mine({{ expression }}){% endmacro %}") == "mine(x)"


def test_deduplicate_keeps_the_first_row_of_each_group(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("create table t as select * from (values (1, 'b'), (1, 'a'), (2, 'c')) as v(k, s)")
    call = f("dbt_utils.deduplicate(relation=ref('t'), partition_by='k', order_by='s')")
    assert sorted(warehouse.execute(text_of(call)).fetchall()) == [(1, "a"), (2, "c")]
    assert text_of(call, "postgres").startswith("select distinct on (k)")
    assert isinstance(sqlglot.parse_one(text_of(call, "bigquery"), dialect="bigquery"), sqlglot.exp.Select)


def test_surrogate_keys_tell_null_from_empty_text_unless_told_not_to(warehouse: duckdb.DuckDBPyConnection) -> None:
    def keys(variables: Mapping[str, Any]) -> set[str]:
        columns = ", ".join(text_of(f(f'dbt_utils.generate_surrogate_key(["{value}"])'), variables=variables) for value in ("null", "''"))
        return set(warehouse.execute(f"select {columns}").fetchall()[0])

    assert len(keys({})) == 2
    assert len(keys({"surrogate_key_treat_nulls_as_empty_strings": True})) == 1


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("dbt_utils.slugify('2 Big-Things!')", "_2_big_things"),
        ("dbt_utils.pretty_time(format='%%')", "%"),
        ("dbt_utils.pretty_log_format('done')", r"\d\d:\d\d:\d\d \+ done"),
        ("dbt_utils.log_info('done')", ""),
        ("dbt.is_incremental()", "False"),
        ("dbt.should_full_refresh()", "False"),
        ("dbt.run_query('select 1')", "None"),
        ("should_store_failures()", "False"),
        ("config(store_failures=true) ~ should_store_failures()", "True"),
        ("'' }}{% call set_sql_header(config) %}set x = 1;{% endcall %}{{ config.get('sql_header')", "set x = 1;"),
        ("create_view_as('v', 'select 1')", "create view v as\nselect 1"),
        ("dbt.create_table_as(false, 't', 'select 1')", "create table t as\nselect 1"),
        ("create_table_as(true, 't', 'select 1')", "create temporary table t as\nselect 1"),
        ("generate_schema_name(none, model)", "main"),
        ("generate_schema_name('raw ', model)", "main_raw"),
        ("default__generate_schema_name('raw', model)", "main_raw"),
        ("generate_schema_name_for_env('raw', model)", "main"),
        ("generate_alias_name(none, model)", "m"),
        ("generate_alias_name(none, {'name': 'm', 'version': 1.2})", "m_v1_2"),
        ("generate_alias_name(' other ', model)", "other"),
        ("generate_database_name(none, model)", "warehouse"),
        ("generate_database_name('raw', model)", "raw"),
    ],
)
def test_text_macros(call: str, text: str) -> None:
    assert re.fullmatch(text, text_of(f(call)))


# --- macros that ask the warehouse --------------------------------------------------------------------------------------------------------


class Session:
    """A connection as far as templates use one."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def execute(self, sql: str) -> Answer:
        cursor = self._connection.execute(sql)
        return Answer(tuple(cursor.fetchall()), tuple(c[0] for c in cursor.description or ()))

    def columns(self, relation: Relation) -> tuple[tuple[str, str], ...]:
        return tuple((name, kind) for name, kind, *_ in self._connection.execute(f'describe "{relation.name}"').fetchall())


@pytest.fixture
def live(warehouse: duckdb.DuckDBPyConnection) -> Live:
    warehouse.execute("create table t as select * from (values (1, 'x', 1.5), (2, 'y', 2.5), (3, 'y', null)) as v(id, kind, size)")
    warehouse.execute("create table u as select 9::bigint as id, 'z' as colour")
    return Live(cast("Any", Session(warehouse)), lambda payload: Relation(None, None, payload.split(":")[-2]))


def test_star(live: Live) -> None:
    assert text_of("{{ dbt_utils.star(ref('t')) }}", live=live) == '"id",\n"kind",\n"size"'
    call = "{{ dbt_utils.star(from=ref('t'), except=['KIND'], relation_alias='x', prefix='p_', quote_identifiers=false) }}"
    assert text_of(call, live=live) == "x.id as p_id,\nx.size as p_size"
    assert text_of(call) == "x.*", "columns are not known without a connection"


def test_star_is_rendered_again_before_its_step() -> None:
    _, notes = templates().render(MODEL, "{{ dbt_utils.star(ref('t')) }}")
    assert "warehouse" in notes.inputs.volatile


def test_get_column_values(live: Live) -> None:
    assert text_of("{{ dbt_utils.get_column_values(ref('t'), 'kind') }}", live=live) == "['y', 'x']"
    call = "{{ dbt_utils.get_column_values(ref('t'), 'id', order_by='id desc', max_records=2, where='id < 3') | join('+') }}"
    assert text_of(call, live=live) == "2+1"
    assert text_of("{{ dbt_utils.get_column_values(ref('t'), 'id', where='id > 3', default=['none']) }}", live=live) == "['none']"
    assert text_of(call) == ""


def test_single_values_and_results(live: Live) -> None:
    assert text_of("{{ dbt_utils.get_single_value('select max(id) from t') }}", live=live) == "3"
    assert text_of("{{ dbt_utils.get_single_value('select 1', default=7) }}") == "7"
    call = "{% set r = dbt_utils.get_query_results_as_dict('select id, kind from t order by id') %}{{ r.id | join('+') }} {{ r.kind | join('+') }}"
    assert text_of(call, live=live) == "1+2+3 x+y+y"


def test_get_filtered_columns_in_relation(live: Live) -> None:
    assert text_of("{{ dbt_utils.get_filtered_columns_in_relation(ref('t'), except=['id']) }}", live=live) == "['kind', 'size']"


def test_union_relations(warehouse: duckdb.DuckDBPyConnection, live: Live) -> None:
    call = "{{ dbt_utils.union_relations([ref('t'), ref('u')], exclude=['size']) }} order by id"
    rows = warehouse.execute(text_of(call, live=live)).fetchall()
    assert [row[1:] for row in rows] == [(1, "x", None), (2, "y", None), (3, "y", None), (9, None, "z")]
    assert {row[0] for row in rows} == {'"t"', '"u"'}
    narrow = "{{ dbt_utils.union_relations([ref('t'), ref('u')], include=['id'], column_override={'id': 'text'}, source_column_name=none, where='id > 2') }}"
    assert sorted(warehouse.execute(text_of(narrow, live=live)).fetchall()) == [("3",), ("9",)]
    assert [t.name for t in sqlglot.parse_one(text_of(call), dialect="duckdb").find_all(sqlglot.exp.Table)] == ["t", "u"], (
        "the graph knows both"
    )


def test_unpivot(warehouse: duckdb.DuckDBPyConnection, live: Live) -> None:
    call = "{{ dbt_utils.unpivot(ref('t'), cast_to='double', exclude=['id'], remove=['kind'], field_name='what', value_name='much') }} order by id"
    assert warehouse.execute(text_of(call, live=live)).fetchall() == [(1, "size", 1.5), (2, "size", 2.5), (3, "size", None)]
    assert "from" in text_of(call)


def test_what_conditions_ask(warehouse: duckdb.DuckDBPyConnection, live: Live) -> None:
    (count,) = warehouse.execute("select count(*) from t").fetchall()[0]
    assert text_of("{{ row_count('t') }}", live=live) == str(count)
    assert text_of("{{ row_count('t') }}") == "0"
    assert text_of("{{ weekday('2026-01-04') }} {{ dbt.weekday('2026-01-05 10:00') }}") == "Sun Mon"


# --- what is promised ---------------------------------------------------------------------------------------------------------------------


def public_macros() -> set[tuple[str, str]]:
    """Macros that projects call: no engine's version of one, no test, none that tests are made of."""
    found = {(package, name) for package in OWN for name in OURS.packages[package]}
    parts = {name for name, macro in OURS.packages["dbt_utils"].items() if macro.path.endswith(("/row_counts.sql", "/equality.sql"))}
    return {(p, n) for p, n in found if "__" not in n and not n.startswith("test_") and p != "dbt_expectations" and n not in parts}


def test_every_macro_is_called_somewhere_above() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    assert [name for _, name in sorted(public_macros()) if not re.search(rf"\b{name}\(", here) and f'"{name}"' not in here] == []


def signatures() -> dict[str, str]:
    """Every test and macro of the reference page with its arguments; a test's model and column are not given by hand."""
    found: dict[str, str] = {}
    for package, _, text in BUILTIN:
        for kind, name, arguments in re.findall(r"\{% (macro|test) (\w+)\((.*?)\) -?%\}", text):
            if kind == "test":
                found[f"{package}.{name}"] = re.sub(r"^model(, )?|\bcolumn_name(=none)?(, )?", "", arguments).removesuffix(", ")
            elif (package, name) in public_macros():
                found[f"{package}.{name}"] = arguments
    return found


def test_the_reference_page_lists_every_test_and_macro_with_its_arguments() -> None:
    listed = dict(re.findall(r"^\| `([\w.]+)\((.*?)\)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == signatures()


def test_every_template_of_ours_has_a_path_of_its_own() -> None:
    assert len({path for _, path, _ in BUILTIN}) == len(BUILTIN)
