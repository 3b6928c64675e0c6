"""Templates that say the same: layout, comments and the case of what is not quoted do not count; everything else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.sql.written import written

WORDS = ("select", "a", "+", "'A b'", '"Q x"', "{{ ref('Orders') }}", "{% if x == 'Y' %}", "1.5", ",", "`t u`", "$$ Body $$")
GAPS = (" ", "\n", "\t  ", " -- why\n", " /* so */ ", " {# no #} ")


@given(st.lists(st.sampled_from(WORDS), max_size=8), st.data())
def test_gaps_and_remarks_between_words_do_not_count(words: list[str], data: st.DataObject) -> None:
    plain = " ".join(words)
    spread = "".join(word + data.draw(st.sampled_from(GAPS)) for word in words)
    assert written(spread) == written(plain)
    assert written(written(plain).replace("\x1f", " ")) == written(plain)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select 'A'", "select 'a'"),
        ("select 'a b'", "select 'a  b'"),
        ("select '--a'", "select '--b'"),
        ("select '/* a */'", "select '/* b */'"),
        ('select "A"', 'select "a"'),
        ("select {{ Var }}", "select {{ var }}"),
        ("select {{ f('a') }}", "select {{ f('A') }}"),
        ("select '{{ f('a') }} -- x'", "select '{{ f('a') }} -- y'"),
        ("-- depends_on: {{ ref('a') }}\nselect 1", "-- depends_on: {{ ref('b') }}\nselect 1"),
        ("select ab", "select a b"),
        ("select 1 - -1", "select 1"),
        ("select /*+ hash */ 1", "select /*+ merge */ 1"),
        (r"select 'it\\'s', 'A  b'", r"select 'it\\'s', 'a b'"),
    ],
)
def test_what_counts(one: str, other: str) -> None:
    assert written(one) != written(other)


@pytest.mark.parametrize("text", ["'" + "{{" * 5000, "'" * 5001, "/*" * 5000, "{#" * 5000, "$a$" + "$b$" * 3000, '"' + "{% " * 5000])
def test_hostile_texts_take_no_time(text: str) -> None:
    written(text)
