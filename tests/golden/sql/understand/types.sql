-- Types, in the engine's words; `?` where it would be a guess.
-------
-- title: numbers in DuckDB
select id + 1 as a, id * amount as b, id / 2 as c, id // 2 as d, amount + amount as e, amount * amount as f, 1.5 as g, 10000000000 as h from orders
-- = a INTEGER [id + 1]: orders.id transformed
-- = b DECIMAL(18,2) [id * amount]: orders.id transformed, orders.amount transformed
-- = c DOUBLE [id / 2]: orders.id transformed
-- = d INTEGER [id // 2]: orders.id transformed
-- = e DECIMAL(11,2) [amount + amount]: orders.amount transformed
-- = f DECIMAL(18,4) [amount * amount]: orders.amount transformed
-- = g DECIMAL(2,1) [1.5]
-- = h BIGINT [10000000000]
-------
-- title: numbers in Postgres
-- dialect: postgres
select id + 1 as a, id * amount as b, id / 2 as c, amount / 3 as d, 1.5 as e, id::real + 1 as f, 10000000000 as g from orders
-- = a integer [id + 1]: orders.id transformed
-- = b numeric [id * amount]: orders.id transformed, orders.amount transformed
-- = c integer [id / 2]: orders.id transformed
-- = d numeric [amount / 3]: orders.amount transformed
-- = e numeric [1.5]
-- = f double precision [id::real + 1]: orders.id transformed
-- = g bigint [10000000000]
-------
-- title: numbers in BigQuery
-- dialect: bigquery
select id + 1 as a, id * amount as b, id / 2 as c, amount / 3 as d, 1.5 as e, amount * 1.5 as f from orders
-- = a INT64 [id + 1]: orders.id transformed
-- = b NUMERIC [id * amount]: orders.id transformed, orders.amount transformed
-- = c FLOAT64 [id / 2]: orders.id transformed
-- = d NUMERIC [amount / 3]: orders.amount transformed
-- = e FLOAT64 [1.5]
-- = f NUMERIC [amount * 1.5]: orders.amount transformed
-------
-- title: aggregates in DuckDB
select sum(id) as a, sum(amount) as b, avg(id) as c, count(*) as d, min(status) as e, max(created_at) as f, array_agg(id) as g from orders
-- = a HUGEINT [sum(id)]: orders.id aggregated
-- = b DECIMAL(38,2) [sum(amount)]: orders.amount aggregated
-- = c DOUBLE [avg(id)]: orders.id aggregated
-- = d BIGINT [count(*)]
-- = e VARCHAR [min(status)]: orders.status aggregated
-- = f TIMESTAMP [max(created_at)]: orders.created_at aggregated
-- = g INTEGER[] [array_agg(id)]: orders.id aggregated
-------
-- title: aggregates in Postgres
-- dialect: postgres
select sum(id) as a, sum(amount) as b, avg(id) as c, count(*) as d, min(status) as e, max(created_at) as f, array_agg(id) as g, sum(id::bigint) as h from orders
-- = a bigint [sum(id)]: orders.id aggregated
-- = b numeric [sum(amount)]: orders.amount aggregated
-- = c numeric [avg(id)]: orders.id aggregated
-- = d bigint [count(*)]
-- = e text [min(status)]: orders.status aggregated
-- = f timestamp without time zone [max(created_at)]: orders.created_at aggregated
-- = g integer[] [array_agg(id)]: orders.id aggregated
-- = h numeric [sum(id::bigint)]: orders.id aggregated
-------
-- title: aggregates in BigQuery
-- dialect: bigquery
select sum(id) as a, sum(amount) as b, avg(id) as c, count(*) as d, min(status) as e, countif(id > 1) as f, array_agg(id) as g from orders
-- = a INT64 [sum(id)]: orders.id aggregated
-- = b NUMERIC [sum(amount)]: orders.amount aggregated
-- = c FLOAT64 [avg(id)]: orders.id aggregated
-- = d INT64 [count(*)]
-- = e STRING [min(status)]: orders.status aggregated
-- = f INT64 [countif(id > 1)]: orders.id aggregated
-- = g ARRAY<INT64> [array_agg(id)]: orders.id aggregated
-------
-- title: moments in DuckDB
select paid_on + 1 as a, paid_on - paid_on as b, paid_on + interval 1 day as c, date_trunc('month', paid_on) as d, year(paid_on) as e from payments
-- = a DATE [paid_on + 1]: payments.paid_on transformed
-- = b BIGINT [paid_on - paid_on]: payments.paid_on transformed
-- = c TIMESTAMP [paid_on + interval 1 day]: payments.paid_on transformed
-- = d ? [date_trunc('month', paid_on)]: payments.paid_on transformed
-- = e BIGINT [year(paid_on)]: payments.paid_on transformed
-------
-- title: moments in Postgres
-- dialect: postgres
select paid_on + 1 as a, paid_on - paid_on as b, paid_on + interval '1 day' as c, date_trunc('month', paid_on) as d, now() as e from payments
-- = a date [paid_on + 1]: payments.paid_on transformed
-- = b integer [paid_on - paid_on]: payments.paid_on transformed
-- = c timestamp without time zone [paid_on + interval '1 day']: payments.paid_on transformed
-- = d timestamp with time zone [date_trunc('month', paid_on)]: payments.paid_on transformed
-- = e timestamp with time zone [now()]
-------
-- title: what several become
select coalesce(amount, 0) as a, case when id > 1 then id else 2.5 end as b, coalesce(created_at, '2024-01-01') as c, coalesce(status, null) as d from orders
-- = a DECIMAL(12,2) [coalesce(amount, 0)]: orders.amount transformed
-- = b DECIMAL(11,1) [case when id > 1 then id else 2.5 end]: orders.id transformed
-- = c TIMESTAMP [coalesce(created_at, '2024-01-01')]: orders.created_at transformed
-- = d VARCHAR [coalesce(status, null)]: orders.status transformed
-------
-- title: casts in each engine's words
-- dialect: postgres
select id::int8 as a, amount::float as b, status::varchar(20) as c, created_at::timestamptz as d, id::numeric(12, 4) as e from orders
-- = a bigint [id::int8]: orders.id transformed
-- = b double precision [amount::float]: orders.amount transformed
-- = c character varying(20) [status::varchar(20)]: orders.status transformed
-- = d timestamp with time zone [created_at::timestamptz]: orders.created_at transformed
-- = e numeric(12,4) [id::numeric(12, 4)]: orders.id transformed
-------
-- title: casts in BigQuery
-- dialect: bigquery
select cast(id as string) as a, safe_cast(status as int64) as b, cast(amount as float64) as c from orders
-- = a STRING [cast(id as string)]: orders.id transformed
-- = b INT64 [safe_cast(status as int64)]: orders.status transformed
-- = c FLOAT64 [cast(amount as float64)]: orders.amount transformed
-------
-- title: lists and structs
select [id, 1] as a, {'x': id} as b, tags[1] as c, payload.a as d from events
-- = a INTEGER[] [[id, 1]]: events.id transformed
-- = b STRUCT(x INTEGER) [{'x': id}]: events.id transformed
-- = c VARCHAR [tags[1]]: events.tags transformed
-- = d INTEGER [payload.a]: events.payload transformed
-------
-- title: unknown stays unknown
select my_function(id) as a, blank.x + 1 as b from orders, blank
-- = a ? [my_function(id)]: orders.id transformed
-- = b ? [blank.x + 1]: blank.x transformed
