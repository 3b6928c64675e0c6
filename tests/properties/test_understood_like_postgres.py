"""Postgres is asked what it makes of an expression: types and names that are stated are its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from orchestrator.core.meaning import Output, Shape
from orchestrator.sql.parse import parse
from orchestrator.sql.understand.understand import understand

TABLE = """
create temp table t (a integer, b bigint, c numeric(10,2), d double precision, s text, v varchar(20), ch char(3), dt date, ts timestamp,
  tz timestamptz, bo boolean, si smallint, f real, u uuid, iv interval, tm time, j json, jb jsonb, bl bytea, l integer[], nn numeric)
"""

EXPRESSIONS = """
a+1 ; a+b ; a+c ; c+c ; c*c ; a*c ; c/2 ; a/2 ; a%2 ; c%a ; d+c ; a+d ; f+d ; f+a ; f+c ; f+f ; si+si ; si+1 ; si*1.5 ; a*1.5 ; -a ; -c
-si ; -f ; abs(c) ; abs(si) ; sum(a) ; sum(b) ; sum(c) ; sum(d) ; sum(si) ; sum(f) ; sum(iv) ; avg(a) ; avg(c) ; avg(d) ; avg(f)
avg(iv) ; count(*) ; count(distinct a) ; min(s) ; min(v) ; min(ch) ; max(c) ; max(dt) ; 1 ; 1.5 ; 1e3 ; 10000000000
99999999999999999999 ; 'a' ; true ; a=b ; s||'x' ; v||'x' ; l||l ; a||s ; coalesce(a,b) ; coalesce(a,1.5) ; coalesce(v,null)
coalesce(v,'x') ; coalesce(c,0) ; coalesce(c,c) ; coalesce(c,null) ; coalesce(v,s) ; case when bo then a else b end
case when bo then c end ; case when bo then c else 0 end ; case when bo then 'a' end ; case when bo then v else 'x' end
case when bo then v end ; cast(a as text) ; a::decimal ; a::numeric(5,1) ; a::varchar(10) ; a::char(2) ; a::float ; a::float4 ; a::real
s::timestamp ; s::timestamptz ; s::timestamp(3) ; date '2024-01-01' ; dt+1 ; 1+dt ; dt-dt ; dt-1 ; ts-ts ; tz-tz ; dt+iv ; ts+iv ; tz-iv
iv+iv ; iv*2 ; ts-dt ; dt + interval '1 day' ; date_trunc('day',dt) ; date_trunc('day',ts) ; date_trunc('day',tz) ; date_trunc('day',iv)
extract(year from dt) ; date_part('year',dt) ; round(c) ; round(c,1) ; round(d) ; round(a) ; round(a,1) ; floor(c) ; floor(d) ; floor(a)
ceil(c) ; length(s) ; lower(s) ; lower(v) ; upper(ch) ; trim(v) ; row_number() over () ; rank() over (order by a) ; ntile(4) over ()
percent_rank() over (order by a) ; lag(a) over (order by a) ; lag(v) over (order by a) ; lag(c) over () ; lag(c,1,0) over ()
first_value(c) over () ; first_value(v) over() ; sum(a) over () ; array_agg(a) ; array_agg(v) ; array_agg(c) ; string_agg(s,',') ; now()
current_date ; current_timestamp ; localtimestamp ; greatest(a,b) ; least(a,1.5) ; greatest(v,'x') ; nullif(a,0) ; nullif(c,0)
nullif(v,'') ; nullif(s,'') ; nullif(d,0) ; a in (1,2) ; exists(select 1) ; substring(s,1,2) ; substring(s from 1 for 2)
to_char(dt,'YYYY') ; left(v,1) ; right(s,1) ; replace(s,'a','b') ; split_part(s,',',1) ; concat(a,s) ; concat(a,b) ; md5(s)
regexp_replace(s,'a','b') ; to_date(s,'x') ; to_timestamp(s,'x') ; to_timestamp(d) ; age(ts) ; power(a,2) ; power(c,2) ; power(d,2)
sqrt(a) ; sqrt(c) ; ln(c) ; ln(d) ; exp(a) ; a^2 ; c^2 ; random() ; gen_random_uuid() ; bool_or(bo) ; a is null ; s like 'x' ; s ~ 'x'
stddev(a) ; stddev(c) ; stddev(d) ; variance(a) ; corr(d,d) ; percentile_cont(0.5) within group (order by d) ; sum(a)/count(*)
sum(c)*1.0 ; 1.0*a ; 100*c/a ; 1/3 ; a=1 and bo ; not bo ; sum(case when bo then 1 else 0 end) ; count(*)+1 ; count(*)*1.0/2 ; jb->'a'
jb->>'a' ; j->'a' ; j->>'a' ; jb #> '{a}' ; array[1,2] ; array[a,b] ; l[1] ; (select a from t) ; (select max(c) from t) ; unnest(l)
generate_series(1,2) ; a::text||v ; ch||'x' ; position('a' in s) ; initcap(s) ; lpad(s,3,'0') ; reverse(s) ; repeat(s,2) ; chr(65)
ascii(s) ; ts::date ; tz at time zone 'utc' ; ts at time zone 'utc' ; make_date(1,2,3) ; mod(a,2) ; mod(c,2) ; a&1 ; a<<1 ; ~a
bit_and(a) ; every(bo) ; coalesce(sum(a),0) ; coalesce(sum(c),0) ; coalesce(count(*),0) ; round(avg(a),2) ; round(100.0*a/b,1) ; max(v)
max(s)||'x' ; a between 1 and 2 ; extract(epoch from ts) ; tm + iv ; ts::time ; least(dt,ts) ; coalesce(dt,ts) ; coalesce(ts,tz)
coalesce(dt,'2024-01-01') ; coalesce(f,d) ; coalesce(f,a) ; coalesce(f,1.5) ; coalesce(a,f) ; coalesce(d,c) ; greatest(c,nn)
coalesce(c,nn) ; case when bo then 1 else 2.5 end ; a*interval '1 day' ; trunc(c) ; trunc(d) ; sign(a) ; sign(c) ; translate(s,'a','b')
starts_with(s,'a') ; mode() within group (order by a) ; jsonb_agg(a) ; jsonb_build_object('a',1) ; cardinality(l) ; array_length(l,1)
width_bucket(a,1,2,3) ; date_bin('1 day',ts,ts) ; a is distinct from b ; char_length(s) ; octet_length(s)
overlay(s placing 'x' from 1) ; cbrt(d) ; pi() ; degrees(d) ; log(c) ; log(d) ; any_value(c)
"""
"""Expressions over `t`, between semicolons."""


def sentences() -> list[str]:
    return [sentence.strip() for sentence in EXPRESSIONS.strip().replace("\n", ";").split(";")]


@pytest.fixture(scope="module")
def engine(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(TABLE.encode())
        yield connection


@pytest.fixture(scope="module")
def shape(engine: psycopg.Connection[Any]) -> Shape:
    rows = engine.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = 't'::regclass and attnum > 0 order by attnum"
    )
    return Shape(tuple((str(name), str(type_)) for name, type_ in rows), complete=True)


def described(engine: psycopg.Connection[Any], sql: str) -> tuple[str, str]:
    """The only column's name and type, as a table made of the query would have it."""
    engine.execute(f"create temp view described as {sql}".encode())
    row = engine.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'described'::regclass and attnum = 1"
    ).fetchone()
    engine.execute("drop view described")
    assert row is not None
    return str(row[0]), str(row[1])


def ours(sql: str, shape: Shape) -> Output | None:
    found = understand(parse(sql, "postgres"), {"t": ("t", shape)}, "postgres", strict=True)
    assert [f for f in found.findings if f.code < "S3"] == []
    return found.columns[0] if found.columns else None


@pytest.mark.parametrize("expression", sentences())
def test_types_and_names_are_those_of_the_engine(engine: psycopg.Connection[Any], shape: Shape, expression: str) -> None:
    sql = f"select {expression} from t"
    name, type_ = described(engine, sql)
    column = ours(sql, shape)
    assert column is None or (column.name, column.type) == (name, column.type and type_)


def test_most_types_are_stated(shape: Shape) -> None:
    stated = [e for e in sentences() if (column := ours(f"select {e} as x from t", shape)) is not None and column.type]
    assert len(stated) > 0.75 * len(sentences())
