"""SELECT: values are GoogleSQL's own. Each expected value here was worked out by hand from the language's documentation."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

SAMPLE = """
create table d.t as
select * from unnest([
  struct(1 as id, 'ann' as name, date '2024-01-01' as day, 1.5 as pay, ['a', 'b'] as tags, struct(1 as a, 'x' as b) as s),
  (2, 'bob', date '2024-01-01', 2.5, ['c'], (2, 'y')),
  (3, null, date '2024-01-02', 4.0, [], null)
])
"""

CONSTRUCTS: dict[str, list[tuple[Any, ...]]] = {
    # windows
    "select id from d.t qualify row_number() over (partition by day order by id desc) = 1 order by id": [(2,), (3,)],
    "select id, rank() over (order by day) as r from d.t qualify r = 1 order by id": [(1, 1), (2, 1)],
    "select id, last_value(name ignore nulls) over w as v from d.t window w as (order by id) order by id": [
        (1, "ann"),
        (2, "bob"),
        (3, "bob"),
    ],
    "select distinct percentile_cont(pay, 0.5) over () as p from d.t": [(2.5,)],
    "select id, sum(pay) over (order by id rows between 1 preceding and current row) as p from d.t order by id": [
        (1, 1.5),
        (2, 4.0),
        (3, 6.5),
    ],
    # numbers
    "select 1 / 2 as a, div(7, 2) as b, mod(-7, 2) as c, cast(2.5 as int64) as d, cast(-2.5 as int64) as e": [(0.5, 3, -1, 3, -3)],
    "select safe_divide(1, 0) as a, safe.log(-1) as b, safe_cast('x' as int64) as c, ieee_divide(1, 0) as d": [
        (None, None, None, float("inf"))
    ],
    "select numeric '0.1' + numeric '0.2' as n, cast(1 as bignumeric) / 3 as b": [(Decimal("0.3"), Decimal("0." + "3" * 38))],
    "select round(2.5) as a, round(numeric '-2.5') as b, trunc(-1.7) as c, ceil(1.2) as d": [(3.0, Decimal(-3), -1.0, 2.0)],
    "select 9223372036854775807 as big, -9223372036854775808 as small, 0x1F as hex": [(2**63 - 1, -(2**63), 31)],
    "select greatest(1, 2) as a, least(3, null) as b, ifnull(null, 1) as c, nullif(1, 1) as d, if(1 > 0, 'a', 'b') as e": [
        (2, None, 1, None, "a")
    ],
    "select 7 & 3 as a, 1 << 4 as b, bit_count(255) as c": [(3, 16, 8)],
    # text
    "select 'it\\'s' as a, r'a\\d' as b, '''q'q''' as c, \"dq\" as d": [("it's", "a\\d", "q'q", "dq")],
    "select regexp_extract('ab12', '[0-9]+') as a, regexp_replace('ab12', r'([a-z])', r'<\\1>') as b, regexp_contains('abc', 'b') as c": [
        ("12", "<a><b>12", True)
    ],
    "select split('a,b', ',')[safe_offset(1)] as a, initcap('ab cd') as b, starts_with('abc', 'ab') as c, lpad('7', 3, '0') as d": [
        ("b", "Ab Cd", True, "007")
    ],
    "select format('%05d-%s-%.2f', 42, 'x', 1.5) as a, format('%t', date '2024-01-02') as b": [("00042-x-1.50", "2024-01-02")],
    "select to_hex(md5('abc')) as a, to_hex(sha256('')) as b": [
        ("900150983cd24fb0d6963f7d28e17f72", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    ],
    "select char_length('ä') as a, byte_length('ä') as b, reverse('abc') as c, upper('ä') as d, 'a' < 'B' as e": [
        (1, 2, "cba", "Ä", False)
    ],
    "select string_agg(distinct name, '|' order by name) as s from d.t": [("ann|bob",)],
    "select 'abc' like 'a%' as a, 'a%c' like r'a\\%c' as b, strpos('abc', 'c') as c, substr('abc', -2) as d": [(True, True, 3, "bc")],
    # time
    "select date_trunc(date '2024-01-10', week(monday)) as a, date_trunc(date '2024-01-10', week) as b, date_trunc(date '2024-01-10', isoweek) as c": [
        (date(2024, 1, 8), date(2024, 1, 7), date(2024, 1, 8))
    ],
    "select date_diff(date '2024-01-07', date '2024-01-06', week) as a, date_diff(date '2024-03-01', date '2024-01-31', month) as b": [
        (1, 2)
    ],
    "select timestamp_diff(timestamp '2024-01-02 01:00:00+00', timestamp '2024-01-01 02:30:00+00', hour) as h": [(22,)],
    "select timestamp_trunc(timestamp '2024-01-01 03:00:00+00', day, 'America/New_York') as t, date(timestamp '2024-01-01 03:00:00+00', 'America/New_York') as d": [
        (datetime(2023, 12, 31, 5, tzinfo=UTC), date(2023, 12, 31))
    ],
    "select format_date('%Y%m%d', date '2024-01-02') as a, parse_date('%d/%m/%Y', '03/02/2024') as b, format_timestamp('%H:%M', timestamp '2024-01-02 03:04:05+00') as c": [
        ("20240102", date(2024, 2, 3), "03:04")
    ],
    "select extract(dayofweek from date '2024-01-07') as a, extract(isoweek from date '2024-01-07') as b, last_day(date '2024-02-03') as c": [
        (1, 1, date(2024, 2, 29))
    ],
    "select unix_seconds(timestamp '1970-01-01 00:01:00+00') as a, timestamp_millis(1) as b, date_add(date '2024-01-31', interval 1 month) as c": [
        (60, datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC), date(2024, 2, 29))
    ],
    "select time '01:02:03.5' as t, datetime '2024-01-02 03:04:05.678' as dt, timestamp '1960-01-01 00:00:00.5+00' as ts": [
        (time(1, 2, 3, 500_000), datetime.fromisoformat("2024-01-02T03:04:05.678"), datetime(1960, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC))
    ],
    "select array_length(generate_timestamp_array('2024-01-01', '2024-01-02', interval 6 hour)) as n": [(5,)],
    # arrays and structs
    "select t.id, tag, o from d.t as t, unnest(tags) as tag with offset as o order by 1, 3": [(1, "a", 0), (1, "b", 1), (2, "c", 0)],
    "select t.id, tag from d.t as t left join t.tags as tag order by 1, 2": [(1, "a"), (1, "b"), (2, "c"), (3, None)],
    "select id from d.t where 'c' in unnest(tags)": [(2,)],
    "select array_agg(name ignore nulls order by id desc limit 2) as a from d.t": [(["bob", "ann"],)],
    "select array_agg(struct(id, name) order by id desc limit 1)[offset(0)].id as n from d.t": [(3,)],
    "select array(select x * 2 from unnest([1, 2, 3]) as x where x > 1 order by x) as a, [1, 2][ordinal(1)] as b": [([4, 6], 1)],
    "select s.a, s.b from d.t where s is not null order by 1": [(1, "x"), (2, "y")],
    "select struct(1 as x, 'y' as y).y as v, (select as struct 1 as q) as q": [("y", {"q": 1})],
    "select a, b from unnest([struct(1 as a, 'p' as b), (2, 'q')]) order by 1": [(1, "p"), (2, "q")],
    "select array_concat([1], [2, 3]) as a, array_reverse([1, 2]) as b, array_to_string(['a', null, 'b'], '-') as c": [
        ([1, 2, 3], [2, 1], "a-b")
    ],
    # shapes of queries
    "select * except (tags, s, day) replace (pay * 2 as pay) from d.t order by id limit 1": [(1, "ann", 3.0)],
    "select * from (select day, name, id from d.t) pivot (sum(id) for name in ('ann', 'bob')) order by day": [
        (date(2024, 1, 1), 1, 2),
        (date(2024, 1, 2), None, None),
    ],
    "select * from (select 1 as k, 10 as q1, 20 as q2) unpivot (v for q in (q1, q2)) order by v": [(1, 10, "q1"), (1, 20, "q2")],
    "select day, count(*) as n from d.t group by rollup (day) order by day nulls first": [
        (None, 3),
        (date(2024, 1, 1), 2),
        (date(2024, 1, 2), 1),
    ],
    "select day, count(*) as n from d.t group by all order by day": [(date(2024, 1, 1), 2), (date(2024, 1, 2), 1)],
    "select name, max(pay) as m from d.t group by 1 having m > 2 order by 2": [("bob", 2.5), (None, 4.0)],
    "with recursive r as (select 1 as n union all select n + 1 from r where n < 4) select sum(n) as s from r": [(10,)],
    "with t as (select 1 as x) select x from t": [(1,)],
    "from d.t |> where id > 1 |> aggregate count(*) as c group by day |> order by day": [(date(2024, 1, 1), 1), (date(2024, 1, 2), 1)],
    "select x from unnest([1, null, 2]) as x order by x": [(None,), (1,), (2,)],
    "select x from unnest([1, null, 2]) as x order by x desc nulls first": [(None,), (2,), (1,)],
    "select countif(id > 1) as a, logical_or(id > 2) as b, any_value(name having min id) as c from d.t": [(2, True, "ann")],
    "select (select count(*) from `p.d.t`) as a, (select count(*) from `p`.`d`.`t`) as b, (select count(*) from p.d.t) as c, (select count(*) from `p`.d.t) as e": [
        (3, 3, 3, 3)
    ],
    "select t.id from d.t join d.t as u using (id) where exists (select 1 from d.t as v where v.id = u.id + 1) order by 1": [(1,), (2,)],
    "(select 1 as x union distinct select 1) except distinct select 2": [(1,)],
    "select 1, 2 as x, 3": [(1, 2, 3)],
    # JSON
    'select json_value(\'{"a": {"b": 1}}\', \'$.a.b\') as a, json_query(\'{"a": {"b": 1}}\', \'$.a\') as b, string(json \'{"x": "y"}\'.x) as c': [
        ("1", '{"b":1}', "y")
    ],
    "select array_length(json_extract_array('[1, 2]')) as n, to_json_string(struct(1 as a)) as s, int64(parse_json('{\"k\": 3}').k) as k": [
        (2, '{"a":1}', 3)
    ],
}
"""Queries and their rows."""

REFUSED = {
    "select 1 / 0": "division by zero: 1 / 0",
    "select nope from d.t": "Unrecognized name: nope; Did you mean name? at [1:8]",
    "select nam from d.t": "Unrecognized name: nam; Did you mean name? at [1:8]",
    "select\n  id,\n\tnope from `p`.d.t": "Unrecognized name: nope; Did you mean name? at [3:9]",
    "select id from d.t where nope = 1": "Unrecognized name: nope; Did you mean name? at [1:26]",
    "select 1 as x; select id from d.t where nope": "Query error: Unrecognized name: nope; Did you mean name? at [1:41]",
    "selec 1": 'Syntax error: Unexpected identifier "selec" at [1:1]',
    "select 1 union distinct select 1 except distinct select 2": "Syntax error",
    "select id, count(*) from d.t": "SELECT list expression references column id which is neither grouped nor aggregated at [1:8]",
    "select true + 1": "No matching signature for operator +",
    "select no_such(1)": "Function not found: no_such",
    "select * from d.missing": "Not found: Table p:d.missing was not found in location US",
    "select * from nodata.t": "Not found: Dataset p:nodata was not found in location US",
    "select * from t": 'Table "t" must be qualified with a dataset (e.g. dataset.table).',
    "select id, id from d.t": "Duplicate column names in the result are not supported. Found duplicate(s): id",
    "select cast('x' as int64)": "Bad int64 value: x",
}
"""Queries that BigQuery refuses, and how its answer begins."""

UNKNOWN = [
    "select approx_quantiles(id, 2) from d.t",
    "select * from d.t for system_time as of timestamp_sub(current_timestamp(), interval 1 hour)",
    "select * from d.INFORMATION_SCHEMA.ROUTINES",
    "create temp function f(x int64) as (x * 2); select f(3)",
    "select st_geogpoint(1, 2)",
]
"""Queries that BigQuery answers and this server does not: it must say so."""


@pytest.fixture
def sample(cloud: Any) -> Any:
    cloud.run(SAMPLE)
    return cloud


def test_constructs(sample: Any) -> None:
    wrong = {}
    for sql, expected in CONSTRUCTS.items():
        found = sample.rows(sql)
        if found != expected:
            wrong[sql] = found
    assert wrong == {}


def test_refusals(sample: Any) -> None:
    found = {sql: sample.refused(sql) for sql in REFUSED}
    assert {sql: message for sql, message in found.items() if not message.startswith(REFUSED[sql])} == {}


@pytest.mark.parametrize("sql", UNKNOWN)
def test_nothing_is_approximated(sample: Any, sql: str) -> None:
    assert sample.refused(sql).startswith("The BigQuery fake does not do this:")


def test_numbers_of_different_values_are_counted_where_bigquery_estimates_them(sample: Any) -> None:
    exact = sample.rows("select count(distinct id) from d.t")
    assert sample.rows("select approx_count_distinct(id) from d.t") == exact


def test_columns_without_a_name_get_bigquery_s(sample: Any) -> None:
    job = sample.run("select 1, id, 2 from d.t")
    assert [f.name for f in job.result().schema] == ["f0_", "id", "f1_"]


def test_a_default_dataset(sample: Any) -> None:
    assert sample.rows("select count(*) from t", default_dataset="p.d") == [(3,)]


def test_names_with_dashes_and_odd_characters(sample: Any) -> None:
    sample.run("create table `d.odd name-1` as select 1 as `select`, 2 as `é`")
    assert sample.rows("select `select`, `é` from p.`d`.`odd name-1`") == [(1, 2)]


def test_wildcards(sample: Any) -> None:
    sample.run("create table d.e_1 as select 1 as x; create table d.e_2 as select 2 as x")
    assert sample.rows("select _table_suffix as s, x from `p.d.e_*` where _table_suffix > '1'") == [("2", 2)]


def test_information_schema(sample: Any) -> None:
    sample.run("create view d.v as select 1 as x; alter table d.t set options(description='a \"b\"', labels=[('k', 'v')])")
    assert sample.rows("select table_name, table_type from d.INFORMATION_SCHEMA.TABLES order by 1") == [("t", "BASE TABLE"), ("v", "VIEW")]
    columns = sample.rows(
        "select column_name, ordinal_position, data_type, is_nullable from `p.d`.INFORMATION_SCHEMA.COLUMNS where table_name = 't' order by 2"
    )
    assert columns[3:] == [("pay", 4, "FLOAT64", "YES"), ("tags", 5, "ARRAY<STRING>", "YES"), ("s", 6, "STRUCT<a INT64, b STRING>", "YES")]
    options = sample.rows("select option_name, option_value from d.INFORMATION_SCHEMA.TABLE_OPTIONS order by 1")
    assert options == [("description", json.dumps('a "b"')), ("labels", '[STRUCT("k", "v")]')]
    assert sample.rows("select schema_name, location from INFORMATION_SCHEMA.SCHEMATA") == [("d", "US")]
    assert sample.rows("select view_definition from d.INFORMATION_SCHEMA.VIEWS") == [("select 1 as x",)]
    assert sample.rows("select table_name from `p`.`region-us`.INFORMATION_SCHEMA.TABLES order by 1") == [("t",), ("v",)]


def test_ten_thousand_rows_are_usable(cloud: Any) -> None:
    import time as clock

    cloud.run("create table d.t as select x as id, mod(x, 10) as k, cast(x as string) as s from unnest(generate_array(1, 10000)) as x")
    began = clock.monotonic()
    assert cloud.rows("select k, count(*) as n, sum(id) as t from d.t group by k order by k limit 1") == [(0, 1000, 5_005_000)]
    assert cloud.rows("select count(*) from d.t as a join d.t as b on a.id = b.id") == [(10_000,)]
    assert clock.monotonic() - began < 10


def test_arrays_are_never_null_and_have_no_null_in_them(cloud: Any) -> None:
    words = "Array cannot have a null element; error in writing field c"
    assert words in cloud.refused("select [1, null] as c")
    assert words in cloud.refused("select [struct(1 as a, ['x', null] as c)] as outside")
    assert words in cloud.refused("create table d.t as select [1, null] as c")
    assert cloud.rows("select array_length([1, null]) as n, cast(null as array<int64>) as c") == [(2, [])]
    cloud.run("create table d.t as select cast(null as array<int64>) as c")
    assert cloud.rows("select c is null from d.t") == [(False,)]
