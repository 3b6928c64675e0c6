from __future__ import annotations

import pytest

from orchestrator.sql.parse import parse


def canon(sql: str, dialect: str = "duckdb") -> str:
    return parse(sql, dialect, "`" if dialect == "bigquery" else '"').canon


@pytest.mark.parametrize(
    ("one", "other", "dialect"),
    [
        ("select a from t", "SELECT A\n\tFROM T -- comment\n;", "duckdb"),
        ("select a/* x */from t", "select a from t", "duckdb"),
        ("select a # x\nfrom t", "select a from t", "bigquery"),
        ("select a /* a /* b */ c */ from t", "select a from t", "postgres"),
        ("select 'A' from t", "select 'A'\nFROM t", "duckdb"),
    ],
)
def test_layout_comments_and_case_of_words_do_not_count(one: str, other: str, dialect: str) -> None:
    assert canon(one, dialect) == canon(other, dialect)


@pytest.mark.parametrize(
    ("one", "other", "dialect"),
    [
        ("select 'A'", "select 'a'", "duckdb"),
        ('select "A" from t', 'select "a" from t', "duckdb"),
        ('select "a" from t', "select a from t", "duckdb"),
        ("select 1", "select 2", "duckdb"),
        ("select 'x -- y'", "select 'x -- z'", "duckdb"),
        ("select a from t", "select a from u", "duckdb"),
        ("select $$A$$", "select $$a$$", "postgres"),
        ("select $q$A$q$", "select $q$a$q$", "postgres"),
        ("select E'A'", "select E'a'", "postgres"),
        (r"select 'c:\', 'B'", r"select 'c:\', 'b'", "postgres"),
        (r"select 'c:\', 1 -- 'x", r"select 'c:\', 2 -- 'x", "duckdb"),
        (r"select 'it\'s A'", r"select 'it\'s a'", "bigquery"),
        ("select '''A'''", "select '''a'''", "bigquery"),
        (r"select r'\n'", r"select '\n'", "bigquery"),
        ("select `A`", "select `a`", "bigquery"),
        ("select ab", "select a b", "duckdb"),
    ],
)
def test_a_token_counts(one: str, other: str, dialect: str) -> None:
    assert canon(one, dialect) != canon(other, dialect)
