"""Tidy SQL: what changes, what never does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.sql.parse import parse
from orchestrator.sql.tidy import Quoting, Untidy, quoting, same, tidy

PLAIN = Quoting(backslash=False, triple=False)
GOOGLE = Quoting(backslash=True, triple=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SELECT a,b FROM t", "select a, b from t\n"),
        ("select   a    ,  b", "select a, b\n"),
        ("select ( a ), f( a, ( b ) )", "select (a), f(a, (b))\n"),
        ("select a=1 or b<>2 or c||d", "select a = 1 or b <> 2 or c || d\n"),
        ("select a->>'x', b::int, c<d, -1", "select a->>'x', b::int, c<d, -1\n"),
        ("select array<int64>[1], struct<a int64>(1)", "select array<int64>[1], struct<a int64>(1)\n"),
        ("\n\nselect a  \n\n\n\nfrom t\t\n\n", "select a\n\nfrom t\n"),
        ("select a\n\t, b\n\t\t, c", "select a\n    , b\n        , c\n"),
        ("select a   -- one   two  \nfrom t", "select a   -- one   two\nfrom t\n"),
        ("select /*  x  */ a", "select /*  x  */ a\n"),
        ("select a from {{ref('x')}}", "select a from {{ ref('x') }}\n"),
        ("select a {%-if x-%} , b {%-  endif  -%}", "select a {%- if x -%}, b {%- endif -%}\n"),
        ("select {{ -x }}, {{- x }}", "select {{ -x }}, {{- x }}\n"),
        ("select {{ f(\n  1 ) }}", "select {{ f(\n  1 ) }}\n"),
        ("select {{ '}}'~\"'\" }} ,b", "select {{ '}}'~\"'\" }}, b\n"),
        ("{#  kept   #}\nselect 1", "{#  kept   #}\nselect 1\n"),
        ("SELECT t.END, t . FROM, x AS END", "select t.END, t . FROM, x as END\n"),
        ("select OVER, row_number() OVER (PARTITION BY a)", "select OVER, row_number() over (partition by a)\n"),
        ("{{ p }}END, END{{ s }}, CASE", "{{ p }}END, END{{ s }}, case\n"),
        ("select a\r\nfrom t\r\n", "select a\r\nfrom t\r\n"),
        ("", ""),
        ("  \n ", ""),
    ],
)
def test_whitespace_and_keywords_are_put_in_order(before: str, after: str) -> None:
    assert tidy(before, PLAIN) == after
    assert tidy(after, PLAIN) == after
    assert same(before, after, PLAIN)


@pytest.mark.parametrize(
    "quoted",
    [
        "'a  FROM,b '",
        '"a  FROM,b "',
        "`a  FROM,b `",
        "'it''s  =1'",
        "$$ SELECT  1 $$",
        "$q$ ( $q$",
        "'{{ x }}  {{y}}'",
        "e'it\\'s  ,x'",
        "'a\n\n\n\n  b'",
    ],
)
def test_quoted_text_is_never_touched(quoted: str) -> None:
    assert tidy(f"select {quoted}  ,  1", PLAIN) == f"select {quoted}, 1\n"


@pytest.mark.parametrize("quoted", [r"'it\'s  ,x'", r"r'\'", '"""a " ,b"""', "'''a ' ,b'''", r'"a\"  ,b"'])
def test_dialects_with_other_quotes_have_theirs(quoted: str) -> None:
    assert tidy(f"select {quoted}  ,  1", GOOGLE) == f"select {quoted}, 1\n"


def test_how_a_dialect_quotes_is_known() -> None:
    assert [quoting(d) for d in ("duckdb", "postgres", "bigquery")] == [PLAIN, PLAIN, GOOGLE]


@pytest.mark.parametrize(
    "text",
    [
        "select 'never closed",
        "select {{ never",
        "select /* never",
        "{% set x %}  a  {% endset %}select 1",
        "{% raw %}  {{  {% endraw %}",
        "{%- call statement('x') %} select  1 {% endcall %}",
        "{% macro m() %} a  b {% endmacro %}",
    ],
)
def test_what_cannot_be_followed_is_left_alone(text: str) -> None:
    with pytest.raises(Untidy):
        tidy(text, PLAIN)


def test_a_set_without_a_block_is_followed() -> None:
    assert tidy("{% set  x = '=  1' %}\nSELECT 1", PLAIN) == "{% set  x = '=  1' %}\nselect 1\n"


def test_keywords_may_be_upper_or_stay() -> None:
    assert tidy("select a From t", PLAIN, "upper") == "SELECT a FROM t\n"
    assert tidy("select a From t", PLAIN, "keep") == "select a From t\n"


@pytest.mark.parametrize(("one", "other"), [("a b", "ab"), ("'a  b'", "'a b'"), ("a, b", "a b"), ("Abc", "abc"), ("{{ a b }}", "{{ ab }}")])
def test_other_differences_are_differences(one: str, other: str) -> None:
    assert not same(f"select {one}", f"select {other}", PLAIN)


SQL_BITS = (
    "SELECT",
    "from",
    "a",
    "End",
    "OVER",
    "(",
    ")",
    ",",
    ".",
    "=",
    "<>",
    "||",
    "<",
    "-",
    "--",
    "- ",
    "/*",
    "*/",
    "'",
    '"',
    "`",
    "$$",
    "$",
)
OTHER_BITS = (
    "{{ x }}",
    "{{x}}",
    "{%-if a%}",
    "{% endif -%}",
    "{# c #}",
    "{",
    "}",
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n\n",
    "\r\n",
    "e'",
    "\\",
    "1.5",
    "::",
    "é",
)
BITS = st.sampled_from((*SQL_BITS, *OTHER_BITS))


@given(st.lists(BITS, max_size=25).map("".join), st.sampled_from([PLAIN, GOOGLE]))
def test_tidying_twice_is_tidying_once_and_keeps_every_word(text: str, quotes: Quoting) -> None:
    try:
        once = tidy(text, quotes)
    except Untidy:
        return
    assert tidy(once, quotes) == once
    assert same(text, once, quotes)


WORDS = st.sampled_from(
    ["a", "b", "1", "'x  y'", "f( a )", "a=1", "CASE WHEN a THEN b END", "a||b", "-1", "a- -1", "a<b", "a -- c\n", "/* c */ a", '"A  b"']
)


@given(st.lists(WORDS, min_size=1, max_size=8).map("  , ".join))
def test_a_query_stays_the_same_query(items: str) -> None:
    text = f"SELECT 1 ,{items} FROM  t"
    assert parse(tidy(text, PLAIN), "duckdb").canon == parse(text, "duckdb").canon
