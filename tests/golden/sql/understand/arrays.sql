-- Arrays, table functions, pivots.
-------
-- title: UNNEST in FROM
select e.id, u.tag from events e, unnest(e.tags) as u(tag)
-- = id INTEGER [e.id]: events.id passed
-- = tag VARCHAR [unnest(e.tags)]: events.tags transformed
-------
-- title: UNNEST without names
select id, unnest from events, unnest(tags)
-- = id INTEGER [id]: events.id passed
-- = unnest VARCHAR [unnest(tags)]: events.tags transformed
-------
-- title: UNNEST in SELECT
select id, unnest(tags) as tag from events
-- = id INTEGER [id]: events.id passed
-- = tag VARCHAR [unnest(tags)]: events.tags transformed
-------
-- title: UNNEST of structs stays one column in DuckDB
select e.id, u.i.sku as sku from events e, unnest(e.items) as u(i)
-- = id INTEGER [e.id]: events.id passed
-- = sku VARCHAR [u.i.sku]: events.items transformed
-------
-- title: UNNEST of structs in SELECT is one column, and its fields are known
select i.sku as sku from (select unnest(items) as i from events)
-- = sku VARCHAR [i.sku]: events.items transformed
-------
-- title: UNNEST of a struct in SELECT gives its fields
select unnest(payload) from events
-- ? what `unnest(…)` gives is only known to the engine
-------
-- title: the rows of a set of JSON values
-- dialect: postgres
select e.id, x.value ->> 'a' as a, x as whole from events e cross join lateral jsonb_array_elements(e.payload) as x
-- = id integer [e.id]: events.id passed
-- = a text [x.value ->> 'a']: events.payload transformed
-- = whole ? [jsonb_array_elements(e.payload)]: events.payload transformed
-------
-- title: rows that are numbered
-- dialect: postgres
select v, n from generate_series(1, 3) with ordinality as g(v, n)
-- = v integer [generate_series(1, 3)]
-- = n bigint [n]
-------
-- title: an array of a table around
-- dialect: bigquery
select e.id, (select count(i.sku) from e.items i) as n, array(select i.sku from unnest(e.items) i) as skus from events e
-- = id INT64 [e.id]: events.id passed
-- = n INT64 [(select count(i.sku) from e.items i)]: events.items aggregated
-- = skus ARRAY<STRING> [array(select i.sku from unnest(e.items) i)]: events.items transformed
-------
-- title: UNNEST in Postgres
-- dialect: postgres
select e.id, tag from events e cross join unnest(e.tags) as tag
-- = id integer [e.id]: events.id passed
-- = tag text [unnest(e.tags)]: events.tags transformed
-------
-- title: UNNEST with numbers in Postgres
-- dialect: postgres
select e.id, u.tag, u.n from events e, unnest(e.tags) with ordinality as u(tag, n)
-- = id integer [e.id]: events.id passed
-- = tag text [unnest(e.tags)]: events.tags transformed
-- = n bigint [u.n]
-------
-- title: UNNEST in BigQuery
-- dialect: bigquery
select e.id, tag, position from events e, unnest(e.tags) as tag with offset as position
-- = id INT64 [e.id]: events.id passed
-- = tag STRING [unnest(e.tags)]: events.tags transformed
-- = position INT64 [position]
-------
-- title: an array beside its table
-- dialect: bigquery
select e.id, i.sku, sku as again from events e, e.items as i
-- = id INT64 [e.id]: events.id passed
-- = sku STRING [i.sku]: events.items transformed
-- = again STRING [sku]: events.items transformed
-------
-- title: a left join with an array
-- dialect: bigquery
select e.id, i.sku from events e left join unnest(e.items) i
-- = id INT64 [e.id]: events.id passed
-- = sku STRING [i.sku]: events.items transformed
-------
-- title: a literal array
select x * 2 as twice from unnest([1, 2, 3]) as t(x)
-- = twice INTEGER [x * 2]
-------
-- title: generate_series
select g.n, o.id from generate_series(1, 10) as g(n), orders o
-- = n BIGINT [generate_series(1, 10)]
-- = id INTEGER [o.id]: orders.id passed
-------
-- title: range, without a name
select range as r from range(10)
-- = r BIGINT [range(10)]
-------
-- title: generate_series in Postgres
-- dialect: postgres
select g as n from generate_series(1, 10) g
-- = n integer [generate_series(1, 10)]
-------
-- title: generate_series with a join to what stands left of it
-- dialect: postgres
select o.id, day from orders o, generate_series(1, o.customer_id) as day
-- = id integer [o.id]: orders.id passed
-- = day integer [generate_series(1, o.customer_id)]: orders.customer_id transformed
-------
-- title: a table function whose columns are written
-- dialect: postgres
select r.a, r.b from events e, jsonb_to_record(e.payload) as r(a int, b text)
-- = a integer [r.a]: events.payload transformed
-- = b text [r.b]: events.payload transformed
-------
-- title: a table function of unknown columns
select * from read_csv('file.csv')
-- ? the columns of `read_csv` are not known
-------
-- title: a table function of unknown columns beside a table
select id, size from orders, glob('*') as files(size)
-- = id INTEGER [id]: orders.id passed
-- = size ? [size] ? the columns of `glob` are not known
-------
-- title: VALUES
select * from (values (1, 'a'), (2, null)) v(id, letter)
-- = id INTEGER [1]
-- = letter VARCHAR ['a']
-------
-- title: VALUES without names in Postgres
-- dialect: postgres
select column1, column2 from (values (1, 'a'), (2, 'b')) v
-- = column1 integer [1]
-- = column2 text ['a']
-------
-- title: VALUES as the query
values (1, 'a'), (2, 'b')
-- = col0 INTEGER [1]
-- = col1 VARCHAR ['a']
-------
-- title: PIVOT
select * from payments pivot (sum(amount) for method in ('card', 'cash'))
-- = order_id INTEGER [*]: payments.order_id passed
-- = paid_on DATE [*]: payments.paid_on passed
-- = card DECIMAL(38,2) [sum(amount)]: payments.amount aggregated, payments.method conditional
-- = cash DECIMAL(38,2) [sum(amount)]: payments.amount aggregated, payments.method conditional
-- ~ group payments.order_id, group payments.paid_on
-------
-- title: PIVOT with names and groups
select * from payments pivot (sum(amount) as total, count(*) as n for method in ('card' as c, 'cash') group by paid_on)
-- = paid_on DATE [*]: payments.paid_on passed
-- = c_total DECIMAL(38,2) [sum(amount)]: payments.amount aggregated, payments.method conditional
-- = c_n BIGINT [count(*)]: payments.method conditional
-- = cash_total DECIMAL(38,2) [sum(amount)]: payments.amount aggregated, payments.method conditional
-- = cash_n BIGINT [count(*)]: payments.method conditional
-- ~ group payments.paid_on
-------
-- title: PIVOT in BigQuery
-- dialect: bigquery
select * from (select method, amount from payments) pivot (sum(amount) as total for method in ('card', 'cash' as c))
-- = total_card NUMERIC [sum(amount)]: payments.amount aggregated, payments.method conditional
-- = total_c NUMERIC [sum(amount)]: payments.amount aggregated, payments.method conditional
-------
-- title: a PIVOT whose columns depend on the data
pivot payments on method using sum(amount)
-- ? the columns of a PIVOT without a list of values depend on the data
-------
-- title: UNPIVOT
select * from customers unpivot (value for field in (name, country))
-- = id INTEGER [*]: customers.id passed
-- = field VARCHAR [value for field in (name, country)]
-- = value VARCHAR [value for field in (name, country)]: customers.name transformed, customers.country transformed
-------
-- title: UNPIVOT in BigQuery
-- dialect: bigquery
select * from customers unpivot (value for field in (name, country))
-- = id INT64 [*]: customers.id passed
-- = value STRING [value for field in (name, country)]: customers.name transformed, customers.country transformed
-- = field STRING [value for field in (name, country)]
-------
-- title: UNPIVOT as a statement
unpivot customers on name, country into name field value said
-- = id INTEGER [customers on name, country into name field value said]: customers.id passed
-- = field VARCHAR [customers on name, country into name field value said]
-- = said VARCHAR [customers on name, country into name field value said]: customers.name transformed, customers.country transformed
-------
-- title: SUMMARIZE
summarize customers
-- = column_name VARCHAR [] ? a summary of whatever columns there are
-- = column_type VARCHAR [] ? a summary of whatever columns there are
-- = min VARCHAR [] ? a summary of whatever columns there are
-- = max VARCHAR [] ? a summary of whatever columns there are
-- = approx_unique BIGINT [] ? a summary of whatever columns there are
-- = avg VARCHAR [] ? a summary of whatever columns there are
-- = std VARCHAR [] ? a summary of whatever columns there are
-- = q25 VARCHAR [] ? a summary of whatever columns there are
-- = q50 VARCHAR [] ? a summary of whatever columns there are
-- = q75 VARCHAR [] ? a summary of whatever columns there are
-- = count BIGINT [] ? a summary of whatever columns there are
-- = null_percentage DECIMAL(9,2) [] ? a summary of whatever columns there are
