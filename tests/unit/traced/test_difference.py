from __future__ import annotations

import pytest

from orchestrator.sql.difference import difference
from orchestrator.sql.parts import parts


def differs(before: str, after: str, dialect: str = "duckdb") -> tuple[list[str], bool]:
    one, other = parts(before, dialect), parts(after, dialect)
    assert one is not None
    assert other is not None
    found = difference(one, other)
    return sorted(found.columns), found.rows


@pytest.mark.parametrize(
    ("before", "after", "columns", "rows"),
    [
        # nothing
        ("select a,b from t", "SELECT a, b -- why\nFROM t", [], False),
        ("select a from t order by a", "select a from t order by b", [], False),
        ("with idle as (select 1 as z) select a from t", "select a from t", [], False),
        ("select * from t", "select a, t.b from t", [], False),
        ("with c as (select a, b from t) select * from c", "with c as (select a, b from t) select a, b from c", [], False),
        # columns alone
        ("select * from t", "select a, b as c from t", ["c"], False),
        ("select * from t, u", "select a from t, u", ["a"], False),
        ("with c as (select a, b from t) select * from c", "with c as (select a, -b as b from t) select a, b from c", ["b"], False),
        ("select a, b from t", "select a, b + 1 as b from t", ["b"], False),
        ("select a from t", "select a, b from t", ["b"], False),
        ("select 'A' as a from t", "select 'a' as a from t", ["a"], False),
        ("select sum(a) over (order by b) as s from t", "select sum(a) over (order by b desc) as s from t", ["s"], False),
        ("with c as (select a, b as q from t) select * from c", "with c as (select a, b + 1 as q from t) select * from c", ["q"], False),
        (
            "with c as (select a, b as q from t), d as (select a, q * 2 as r from c) select a, r from d",
            "with c as (select a, b + 1 as q from t), d as (select a, q * 2 as r from c) select a, r from d",
            ["r"],
            False,
        ),
        (
            "with c as (select a, b from t) select * replace (a + 1 as b) from c",
            "with c as (select -a as a, b from t) select * replace (a + 1 as b) from c",
            ["a", "b"],
            False,
        ),
        ("select x.a, x.b from (select a, b from t) x", "select x.a, x.b from (select a, -b as b from t) x", ["b"], False),
        ("select a, b from t union all select c, d from u", "select a, b from t union all select c, -d from u", ["b"], False),
        # rows
        ("select a from t where a > 1", "select a from t where a > 2", [], True),
        ("select a from t", "select a from t join u using (i)", [], True),
        ("select a from t left join u on t.i = u.i", "select a from t join u on t.i = u.i", [], True),
        ("select a from t", "select distinct a from t", [], True),
        ("select a from t limit 1", "select a from t limit 2", [], True),
        ("select a from t order by a limit 1", "select a from t order by b limit 1", [], True),
        ("select a from t union all select b from u", "select a from t union select b from u", [], True),
        ("select a from t qualify row_number() over (order by b) = 1", "select a from t qualify row_number() over (order by c) = 1", [], True),
        ("select a, unnest(b) as c from t", "select a, unnest(d) as c from t", ["c"], True),
        ("with a as (select x from t) select x from a", "select x from a", ["x"], True),
        ("select a from t union all select a from u", "select a from t", ["a"], True),
        # columns that decide about rows
        ("select sum(a) as a from t", "select a from t", ["a"], True),
        ("select distinct a from t", "select distinct a, b from t", ["b"], True),
        ("select a, count(*) as n from t group by 1", "select a + 1 as a, count(*) as n from t group by 1", ["a"], True),
        ("select a + 1 as k, count(*) as n from t group by k", "select a + 2 as k, count(*) as n from t group by k", ["k"], True),
        (
            "with c as (select a, b as q from t) select a from c where q > 1",
            "with c as (select a, b + 1 as q from t) select a from c where q > 1",
            [],
            True,
        ),
        (
            "with recursive r as (select 1 as n union all select n + 1 from r where n < 5) select n from r",
            "with recursive r as (select 1 as n union all select n + 2 from r where n < 5) select n from r",
            ["n"],
            True,
        ),
        ("select x.a from (select a, b from t) x join u on u.i = x.b", "select x.a from (select a, b + 1 as b from t) x join u on u.i = x.b", [], True),
    ],
)  # fmt: skip
def test_two_versions_differ_in_these_columns_and_rows(before: str, after: str, columns: list[str], rows: bool) -> None:
    assert differs(before, after) == (columns, rows)
    assert differs(before, before) == ([], False)


def test_a_query_that_cannot_be_read_is_not_taken_apart() -> None:
    assert parts("select from where", "duckdb") is None
    assert parts("drop table t", "duckdb") is None


def test_the_dialect_is_the_engines() -> None:
    assert differs("select `a b` from t", "select `a b`, `A` as c from t", "bigquery") == (["c"], False)
