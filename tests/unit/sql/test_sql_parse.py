from __future__ import annotations

import logging

import pytest

from orchestrator.core import marker
from orchestrator.sql.parse import DEEPEST, Malformed, opaque, parse


def complaint(sql: str, dialect: str = "duckdb") -> tuple[str, str]:
    """The message, and the text it points at."""
    with pytest.raises(Malformed) as caught:
        parse(sql, dialect, "`" if dialect == "bigquery" else '"')
    wrong = caught.value
    return wrong.message, sql[wrong.position : wrong.position + wrong.length]


@pytest.mark.parametrize(
    ("sql", "message", "place"),
    [
        ("select a b c from t", "syntax error: this does not belong here near `c`", "c"),
        ("select a,\n  from t where", "syntax error: something is missing near `where`", "where"),
        ("select from", "syntax error: something is missing near `from`", "from"),
        ("select (1", "syntax error: `)` is missing near `1`", "1"),
        ("selec 1", "syntax error: no query starts with `selec`", "selec"),
        ("select 'a from t", "syntax error: this quote is never closed", "'"),
        ('select "a from t', "syntax error: this quote is never closed", '"'),
        ("select 1 /* no end", "syntax error: this comment is never closed", "/*"),
        ("select 'it''s' -- '\n, 'b", "syntax error: this quote is never closed", "'"),
        ("select 1; select 2", "a model is one query; a second statement starts here", "select"),
        ("select 1;;\n;select 2", "a model is one query; a second statement starts here", "select"),
        ("; select 1", "a semicolon stands before the query", ";"),
        ("create table a as select 1", "a model is one query; this is a `CREATE` statement", "create"),
        ("insert into a select 1", "a model is one query; this is a `INSERT` statement", "insert"),
        ("with a as (select 1) insert into b select * from a", "a model is one query; this is a `INSERT` statement", "insert"),
        ("drop table a", "a model is one query; this is a `DROP` statement", "drop"),
        ("explain select 1", "a model is one query; this is a `EXPLAIN` statement", "explain"),
        ("describe orders", "a model is one query; this is a `DESCRIBE` statement", "describe"),
        ("", "there is no SQL in this file", ""),
        ("-- only a comment\n", "there is no SQL in this file", "-"),
        (";", "there is no SQL in this file", ";"),
    ],
)
def test_what_is_no_query_is_said_where_it_is(sql: str, message: str, place: str) -> None:
    assert complaint(sql) == (message, place)


@pytest.mark.parametrize(
    ("sql", "place", "hint"),
    [
        ("selct 1", "selct", "did you mean `select`?"),
        ("select * form t", "form", "did you mean `from`?"),
        ("select * from t grop by a", "grop", "did you mean `group`?"),
        ("select * from t wher a = 1", "wher", "did you mean `where`?"),
    ],
)
def test_a_misspelt_keyword_is_named(sql: str, place: str, hint: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse(sql, "duckdb")
    assert (complaint(sql)[1], caught.value.hint) == (place, hint)


def test_the_place_is_exact_when_the_text_around_it_repeats() -> None:
    sql = "select a\n" + "".join(f", coalesce(a, 0) as a{n}\n" for n in range(50)) + ", coalesce(a, 0) as b b2\nfrom t"
    message, place = complaint(sql)
    assert (message, place) == ("syntax error: this does not belong here near `b2`", "b2")


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "bigquery"])
def test_places_count_characters_not_bytes(dialect: str) -> None:
    assert complaint("select 'żółć 😀' as a b", dialect)[1] == "b"


def test_no_message_shows_the_parser_s_insides() -> None:
    for sql in ("select from", "select a from", "select case", "select cast(a as)", "with a as select 1", "select * from a join"):
        message, _ = complaint(sql)
        assert "Token" not in message
        assert "<" not in message.replace("`<`", "")


@pytest.mark.parametrize(
    "sql",
    [
        "select " + "(" * 30_000 + "1" + ")" * 30_000,
        "select * from " + "(select * from " * 30_000 + "t" + ")" * 30_000,
        "select " + "case when a then " * 3_000 + "1" + " end" * 3_000,
    ],
    ids=["brackets", "subqueries", "cases"],
)
def test_absurd_depth_is_refused_and_does_not_end_the_process(sql: str) -> None:
    message, _ = complaint(sql)
    assert message == "this query is nested too deeply to be read"


def test_what_is_long_but_not_deep_is_fine() -> None:
    assert parse(" union all ".join(["select a from t"] * 3_000), "duckdb").columns == ("a",)
    assert parse("select " + " or ".join(["a = 1"] * 3_000) + " as x", "duckdb").columns == ("x",)
    assert parse("select " + "(" * (DEEPEST // 2) + "1" + ")" * (DEEPEST // 2) + " as x", "duckdb").columns == ("x",)


def test_the_text_stays_as_written_but_for_closing_semicolons() -> None:
    assert parse("  select 1 -- one\n;; -- end\n", "duckdb").sql == "  select 1 -- one\n"


@pytest.mark.parametrize(
    ("sql", "before"),
    [
        ("with a as (select 1) select * from a", "with"),
        ("-- why\n/* with */ WITH RECURSIVE a as (select 1) select * from a", "-- why\n/* with */ WITH RECURSIVE"),
        ("with\n  a as (select 1) select * from a", "with"),
        ("select 1", None),
        ("(with a as (select 1) select * from a)", None),
    ],
)
def test_the_place_for_another_cte(sql: str, before: str | None) -> None:
    for query in (parse(sql, "duckdb"), opaque(sql)):
        assert (None if query.with_at is None else sql[: query.with_at]) == before


def test_an_opaque_text_is_known_by_its_markers() -> None:
    orders = marker.write(marker.ref("orders"), "orders", '"')
    query = opaque(f"select ~~ whatever from {orders} join customers;\n")
    assert [r.name for r in query.reads] == ["ref::orders:"]
    assert query.sql == f"select ~~ whatever from {orders} join customers"
    assert query.columns is None


def test_the_parser_stays_silent(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("sqlglot").addHandler(logging.NullHandler())
    complaint("explain select 1")
    assert capfd.readouterr() == ("", "")
