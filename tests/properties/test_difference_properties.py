"""What is called unchanged is unchanged: two versions of a query, taken apart, compared, and both run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.sql.difference import difference
from orchestrator.sql.parts import parts

EXPRESSIONS = ("a", "b", "a + 1", "-b", "a * b", "1", "case when a > 1 then b else 0 end")
CLAUSES = ("", "where a > 1", "where b > 1", "where a > 1 -- the same")
ENDS = (
    "select x, y from d",
    "select * from d",
    "select x, y from d where y > 0",
    "select distinct x, y from d",
    "select x, sum(y) as y from d group by x",
    "select x, sum(y) as y from d group by 1",
    "select max(x) as x, min(y) as y from d",
    "select x, y from d union all select y, x from c",
    "select x, y from c union select x, y from d",
    "select c.x, d.y from c join d on c.x = d.x",
    "select x, row_number() over (order by y, x) as y from d",
    "select x, y from (select x, y + 1 as y from d) as e order by 1, 2 limit 2",
    "select x, (select max(y) from c) as y from d",
    "select x, y from d where x in (select y from c)",
    "select x, y from c except select x, y from d",
    "select * exclude (y), y from d",
    "select * replace (x + y as y) from d",
    "select * rename (x as y, y as x) from d",
    "select columns('[xy]') + 1 from d",
    "select d.*, c.x + 1 as z from d join c on true",
    "select x, y from d group by all having count(*) > 0",
    "select distinct on (x) x, y from d order by x, y",
)

Version = tuple[str, str, str, str, str]
slots = st.tuples(
    st.sampled_from(EXPRESSIONS),
    st.sampled_from(EXPRESSIONS),
    st.sampled_from(CLAUSES),
    st.sampled_from(("y", "x", "y * 2", "x + y")),
    st.sampled_from(ENDS),
)


def query(version: Version) -> str:
    first, second, clause, again, end = version
    return f"with c as (select {first} as x, {second} as y from t {clause}\n), d as (select x, {again} as y from c) {end}"


@pytest.fixture(scope="module")
def table() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("create table t as select * from (values (0, 3), (1, 1), (2, 2), (2, 5), (3, 0), (3, 3)) as v(a, b)")
    yield connection
    connection.close()


@given(before=slots, changes=st.lists(st.tuples(st.integers(0, 4), slots), max_size=2))
@settings(max_examples=150, deadline=None)
def test_columns_and_rows_that_are_called_unchanged_are(
    table: duckdb.DuckDBPyConnection, before: Version, changes: list[tuple[int, Version]]
) -> None:
    after = before
    for slot, other in changes:
        after = (*after[:slot], other[slot], *after[slot + 1 :])  # type: ignore[assignment]
    texts = query(before), query(after)
    taken = [parts(text, "duckdb") for text in texts]
    assert taken[0] is not None
    assert taken[1] is not None
    found = difference(taken[0], taken[1], ("x", "y"))
    if found.rows:
        return
    same = [name for name in ("x", "y") if name not in found.columns]
    results = [Counter(table.execute(f"select {', '.join((*same, '1'))} from ({text})").fetchall()) for text in texts]
    assert results[0] == results[1], texts
