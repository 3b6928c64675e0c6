"""What is doubtful about a query's structure; and, longer, what is not."""

from __future__ import annotations

import pytest

from orchestrator.sql.parse import parse, syntax
from orchestrator.sql.structure import structure


def found(sql: str, dialect: str = "duckdb", but: str = "S303") -> list[tuple[str, str]]:
    """Code and place of each finding; stars are everywhere and have tests of their own."""
    query = parse(sql, dialect, "`" if dialect == "bigquery" else '"')
    return [(f.code, sql[f.start : f.end]) for f in structure(syntax(sql, dialect), query) if f.code != but]


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("with c as (select 1 as x) select y from t", [("S301", "c")]),
        ("with c as (select 1 as x), d as (select x from c) select y from t", [("S301", "d")]),
        ("with recursive c as (select 1 as x union all select x + 1 from c) select y from t", [("S301", "c")]),
        ("select y from (with c as (select 1 as x) select y from t) as s", [("S301", "c")]),
        ("select a.x from a, b", [("S302", "b")]),
        ("select a.x from a, b, c where a.i = b.i", [("S302", "c")]),
        ("select a.x from a, b, c where b.i = c.i", [("S302", "b")]),
        ("select a.x from a, b as bb cross join c where a.x > 1 and a.y < 3", [("S302", "b as bb")]),
        ("select a.x from a inner join b on b.id = b.id", [("S302", "b")]),
        ("select a.x from a, (select i from b) as s where s.i > 3", [("S302", "select i from b) as s")]),
        ("select a.x from a inner join b on a.id = a.parent", [("S304", "a.id = a.parent")]),
        ("select a.x from a inner join b on a.id = b.id left join c on a.id = b.id", [("S304", "a.id = b.id")]),
        ("select x from t where x = null", [("S305", "x = null")]),
        ("select x from t where (x) <> NULL and y = 1", [("S305", "x) <> NULL")]),
        ("select case when x != null then 1 end as y from t", [("S305", "x != null")]),
        ("select x from t where x not in (1, null, 2)", [("S305", "x not in (1, null, 2)")]),
        ("select case x when null then 1 else 2 end as y from t", [("S305", "when null")]),
        ("select a.x from a left join b on a.i = b.i where b.y = 1", [("S306", "b.y = 1")]),
        (
            "select a.x from a left join b as bb on a.i = bb.i where a.z is null and (bb.y between 1 and 2)",
            [("S306", "bb.y between 1 and 2")],
        ),
        ("select a.x from a left join b on a.i = b.i where b.y in (1, 2)", [("S306", "b.y in (1, 2")]),
        ("select lag(x) over (partition by y) as z from t", [("S307", "lag")]),
        ("select RANK() over () as z from t", [("S307", "RANK")]),
        ("select first_value(x ignore nulls) over w as z from t window w as (partition by y)", [("S307", "first_value")]),
    ],
)
def test_doubtful(sql: str, wanted: list[tuple[str, str]]) -> None:
    got = found(sql)
    assert [code for code, _ in got] == [code for code, _ in wanted]
    for (_, place), (_, due) in zip(got, wanted, strict=True):
        assert due in place or place in due
        assert sql.index(due) <= sql.index(place) + len(place)


@pytest.mark.parametrize(
    "sql",
    [
        # CTEs that are read: from another CTE, a subquery, a nested WITH, in another case, as the head of a path
        "with c as (select 1 as x), d as (select x from c) select x from d",
        "with c as (select 1 as x) select y from t where y in (select x from C)",
        "with c as (select 1 as x) select (with d as (select x from c) select max(x) from d) as y",
        'with "My c" as (select 1 as x) select x from "My c"',
        "with recursive c as (select 1 as x union all select x + 1 from c where x < 3) select x from c",
        # all combinations asked for, or hardly any
        "select a.x from a cross join b",
        "select a.x from a, b cross join c where b.id = c.id",
        "select a.x from a inner join b on true",
        "select a.x from a inner join b on 1 = 1",
        "select a.x from a, unnest(a.items) as i",
        "select a.x from a, generate_series(1, 3) as g(n)",
        "select a.x from a, lateral (select a.x + 1 as y) as l",
        "select a.x from a, (select max(y) as y from b) as m",
        "select a.x from a, (select 1 as y) as m",
        "select a.x from a, (values (1)) as m(y)",
        "with m as (select max(y) as y from b), n as (select * from m) select a.x from a, n",
        "with m as (select y from b limit 1) select a.x from m, a",
        "select a.x from a, (select my_aggregate(y) as y from b) as m",
        "select a.x from a, rates as r where r.name = 'vat'",
        "select a.x from a left join rates as r on r.name = 'vat'",
        "select a.x from a left join rates as r on r.valid_from <= current_date",
        # tied, somewhere
        "select a.x from a, b where a.id = b.id",
        "select a.x from a, b, c where a.id = b.id and b.no = c.no",
        "select a.x from a, c, b where a.id = b.id and b.no = c.no",
        "select a.x from a, b where a.y between b.low and b.high",
        "select a.x from a, b where id = b_id",
        "select a.x from a, b where exists (select 1 from c where c.i = a.i and c.j = b.j)",
        "select a.x from a, b where (a.id = b.id or a.no = b.no) and a.y > 3",
        "select a.x from a, b qualify row_number() over (partition by a.id order by abs(a.x - b.x)) = 1",
        "select a.x from a natural join b",
        "select a.x from a join b using (id)",
        "select a.x from a positional join b",
        "select a.x from a asof join b on a.t >= b.t",
        "select a.x from a inner join b on a.id = b.id and a.kind = 'x'",
        "select a.x from a inner join b on a.id = parent_id",
        "select a.x from a inner join b on a.id = a.parent where b.id = a.id",
        "select a.x from (a inner join b on a.id = b.id) inner join c on c.id = a.id",
        "select x from t where exists (select 1 from u inner join v on v.id = u.id and u.no = t.no)",
        "select a.x from a left join (select true as on_) as flag on a.y",
        # nulls where they belong
        "select x from t where x is null or y is not distinct from null",
        "select x = 1 as y, null as z from t",
        "select x from t where x in (1, null)",
        "select x from read_csv('f.csv', nullstr = null)",
        "select case when x is null then 1 end as y from t",
        # left joins that stay left
        "select a.x from a left join b on a.i = b.i and b.y = 1",
        "select a.x from a left join b on a.i = b.i where b.y is null",
        "select a.x from a left join b on a.i = b.i where b.y is not null",
        "select a.x from a left join b on a.i = b.i where b.y = 1 or a.x = 2",
        "select a.x from a left join b on a.i = b.i where coalesce(b.y, 1) = 1",
        "select a.x from a left join b on a.i = b.i where a.y = 1",
        "select a.x from a left join b on a.i = b.i where b.y is distinct from 1",
        "select a.x from a inner join b on a.i = b.i where b.y = 1",
        "select a.x from a left join b on a.i = b.i where y = 1",
        "select a.x from a left join b on a.i = b.i where a.z in (select b.i from b where b.y = 1)",
        # windows with an order, or in no need of one
        "select lag(x) over (partition by y order by z) as w from t",
        "select lag(x) over v as w from t window v as (order by z)",
        "select row_number() over () as n, sum(x) over (partition by y) as s, count(*) over () as c from t",
        "select first_value(x order by y) over () as f from t",
        "select lag(x) over (v rows between 1 preceding and current row) as w from t window v as (order by z)",
    ],
)
def test_not_doubtful(sql: str) -> None:
    assert found(sql) == []


@pytest.mark.parametrize(
    "sql",
    [
        "select o.id, i.sku from `p.d.orders` as o, o.items as i",
        "select o.id from `p.d.orders` o, unnest(o.items) with offset as n",
        "select o.id from orders o left join unnest(o.items) as i on i.a = 1",
    ],
)
def test_arrays_in_from_are_no_cartesian_joins(sql: str) -> None:
    assert found(sql, "bigquery") == []


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("select * from t", ["*"]),
        ("select t.*, 1 as x from t", ["t.*"]),
        ("with c as (select * from t) select * from c", ["*"]),
        ("select x from t union all select * from u", ["*"]),
        ("select * from (select * from t) as s", ["*"]),
        ("with c as (select 1 as x) select * from c, t", ["*"]),
        ("with recursive c as (select * from t union all select * from c) select * from c", ["*"]),
        ("from t", ["t"]),
        ("select x from t", []),
        ("select count(*) as n from t", []),
        ("with c as (select x from t) select * from c", []),
        ("with c as (select * from t), d as (select x from c) select * from d", []),
        ("with recursive c as (select 1 as x union all select x from c) select * from c", []),
        ("select s.* from (select x from t) as s inner join t on t.x = s.x", []),
        ("select * from unnest([1, 2]) as u(x)", []),
        ("select x from (select * from t) as s", []),
        ("select * from t pivot (sum(x) for y in ('a', 'b'))", []),
    ],
)
def test_stars_of_the_result(sql: str, wanted: list[str]) -> None:
    query = parse(sql, "duckdb")
    stars = [f for f in structure(syntax(sql, "duckdb"), query) if f.code == "S303"]
    assert [sql[f.start : f.end] for f in stars] == wanted


def test_each_finding_is_told_once() -> None:
    sql = "select * from a, b where a.x = null union all select * from a, b where a.x = null"
    query = parse(sql, "duckdb")
    got = structure(syntax(sql, "duckdb"), query)
    assert len(got) == len(set(got))
    assert [f.start for f in got] == sorted(f.start for f in got)
