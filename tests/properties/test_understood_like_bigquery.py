"""Google's analyzer is asked what BigQuery makes of a query: types and names that are stated are its own, and what it refuses is found."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from orchestrator.core.meaning import Meaning, Shape
from orchestrator.sql.googlesql import Analysis, Analyzer, NoAnalyzer, analyzer
from orchestrator.sql.parse import parse
from orchestrator.sql.understand.understand import understand

TABLES = {
    "t": (
        *(("a", "INT64"), ("c", "NUMERIC"), ("bn", "BIGNUMERIC"), ("d", "FLOAT64"), ("s", "STRING"), ("dt", "DATE"), ("ts", "TIMESTAMP")),
        *(("dtm", "DATETIME"), ("tm", "TIME"), ("bo", "BOOL"), ("j", "JSON"), ("l", "ARRAY<INT64>"), ("iv", "INTERVAL")),
        *(("st", "STRUCT<f INT64, g STRING>"), ("items", "ARRAY<STRUCT<sku STRING, n INT64>>")),
    ),
    "o": (("a", "INT64"), ("z", "STRING")),
}

EXPRESSIONS = """
a+1 ; a+c ; c+c ; a*c ; c*d ; c*1.5 ; c+1 ; a*1.5 ; d*2 ; a/2 ; c/2 ; c/d ; bn*c ; bn+d ; -a ; -c ; abs(c) ; mod(a,2) ; div(a,2)
sum(a) ; sum(c) ; sum(d) ; sum(bn) ; avg(a) ; avg(c) ; avg(d) ; count(*) ; count(distinct a) ; countif(bo) ; min(s) ; max(dt) ; 1 ; 1.5
1e3 ; 'a' ; true ; a=1 ; s||'x' ; l||l ; concat(s,'x') ; coalesce(a,1) ; coalesce(a,1.5) ; coalesce(a,d) ; coalesce(c,1)
coalesce(c,1.5) ; coalesce(a,c) ; coalesce(s,null) ; coalesce(dt,'2024-01-01') ; ifnull(a,0) ; case when bo then a else 1.5 end
case when bo then c else 0 end ; case when bo then 'a' end ; case when bo then s else 'x' end ; if(bo,a,0) ; if(bo,c,0) ; if(bo,s,null)
cast(a as string) ; cast(s as int64) ; safe_cast(s as numeric) ; cast(s as date) ; cast(a as float64) ; date '2024-01-01' ; dt+1 ; 1+dt
dt-dt ; dt-1 ; ts-ts ; dt+interval 1 day ; date_add(dt, interval 1 day) ; date_sub(dt, interval 1 month)
timestamp_add(ts, interval 1 hour) ; datetime_add(dtm, interval 1 day) ; date_diff(dt,dt,day) ; timestamp_diff(ts,ts,second)
datetime_diff(dtm,dtm,day) ; date_trunc(dt, month) ; timestamp_trunc(ts, day) ; datetime_trunc(dtm, day) ; extract(year from dt)
extract(date from ts) ; extract(time from ts) ; extract(dayofweek from dt) ; round(a) ; round(c) ; round(c,1) ; round(d,2) ; floor(a)
floor(c) ; ceil(d) ; trunc(d) ; length(s) ; lower(s) ; trim(s) ; substr(s,1,2) ; replace(s,'a','b') ; left(s,1) ; right(s,1)
lpad(s,3,'0') ; reverse(s) ; repeat(s,2) ; split(s,',') ; regexp_contains(s,'a') ; regexp_extract(s,'a') ; regexp_replace(s,'a','b')
starts_with(s,'a') ; ends_with(s,'a') ; strpos(s,'a') ; instr(s,'a') ; format_date('%Y',dt) ; format_timestamp('%Y',ts)
parse_date('%Y',s) ; parse_timestamp('%Y',s) ; date(ts) ; date(dtm) ; datetime(ts) ; timestamp(dt) ; timestamp(s) ; time(ts)
current_date() ; current_date ; current_timestamp() ; current_datetime() ; row_number() over () ; rank() over (order by a)
ntile(4) over (order by a) ; percent_rank() over (order by a) ; lag(a) over (order by a) ; lag(s,1,'x') over (order by a)
first_value(c) over (order by a) ; sum(a) over () ; array_agg(a) ; array_agg(s ignore nulls) ; array_agg(distinct a limit 1)
string_agg(s,',') ; any_value(c) ; logical_or(bo) ; bit_and(a) ; stddev(a) ; stddev(d) ; stddev(c) ; variance(a) ; corr(a,d)
covar_pop(a,d) ; approx_count_distinct(a) ; approx_quantiles(a,2) ; greatest(a,1) ; greatest(a,1.5) ; greatest(c,1) ; least(s,'x')
nullif(a,0) ; nullif(c,0) ; nullif(s,'') ; a in (1,2) ; exists(select 1) ; (select max(a) from o) ; array(select z from o) ; [1,2]
[a,1] ; [1,1.5] ; array_length(l) ; l[offset(0)] ; l[safe_offset(0)] ; st.f ; st.g ; struct(a as x, s as y) ; struct(a,s)
(select as struct 1 as a) ; json_value(j,'$.a') ; json_query(j,'$.a') ; json_extract_scalar(s,'$.a') ; j.a ; to_json_string(a)
safe_divide(a,2) ; safe_divide(c,2) ; sqrt(a) ; ln(d) ; exp(a) ; pow(a,2) ; power(c,2) ; log10(a) ; sign(a) ; generate_uuid()
farm_fingerprint(s) ; md5(s) ; sha256(s) ; rand() ; session_user() ; a is null ; s like 'x' ; not bo ; bo and a=1 ; a between 1 and 2
a&1 ; a<<1 ; ~a ; unix_seconds(ts) ; unix_date(dt) ; timestamp_seconds(a) ; last_day(dt) ; date(2020,1,1) ; sum(a)/count(*)
sum(c)/sum(a) ; 100*a/c ; round(avg(a),2) ; sum(if(bo,1,0)) ; coalesce(sum(a),0) ; coalesce(sum(c),0) ; coalesce(sum(d),0) ; 1/3
a=1 or bo ; a is distinct from 1 ; generate_array(1,3) ; array_concat(l,l) ; cast(s as bytes) ; string(ts) ; int64(j) ; ascii(s)
chr(65) ; initcap(s) ; normalize(s) ; greatest(dt,dt) ; max(dtm) ; dt = '2024-01-01' ; extract(isoweek from dt) ; date_trunc(ts, day)
percentile_cont(d,0.5) over () ; net.host(s) ; if(bo,1,1.5) ; if(bo,dt,null) ; countif(bo)/count(*) ; sum(1.5) ; avg(c*1) ; a*a
numeric '1.5' ; c*numeric '2' ; timestamp '2024-01-01' ; datetime '2024-01-01 00:00:00' ; time '10:00:00' ; interval 1 day
"""
"""Expressions over `t`, between semicolons."""

QUERIES = """
select * from t join o using (a)
select * from o join t using (a)
select * except (l, st, items) from t
select t.* replace (a + 1 as a) from t
select a, i.sku, n from t, t.items as i
select a, x from t, unnest(l) as x with offset p
select p + 1 as q, x from t, unnest(l) x with offset p
select * from (select s, a from t) pivot (sum(a) as q, count(*) as n for s in ('x', 'y' as yy))
select * from (select s, a from t) pivot (sum(a) for s in ('x', 'y' as yy))
select * from (select z, a, a + 1 as b from o) unpivot (v for k in (a, b))
select z, (select sum(i.n) from t, t.items i where t.a = o.a) as m from o
select t.a, (select max(n) from unnest(t.items)) as m, array(select sku from t.items) as k from t
select T.A as Q from t as T
with x as (select a, row_number() over (partition by s order by dt) as r from t) select * from x qualify row_number() over (order by r) = 1
select s, sum(a) as total from t group by s having total > 1 order by total
select a as x, s from t union distinct select 1, null
select a as x from t union all select 1.5
select 1 as x union all select c from t
with recursive r as (select 1 as n union all select n + 1 from r where n < 5) select * from r
select o.z, t.a from o left join t on o.a = t.a cross join unnest([1, 2]) as k
select v.q from (select struct(a, s as q) as v from t)
select i from t, t.items i
select * from unnest([struct(1 as a, 'x' as b)])
select x.a from unnest([struct(1 as a)]) x
select sku, count(*) as n from t left join unnest(items) group by sku
"""

REFUSED = """
select aa from t
select t.nothing from t
select x.a from t
select a from t join o on true
select a, s from t union all select a from t
select * except (nope) from t
select * from t join o using (s)
select a from t where s = a
select a from t where dt = 1
select s + 1 from t
select sum(s) from t
select sum(bo) from t
select a from t union all select s from t
select a + 1 as b, b + 1 as c from t
select a as b from t where b > 1
"""


@pytest.fixture(scope="module")
def google() -> Analyzer:
    found = analyzer(os.environ)
    if isinstance(found, NoAnalyzer):
        pytest.skip(found.reason)
    return found


def sentences(text: str, separator: str = "\n") -> list[str]:
    return [sentence.strip() for sentence in text.strip().replace("\n", separator).split(separator)]


def asked(google: Analyzer, sql: str) -> Analysis:
    found = google.analyze(sql, TABLES)
    assert found is not None
    return found


def ours(sql: str) -> Meaning:
    shapes: Mapping[str, tuple[str, Shape]] = {name: (name, Shape(columns, complete=True)) for name, columns in TABLES.items()}
    return understand(parse(sql, "bigquery", "`"), shapes, "bigquery", strict=True)


@pytest.mark.parametrize("sql", [*(f"select {e} as x from t" for e in sentences(EXPRESSIONS, ";")), *sentences(QUERIES)])
def test_names_and_types_are_those_of_the_engine(google: Analyzer, sql: str) -> None:
    really = asked(google, sql)
    assert really.mistake is None
    found = ours(sql)
    assert [f for f in found.findings if f.code < "S3"] == []
    assert found.complete
    assert [c.name for c in found.columns] == [name for name, _ in really.columns]
    assert [(c.name, c.type) for c in found.columns] == [
        (n, t if c.type else None) for c, (n, t) in zip(found.columns, really.columns, strict=True)
    ]


@pytest.mark.parametrize("sql", sentences(REFUSED))
def test_what_the_engine_refuses_is_found(google: Analyzer, sql: str) -> None:
    assert asked(google, sql).mistake is not None
    assert [f for f in ours(sql).findings if f.code < "S3"]


def test_most_types_are_stated() -> None:
    expressions = sentences(EXPRESSIONS, ";")
    stated = [e for e in expressions if ours(f"select {e} as x from t").columns[0].type]
    assert len(stated) > 0.75 * len(expressions)
