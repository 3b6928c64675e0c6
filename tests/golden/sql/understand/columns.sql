-- Columns: names, aliases, expressions, and how each origin takes part.
-------
-- title: passed and renamed
select id, amount as total from orders
-- = id INTEGER [id]: orders.id passed
-- = total DECIMAL(10,2) [amount]: orders.amount renamed
-------
-- title: a qualified name, and a whole row in a condition
select o.id, o.status from orders o where o is not null
-- = id INTEGER [o.id]: orders.id passed
-- = status VARCHAR [o.status]: orders.status passed
-- ~ filter orders.id, filter orders.customer_id, filter orders.amount, filter orders.status, filter orders.created_at
-------
-- title: the name of a table without an alias, with and without its schema
select orders.id, staging.orders.amount from staging.orders
-- = id INTEGER [orders.id]: orders.id passed
-- = amount DECIMAL(10,2) [staging.orders.amount]: orders.amount passed
-------
-- title: a marker of ref() and an alias
select o.id from "__orc"."ref::orders:"."orders" o
-- = id INTEGER [o.id]: orders.id passed
-------
-- title: a marker without an alias is called by the bare name
select orders.id from "__orc"."ref::orders:"."orders"
-- = id INTEGER [orders.id]: orders.id passed
-------
-- title: case does not count in DuckDB, and the table's spelling comes out
select ID, O.Status from orders o
-- = id INTEGER [ID]: orders.id passed
-- = status VARCHAR [O.Status]: orders.status passed
-------
-- title: Postgres folds what has no quotes
-- dialect: postgres
select ID, "id" as "Id", Status AS State from orders
-- = id integer [ID]: orders.id passed
-- = Id integer ["id"]: orders.id renamed
-- = state text [Status]: orders.status renamed
-------
-- title: quotes count in Postgres
-- dialect: postgres
select "Name", Name from legacy
-- = Name text ["Name"]: legacy.Name passed
-- = name ? [Name] ? there is no column `name` in `legacy`
-- ! S101 [Name] there is no column `name` in `legacy` (did you mean `Name`?)
-------
-- title: case does not count in BigQuery
-- dialect: bigquery
select ID, O.STATUS from orders o
-- = ID INT64 [ID]: orders.id passed
-- = STATUS STRING [O.STATUS]: orders.status passed
-------
-- title: an expression transforms
select amount * 2 as double_amount, upper(status) as loud from orders
-- = double_amount DECIMAL(18,2) [amount * 2]: orders.amount transformed
-- = loud VARCHAR [upper(status)]: orders.status transformed
-------
-- title: a cast transforms
select id::bigint as id, cast(amount as double) as amount from orders
-- = id BIGINT [id::bigint]: orders.id transformed
-- = amount DOUBLE [cast(amount as double)]: orders.amount transformed
-------
-- title: parentheses change nothing
select (id) as id, ((amount)) as amount from orders
-- = id INTEGER [id]: orders.id passed
-- = amount DECIMAL(10,2) [amount]: orders.amount passed
-------
-- title: coalesce transforms all it looks at
select coalesce(o.status, c.name) as said from orders o, customers c
-- = said VARCHAR [coalesce(o.status, c.name)]: orders.status transformed, customers.name transformed
-------
-- title: a condition only decides
select case when status = 'paid' then amount else 0 end as paid from orders
-- = paid DECIMAL(12,2) [case when status = 'paid' then amount else 0 end]: orders.status conditional, orders.amount transformed
-------
-- title: what decides and is a value is a value
select case when amount > 10 then amount end as large from orders
-- = large DECIMAL(10,2) [case when amount > 10 then amount end]: orders.amount transformed
-------
-- title: a simple case decides, too
select case status when 'paid' then 1 else 2 end as rank from orders
-- = rank INTEGER [case status when 'paid' then 1 else 2 end]: orders.status conditional
-------
-- title: if()
select if(status = 'paid', amount, null) as paid from orders
-- = paid DECIMAL(10,2) [if(status = 'paid', amount, null)]: orders.status conditional, orders.amount transformed
-------
-- title: aggregates
select status, sum(amount) as amount, count(*) as n, count(distinct customer_id) as customers from orders group by status
-- = status VARCHAR [status]: orders.status passed
-- = amount DECIMAL(38,2) [sum(amount)]: orders.amount aggregated
-- = n BIGINT [count(*)]
-- = customers BIGINT [count(distinct customer_id)]: orders.customer_id aggregated
-- ~ group orders.status
-------
-- title: an aggregate's filter decides
select sum(amount) filter (where status = 'paid') as paid from orders
-- = paid DECIMAL(38,2) [sum(amount) filter (where status = 'paid')]: orders.amount aggregated, orders.status conditional
-------
-- title: max_by: the second decides
select max_by(status, created_at) as last_status from orders
-- = last_status VARCHAR [max_by(status, created_at)]: orders.status aggregated, orders.created_at conditional
-------
-- title: what an aggregate orders by
select string_agg(status, ',' order by created_at) as statuses from orders
-- = statuses VARCHAR [string_agg(status, ',' order by created_at)]: orders.status aggregated, orders.created_at window
-------
-- title: an expression over aggregates is aggregated
select round(sum(amount) / nullif(count(id), 0), 2) as mean from orders
-- = mean DOUBLE [round(sum(amount) / nullif(count(id), 0), 2)]: orders.amount aggregated, orders.id aggregated
-------
-- title: a column that nobody named
select id, amount + 1 from orders
-- = id INTEGER [id]: orders.id passed
-- ? column 2 has no name of its own: the engine makes one up
-------
-- title: made-up names in BigQuery
-- dialect: bigquery
select id, amount + 1, 1 as one, upper(status) from orders
-- = id INT64 [id]: orders.id passed
-- = f0_ NUMERIC [amount + 1]: orders.amount transformed
-- = one INT64 [1]
-- = f1_ STRING [upper(status)]: orders.status transformed
-------
-- title: made-up names in Postgres
-- dialect: postgres
select id, amount + 1, count(*), upper(status), 1, id::text, '1'::int, coalesce(status, 'x'), case when true then 1 end from orders
-- = id integer [id]: orders.id passed
-- = ?column? numeric [amount + 1]: orders.amount transformed
-- = count bigint [count(*)]
-- = upper text [upper(status)]: orders.status transformed
-- = ?column? integer [1]
-- = id text [id::text]: orders.id transformed
-- = int4 integer ['1'::int]
-- = coalesce text [coalesce(status, 'x')]: orders.status transformed
-- = case integer [case when true then 1 end]
-- ! S106 [id] two columns are called `id` (give one of them another name)
-------
-- title: made-up names in DuckDB that are the same in all versions
select 1, 'x', count(*), sum(amount) from orders
-- = 1 INTEGER [1]
-- = 'x' VARCHAR ['x']
-- = count_star() BIGINT [count(*)]
-- = sum(amount) DECIMAL(38,2) [sum(amount)]: orders.amount aggregated
-------
-- title: keywords that look like columns
select current_date as today, current_timestamp as now from orders
-- = today DATE [current_date]
-- = now TIMESTAMP WITH TIME ZONE [current_timestamp]
-------
-- title: Postgres's keywords that look like columns
-- dialect: postgres
select current_user as who, session_user as s, localtime as t from orders
-- = who ? [current_user]
-- = s ? [session_user]
-- = t ? [localtime]
-------
-- title: pseudo columns are no findings
-- dialect: postgres
select ctid, o.xmin, o.tableoid as t from orders o
-- = ctid ? [ctid]
-- = xmin ? [o.xmin]
-- = t ? [o.tableoid]
-------
-- title: BigQuery's pseudo columns
-- dialect: bigquery
select _table_suffix as suffix, id from orders where _PARTITIONTIME > '2024-01-01'
-- = suffix ? [_table_suffix]
-- = id INT64 [id]: orders.id passed
-------
-- title: DuckDB's row id
select rowid as r, id from orders
-- = r ? [rowid]
-- = id INTEGER [id]: orders.id passed
-------
-- title: date parts and interval units are no columns
select date_trunc('month', created_at) as month, created_at + interval 1 day as next, extract(year from created_at) as y from orders
-- = month TIMESTAMP [date_trunc('month', created_at)]: orders.created_at transformed
-- = next TIMESTAMP [created_at + interval 1 day]: orders.created_at transformed
-- = y BIGINT [extract(year from created_at)]: orders.created_at transformed
-------
-- title: BigQuery's date parts are no columns
-- dialect: bigquery
select date_trunc(paid_on, month) as m, date_diff(paid_on, paid_on, day) as d, extract(dayofweek from paid_on) as w from payments
-- = m DATE [date_trunc(paid_on, month)]: payments.paid_on transformed
-- = d INT64 [date_diff(paid_on, paid_on, day)]: payments.paid_on transformed
-- = w INT64 [extract(dayofweek from paid_on)]: payments.paid_on transformed
-------
-- title: struct literals and named arguments: names are no columns
select {'a': id, 'b': status} as both, struct_pack(x := amount) as packed from orders
-- = both STRUCT(a INTEGER, b VARCHAR) [{'a': id, 'b': status}]: orders.id transformed, orders.status transformed
-- = packed STRUCT(x DECIMAL(10,2)) [struct_pack(x := amount)]: orders.amount transformed
-------
-- title: a lambda's parameter is no column
select list_transform(tags, lambda id: id || 'x') as tagged from events
-- = tagged ? [list_transform(tags, lambda id: id || 'x')]: events.tags transformed
-------
-- title: a list comprehension's variable is no column
select [t || 'x' for t in tags if t <> ''] as tagged from events
-- = tagged ? [[t || 'x' for t in tags if t <> '']]: events.tags transformed
-------
-- title: an alias of the same SELECT further right (DuckDB)
select amount * 2 as twice, twice + 1 as more from orders where twice > 3
-- = twice DECIMAL(18,2) [amount * 2]: orders.amount transformed
-- = more DECIMAL(19,2) [twice + 1]: orders.amount transformed
-- ~ filter orders.amount
-------
-- title: a column wins over an alias of its name
select amount + 1 as amount, amount * 2 as twice from orders
-- = amount DECIMAL(13,2) [amount + 1]: orders.amount transformed
-- = twice DECIMAL(18,2) [amount * 2]: orders.amount transformed
-------
-- title: Postgres knows no alias beside it
-- dialect: postgres
select amount * 2 as twice, twice + 1 as more from orders
-- = twice numeric [amount * 2]: orders.amount transformed
-- = more ? [twice + 1] ? there is no column `twice` in `orders`
-- ! S101 [twice] there is no column `twice` in `orders` (`twice` is the name of a column of this SELECT, which Postgres does not know here: repeat its expression)
-------
-- title: BigQuery knows aliases in HAVING and QUALIFY, not in WHERE
-- dialect: bigquery
select status, sum(amount) as total from orders where total > 1 group by status having total > 3
-- = status STRING [status]: orders.status passed
-- = total NUMERIC [sum(amount)]: orders.amount aggregated
-- ~ group orders.status, filter orders.amount
-- ! S101 [total] there is no column `total` in `orders` (`total` is the name of a column of this SELECT, which BigQuery does not know here: repeat its expression)
-------
-- title: FROM first
from orders select id, status
-- = id INTEGER [id]: orders.id passed
-- = status VARCHAR [status]: orders.status passed
-------
-- title: FROM alone
from customers
-- = id INTEGER [customers]: customers.id passed
-- = name VARCHAR [customers]: customers.name passed
-- = country VARCHAR [customers]: customers.country passed
-------
-- title: name first
select total: amount, id from orders
-- = total DECIMAL(10,2) [amount]: orders.amount renamed
-- = id INTEGER [id]: orders.id passed
-------
-- title: no FROM
select 1 as one, 'a' as letter, null as nothing
-- = one INTEGER [1]
-- = letter VARCHAR ['a']
-- = nothing ? [null]
-------
-- title: a prefix of comments and quoted names
select /* the key */ "id" /* really */ as "Order Id" from orders
-- = Order Id INTEGER ["id"]: orders.id renamed
-------
-- title: field of a struct, by column
select payload.a, e.payload.b as b from events e
-- = a INTEGER [payload.a]: events.payload transformed
-- = b VARCHAR [e.payload.b]: events.payload transformed
-------
-- title: field of a struct in BigQuery
-- dialect: bigquery
select payload.a, e.payload.b, events.id from events e join events on events.id = e.id
-- = a ? [payload.a] ? `payload` may be a column of any of e, events
-- = b STRING [e.payload.b]: events.payload transformed
-- = id INT64 [events.id]: events.id passed
-- ~ join events.id
-------
-- title: field of a composite value in Postgres
-- dialect: postgres
select (address).city, (e.address).street as street, payload ->> 'a' as a, payload -> 'b' as b from events e
-- = city ? [(address).city]: events.address transformed
-- = street ? [(e.address).street]: events.address transformed
-- = a text [payload ->> 'a']: events.payload transformed
-- = b jsonb [payload -> 'b']: events.payload transformed
-------
-- title: a whole row
select o from orders o
-- = o ? [o]: orders.id transformed, orders.customer_id transformed, orders.amount transformed, orders.status transformed, orders.created_at transformed
-------
-- title: a whole row in an expression
-- dialect: postgres
select to_jsonb(c) as doc from customers c
-- = doc ? [to_jsonb(c)]: customers.id transformed, customers.name transformed, customers.country transformed
-------
-- title: an alias, or a column of a table that may have it
select a + 1 as more, more + 1 as twice from partial where more > 1
-- = more INTEGER [a + 1]: partial.a transformed
-- = twice ? [more + 1] ? `more` may be a column of `partial`, or the one that is made here
-------
-- title: a name that is the table's, too, and the table may have such a column
select partial from partial
-- = partial ? [partial] ? `partial` may be a column of `partial`, or a whole row
-------
-- title: an alias that is grouped by is meant, whatever the table has
select upper(b) as loud, count(*) as n from partial group by loud
-- = loud VARCHAR [upper(b)]: partial.b transformed
-- = n BIGINT [count(*)]
-- ~ group partial.b
-------
-- title: only the query around may have it
select c.id from partial p, customers c where exists (select 1 from orders o where o.id = elsewhere)
-- = id INTEGER [c.id]: customers.id passed
-- ~ join orders.id, join partial.elsewhere
