"""DuckDB is asked what it makes of a query: names and types that are stated are its own, and what it refuses is found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb
import pytest

from orchestrator.core.meaning import Shape
from orchestrator.sql.parse import parse
from orchestrator.sql.understand.understand import understand

TABLES = """
create table t (a integer, b bigint, c decimal(10,2), d double, s varchar, dt date, ts timestamp, tz timestamptz, bo boolean,
  si smallint, f float, h hugeint, u uuid, iv interval, tm time, j json, bl blob, c2 decimal(18,3), c3 decimal(38,4), ut utinyint,
  l integer[], st struct(f integer, g varchar));
create table orders (Id integer, b bigint, k int);
create table lines (k int, id int, z varchar);
create table notes (b bigint, y int);
"""

EXPRESSIONS = """
a+1 ; a+b ; a+c ; c+c ; c*c ; a*c ; c/2 ; a/2 ; a//2 ; a%2 ; c%a ; d+c ; a+d ; f+d ; f+a ; si+si ; si+1 ; si+a ; si*1.5 ; a*1.5 ; a+1.50
-a ; -c ; sum(a) ; sum(b) ; sum(c) ; sum(d) ; sum(h) ; sum(si) ; sum(f) ; sum(ut) ; avg(a) ; avg(c) ; avg(dt) ; count(*) ; count(a)
min(s) ; max(c) ; 1 ; 1.5 ; 1e3 ; 10000000000 ; 99999999999999999999 ; 'a' ; true ; a=b ; s||'x' ; l||l ; coalesce(a,b)
coalesce(a,1.5) ; coalesce(s,null) ; case when bo then a else b end ; case when bo then a else 1.5 end ; case when bo then 'a' end
cast(a as text) ; a::decimal ; a::numeric(5,1) ; date '2024-01-01' ; dt+1 ; dt - dt ; ts-ts ; dt + interval 1 day ; ts + interval 1 day
tz - interval 1 day ; date_trunc('day', dt) ; date_trunc('day',ts) ; date_trunc('month',tz) ; date_trunc('hour',dt)
extract(year from dt) ; year(dt) ; extract(epoch from ts) ; round(c) ; round(c,1) ; round(d) ; round(a) ; round(a,1) ; round(d,2)
floor(c) ; ceil(d) ; floor(a) ; abs(a) ; abs(c) ; length(s) ; lower(s) ; row_number() over () ; rank() over (order by a)
lag(a) over (order by a) ; sum(a) over () ; ntile(4) over (order by a) ; percent_rank() over (order by a) ; first(a) ; list(a)
array_agg(s) ; string_agg(s,',') ; now() ; current_date ; current_timestamp ; st.f ; l[1] ; unnest(l) ; {'x': a} ; [1,2]
struct_pack(k := a) ; count(distinct a) ; median(a) ; median(c) ; stddev(a) ; quantile_cont(a,0.5) ; greatest(a,b) ; least(a,1.5)
nullif(a,0) ; nullif(a,0.5) ; if(bo,a,b) ; a in (1,2) ; exists(select 1) ; (select a from t) ; substring(s,1,2) ; strftime(dt,'%Y')
date_diff('day',dt,dt) ; datediff('day',dt,ts) ; date_part('year',dt) ; hash(a) ; md5(s) ; bool_or(bo) ; regexp_replace(s,'a','b')
a::bigint ; try_cast(s as int) ; concat(s,a) ; split_part(s,',',1) ; strptime(s,'%Y') ; last_day(dt) ; make_date(1,2,3) ; dayname(dt)
power(a,2) ; sqrt(a) ; ln(a) ; a^2 ; a<<1 ; random() ; uuid() ; any_value(c) ; arg_max(c,a) ; mode(a) ; count_if(bo) ; sum(bo)
a is null ; s like 'x' ; approx_count_distinct(a) ; corr(a,b) ; dt + a ; 1.0*a ; 2*c ; c-1 ; c+b ; c*b ; c*h ; 100*c/a
cast(null as int) ; greatest(dt,ts) ; coalesce(dt,ts) ; ts::date ; epoch(ts) ; to_timestamp(a) ; age(ts) ; a=1 and bo ; not bo ; -si
sum(1) ; sum(1.5) ; sum(c*c) ; sum(case when bo then 1 else 0 end) ; max(ts) ; interval 1 day ; iv+iv ; replace(s,'a','b') ; trim(s)
left(s,1) ; instr(s,'a') ; position('a' in s) ; sign(a) ; mod(a,2) ; isnan(d) ; typeof(a) ; histogram(a) ; date_add(dt, interval 1 day)
date_sub('day',dt,dt) ; columns('a') ; ifnull(a,b) ; sum(a)/count(*) ; sum(a)*1.0 ; greatest('a',s) ; count(*)+1 ; s::json ; a::double
a*b ; upper(s)||a ; round(avg(a),2) ; round(1.0*a/nullif(b,0),2) ; 1/3 ; date_trunc('week',dt)::date ; current_time ; localtimestamp
epoch_ms(b) ; format('{}',a) ; printf('%d',a) ; generate_series(1,2) ; range(3) ; string_split(s,',') ; list_value(1,2)
cume_dist() over (order by a) ; first_value(s) over (order by a) ; dense_rank() over (order by a) ; dt>ts ; ts=tz ; s=a ; s=dt ; bo=a
u=s ; tm=dt ; iv=s ; j=s ; avg(ts) ; min(bo) ; c2+c2 ; c2*c2 ; c3+c3 ; c3*c3 ; c2+b ; c3+a ; h+c ; c*1000 ; 1+1 ; 1.5+1.5 ; 1.5*2 ; 10/2
0.5 ; 00.5 ; 1. ; 0.05*a ; .5 ; a+null ; null+1 ; coalesce(null,1) ; coalesce(dt,'2024-01-01') ; case when bo then 'a' else s end
case when bo then dt else null end ; case when bo then 1 else 2.5 end ; case when bo then c else 0 end ; greatest(a,0) ; a||s ; a||b
'a'||'b' ; l ; round(c,3) ; round(c,-1) ; round(f,1) ; round(1.005,2) ; floor(c2) ; a between 1 and 2 ; sum(a) filter (where bo)
lag(a,1,0) over() ; lag(c,1,0) over () ; a::varchar(10) ; f+f ; f*c ; f/f ; f/a ; d/f ; si%2 ; b//a ; c//2 ; h/2 ; -1 ; - 1.5 ; abs(-1)
abs(f) ; round(h) ; ut+1 ; ut+a ; a+ut ; ut+si ; si+b ; coalesce(ut,1) ; coalesce(si,100000) ; coalesce(f,a) ; coalesce(f,1.5)
coalesce(d,c) ; coalesce(f,c) ; avg(h) ; max(j) ; j->'a' ; j->>'a' ; tz::date ; ts - dt ; dt - ts ; tz-tz ; tz - ts ; tm + iv ; iv*2
2*iv ; dt + tm ; dt-1 ; 1+dt ; extract(year from ts) ; extract('epoch' from ts) ; date_part('epoch',ts) ; current_timestamp - ts ; not a
a and bo ; count(*) over () ; first_value(c) over () ; string_agg(s) ; stddev_samp(c) ; var_pop(d) ; median(d) ; quantile_cont(c,0.5)
list(distinct a) ; array_agg(a order by b) ; bool_and(bo) ; s is not null ; a is distinct from b ; s ilike 'x' ; s ~ 'x'
regexp_matches(s,'x') ; starts_with(s,'x') ; contains(s,'x') ; nullif(s,'') ; nullif(c,0) ; nullif(1,0) ; strlen(s) ; substr(s,1,2)
lpad(s,3,'0') ; concat(s,'x') ; concat_ws('-',s,s) ; ltrim(s) ; reverse(s) ; ascii(s) ; chr(65) ; repeat(s,2)
make_timestamp(1,2,3,4,5,6.0) ; to_days(1) ; today() ; quarter(dt) ; week(dt) ; dayofweek(dt) ; monthname(dt) ; hour(ts)
date_diff('day',dt,ts) ; epoch_ms(ts) ; date(ts) ; ts::time ; sign(c) ; exp(a) ; log(a) ; log10(a) ; log2(a) ; cbrt(a) ; pi()
degrees(d) ; trunc(d) ; trunc(c) ; greatest(s,'a') ; any_value(s) ; last(s) ; product(a) ; sum(1.0*a) ; avg(1) ; sum(d)/sum(c)
count(distinct a)*1.0/count(*) ; 100.0*count(*)/sum(count(*)) over () ; sum(c)/nullif(sum(a),0) ; round(100.0*a/b,1)
coalesce(sum(a),0) ; coalesce(sum(c),0) ; coalesce(count(*),0) ; coalesce(avg(a),0) ; coalesce(a,'x') ; make_date(2020,1,1)
strptime(s,'%Y-%m-%d')::date ; try_strptime(s,'%Y') ; time_bucket(interval 1 day, ts) ; generate_subscripts([1],1) ; len(s)
array_length([1]) ; len([1]) ; case a when 1 then 'x' else 'y' end ; if(bo,1,0) ; if(bo,c,0) ; ifnull(s,'x') ; a in (select a from t)
to_json(a) ; json_extract(j,'a') ; json_extract_string(j,'a') ; hash(s) ; sha256(s) ; bit_count(a) ; xor(a,b) ; a & b ; a | 1 ; ~a
factorial(3) ; current_user ; row_number() over () = 1 ; min(a) + 1 ; a=b or bo ; cast(a as decimal(12,4)) / 3
cast(a as decimal(12,4)) * 3 ; cast(1 as bigint)*60 ; date '2024-01-01' - dt ; dt >= '2024-01-01' ; a = '1' ; extract(dow from dt)
year(ts)*100+month(ts) ; date_trunc('month', ts)::date ; ts at time zone 'UTC' ; tz at time zone 'UTC' ; approx_quantile(a,0.5)
mode(s) ; arg_min(s,a) ; max(a,2) ; geomean(a) ; skewness(a) ; regr_slope(a,b) ; covar_pop(a,b) ; bit_and(a) ; list_sum([1]) ; s[1]
s[1:2] ; [a][1:2] ; array_agg(a)[1] ; {'a':1}.a ; current_date - dt ; current_date - interval 7 day ; now() - interval '1 day'
least(c,1) ; ceil(c) ; ceil(a)
"""
"""Expressions over `t`, between semicolons."""

QUERIES = """
select ID from orders
select orders.ID, b as "B b" from orders
select * from orders semi join lines using (k)
select * from orders natural join (select k, z from lines) l
select k, z from orders right join lines using (k)
select k from orders full join lines using (k)
select * from orders join (select k, z from lines) l using (k) join notes using (b)
select * exclude (id) from orders
select * replace (b + 1 as b) from orders
select * rename (b as bb) from orders
select o.*, l.z from orders o join lines l on o.k = l.k
select * from (values (1, 'a'), (2, null)) v
select * from (values (1, 'a')) v(x)
select * from (values (1.5, date '2024-01-01'), (2, '2024-01-02')) v(x, y)
values (1, 'x')
select * from range(3)
select * from range(3) r
select * from generate_series(1, 3) g(i)
select * from unnest([1, 2]) u
select * from unnest([1, 2]) u(x)
select id, x from orders, unnest([id, 1]) u(x)
select unnest([1, 2]) as x
from orders select b + 1 as x, x * 2 as y where x > 1
from orders
table orders
select b as id, id + 1 as more from orders
select * from orders union by name select * from lines
select id from orders union all select b from orders
select id as x, z from lines union select k, null from lines
select c as x from t union all select 0
select c as x from t union all select c2 from t union all select a from t
select 1 as x union all select 2.5 union all select null
select id from orders intersect select b from orders
select * from orders pivot (sum(b) for k in (1, 2))
select * from orders pivot (sum(b) as s, count(*) as c for k in (1, 2 as two) group by id)
select * from orders unpivot (v for n in (b, k))
unpivot orders on b, k into name n value v
with recursive r as (select 1 as n union all select n + 1 from r where n < 5) select * from r
with recursive r(x, y) as (select id, 'a' from lines union all select r.x + 1, r.y || 'b' from r where x < 5) select * from r
with x(p, q) as (select 1, 2) select * from x
with x(p) as (select id, k as kk from lines) select * from x
with x(p, q, r) as (select id, k from lines) select * from x
select count(*) c, k from orders group by all
select * from (select 1 as a, 2 as a)
select a from (select 1 as a, 2 as a)
select max(id) as id from orders having id > 1
select (select max(k) from lines) as m, exists (select 1 from lines) as e, id in (select k from lines) as i from orders
select *, b as b2 from orders
select x.o.id as id from (select o from orders o) x
select row_number() over w as n, sum(b) over w as s, lag(b) over (order by id) as p from orders window w as (partition by k order by id)
select k, first(b order by id) as f, list(b) as l, string_agg(k::varchar, ',') as g, max_by(b, id) as m from orders group by k
select id, case k when 1 then 'one' when 2 then 'two' end as w, coalesce(b, k, 0) as c, if(k = 1, b, id) as i from orders
select o.id, s.total from orders o, lateral (select sum(l.k) as total from lines l where l.id = o.id) s
select o.id, s.total from orders o left join (select id, avg(k) as total from lines group by id) s on s.id = o.id
select st.f as f, l[1] as g, st as whole, [a, b] as pair, {'x': a, 'y': s} as made from t
select sum(c) filter (where bo) as s, count(distinct s) as n, 100.0 * count(*) / sum(count(*)) over () as share from t group by bo
select distinct on (k) k, id from orders order by k, id desc
select z.* from (select id as i, k + 1 as n from lines) z qualify row_number() over (order by i) = 1
select count(*), sum(k), 1, 'x' from lines
summarize lines
"""

REFUSED = """
select idd from orders
select o.nothing from orders o
select x.id from orders o
select id from orders join lines on true
select id from orders union all select k, id from lines
select * exclude (nope) from orders
select * from orders join notes using (nope)
select s + 1 from t
select bo + 1 from t
select sum(s) from t
select avg(bo) from t
select sum(dt) from t
select * from t where dt > a
select * from (values (1, 2), (3)) v
select * from (select 1, 2) x(a, b, c)
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        yield connection


@pytest.fixture(scope="module")
def inputs(engine: duckdb.DuckDBPyConnection) -> Mapping[str, tuple[str, Shape]]:
    return {name: (name, Shape(tuple(described(engine, f"from {name}")), complete=True)) for name in ("t", "orders", "lines", "notes")}


def described(engine: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in engine.execute(f"describe {sql}").fetchall()]


def sentences(text: str, separator: str = "\n") -> list[str]:
    return [sentence.strip() for sentence in text.strip().replace("\n", separator).split(separator)]


@pytest.mark.parametrize("sql", [*(f"select {e} as x from t" for e in sentences(EXPRESSIONS, ";")), *sentences(QUERIES)])
def test_names_and_types_are_those_of_the_engine(
    engine: duckdb.DuckDBPyConnection, inputs: Mapping[str, tuple[str, Shape]], sql: str
) -> None:
    really = described(engine, sql)
    found = understand(parse(sql, "duckdb"), inputs, "duckdb", strict=True)
    assert [f for f in found.findings if f.code < "S3"] == []
    if found.complete:
        assert [c.name for c in found.columns] == [name for name, _ in really]
    types = dict(really)
    assert {c.name: c.type for c in found.columns if c.type is not None} == {
        c.name: types[c.name] for c in found.columns if c.type is not None
    }


@pytest.mark.parametrize("sql", sentences(QUERIES))
def test_of_these_queries_all_is_known(inputs: Mapping[str, tuple[str, Shape]], sql: str) -> None:
    found = understand(parse(sql, "duckdb"), inputs, "duckdb", strict=True)
    assert found.complete
    assert all(c.name for c in found.columns)


def test_most_types_are_stated(inputs: Mapping[str, tuple[str, Shape]]) -> None:
    expressions = sentences(EXPRESSIONS, ";")
    stated = [c for e in expressions for c in understand(parse(f"select {e} as x from t", "duckdb"), inputs, "duckdb").columns if c.type]
    assert len(stated) > 0.75 * len(expressions)


@pytest.mark.parametrize("sql", sentences(REFUSED))
def test_what_the_engine_refuses_is_found(engine: duckdb.DuckDBPyConnection, inputs: Mapping[str, tuple[str, Shape]], sql: str) -> None:
    with pytest.raises(duckdb.Error):
        engine.execute(sql)
    assert [f for f in understand(parse(sql, "duckdb"), inputs, "duckdb", strict=True).findings if f.code < "S3"]
