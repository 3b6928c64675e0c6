-- What a query reads and what its columns are called. Cases end at a line of dashes; `?` as columns: the engine decides.
-------
-- title: one table
-- reads: orders
-- columns: id
select id from orders
-------
-- title: nothing is read
-- reads:
-- columns: one
select 1 as one
-------
-- title: joins, in order of appearance
-- reads: orders, customers, regions
-- columns: id, name
select o.id, c.name from orders o join customers as c on c.id = o.customer_id left join regions using (region_id)
-------
-- title: a table read twice is read in two places
-- reads: orders, orders
-- columns: id
select a.id from orders a join orders b on a.id = b.parent_id
-------
-- title: a comma is a join
-- reads: orders, customers
-- columns: ?
select * from orders, customers
-------
-- title: a CTE is not a table
-- reads: orders
-- columns: id
with recent as (select id from orders) select id from recent
-------
-- title: a CTE hides the model of the same name from what comes after it
-- reads: raw_orders
-- columns: id
with orders as (select id from raw_orders) select id from orders
-------
-- title: a CTE's own body still reads the model of its name
-- reads: orders
-- columns: id
with orders as (select id from orders where not deleted) select id from orders
-------
-- title: a CTE is hidden from the ones before it
-- reads: b, c
-- columns: ?
with a as (select * from b), b as (select * from c) select * from a, b
-------
-- title: later CTEs see earlier ones
-- reads: orders
-- columns: ?
with a as (select * from orders), b as (select * from a), c as (select * from a join b using (id)) select * from c
-------
-- title: with a schema it is a table, whatever the CTEs are called
-- reads: staging.orders
-- columns: ?
with orders as (select 1 as id) select * from orders join staging.orders using (id)
-------
-- title: CTE names are compared without case
-- reads: raw
-- columns: ?
with Orders as (select * from raw) select * from ORDERS
-------
-- title: a quoted CTE name
-- reads: raw
-- columns: ?
with "my orders" as (select * from raw) select * from "my orders"
-------
-- title: a CTE inside a CTE
-- reads: orders
-- columns: id
with outermost as (with inner_one as (select id from orders) select id from inner_one) select id from outermost
-------
-- title: an inner CTE is unknown outside
-- reads: orders, inner_one
-- columns: ?
with outermost as (with inner_one as (select * from orders) select * from inner_one) select * from outermost join inner_one using (id)
-------
-- title: an outer CTE is known inside
-- reads: orders
-- columns: ?
with a as (select * from orders) select * from (with b as (select * from a) select * from b) as x
-------
-- title: an inner CTE shadows an outer one
-- reads: x, y
-- columns: ?
with a as (select * from x) select * from a join (with a as (select * from y) select * from a) as z using (id)
-------
-- title: a CTE in a subquery is unknown beside it
-- reads: orders, recent
-- columns: ?
select * from (with recent as (select * from orders) select * from recent) as a join recent using (id)
-------
-- title: a recursive CTE reads itself
-- reads: employees, employees_of
-- columns: id
with recursive chain as (select id from employees union all select e.id from chain join employees_of as e using (id)) select id from chain
-------
-- title: without RECURSIVE a CTE's body reads a table of its name
-- reads: chain
-- columns: ?
with chain as (select * from chain) select * from chain
-------
-- title: recursive CTEs see each other, in both directions
-- reads: roots
-- columns: n
with recursive even as (select n from roots union all select n + 1 from odd), odd as (select n + 1 as n from even) select n from even
-------
-- title: a CTE with column names
-- reads: orders
-- columns: a
with t(a, b) as (select id, total from orders) select a from t
-------
-- title: a materialized CTE
-- dialect: postgres
-- reads: orders
-- columns: ?
with t as materialized (select * from orders) select * from t
-------
-- title: a subquery in FROM
-- reads: orders
-- columns: id
select id from (select id from orders) as recent
-------
-- title: subqueries in FROM, nested
-- reads: orders
-- columns: id
select id from (select id from (select * from orders) as a) as b
-------
-- title: IN, EXISTS and scalar subqueries
-- reads: totals, orders, vips, refunds
-- columns: id, total
select id, (select max(total) from totals) as total from orders where id in (select id from vips) and not exists (select 1 from refunds)
-------
-- title: a correlated subquery reads its own table only
-- reads: orders, items
-- columns: id
select o.id from orders o where o.total > (select avg(i.total) from items i where i.order_id = o.id)
-------
-- title: a subquery in a join condition, HAVING and ORDER BY
-- reads: a, b, c, d, e
-- columns: x
select x from a join b on a.id = (select max(id) from c) group by x having count(*) > (select n from d) order by (select k from e)
-------
-- title: a table alias is not a table
-- reads: orders
-- columns: id
select customers.id from orders as customers
-------
-- title: a column called like a table
-- reads: orders
-- columns: customers
select customers from orders
-------
-- title: union takes its names from the first query
-- reads: a, b
-- columns: id
select id from a union all select other from b
-------
-- title: set operations with brackets
-- reads: a, b, c
-- columns: id
(select id from a union select id from b) except select id from c
-------
-- title: intersect inside a CTE
-- reads: a, b
-- columns: id
with both as (select id from a intersect select id from b) select id from both
-------
-- title: a CTE is known on both sides of a union
-- reads: raw
-- columns: id
with a as (select id from raw) select id from a union all select id from a
-------
-- title: union by name has the columns of both
-- reads: a, b
-- columns: id, x, y
select id, x from a union all by name select y, id from b
-------
-- title: a lateral subquery
-- dialect: postgres
-- reads: orders, items
-- columns: ?
select * from orders o cross join lateral (select * from items i where i.order_id = o.id limit 1) as last_item
-------
-- title: a lateral table function
-- dialect: postgres
-- reads: orders
-- columns: ?
select * from orders o, lateral jsonb_array_elements(o.items) as item
-------
-- title: unnest of a column
-- reads: orders
-- columns: ?
select * from orders, unnest(orders.items) as item
-------
-- title: table functions
-- reads:
-- columns: ?
select * from range(10) as r(i), generate_series(1, 3) as g(n)
-------
-- title: a function that reads a file
-- reads:
-- columns: ?
select * from read_csv('orders.csv', header = true)
-------
-- title: a file read by path
-- reads:
-- columns: ?
select * from 'data/orders.parquet'
-------
-- title: a table function over a subquery
-- reads: orders
-- columns: ?
select * from unnest((select list(id) from orders)) as ids(id)
-------
-- title: FROM first
-- reads: orders
-- columns: ?
from orders
-------
-- title: FROM first with SELECT
-- reads: orders
-- columns: id
from orders select id where id > 1
-------
-- title: FROM first in a subquery and a CTE
-- reads: orders, customers
-- columns: ?
with a as (from orders) from a join (from customers) as c using (id)
-------
-- title: VALUES alone
-- reads:
-- columns: ?
values (1, 'a'), (2, 'b')
-------
-- title: VALUES as a table
-- reads:
-- columns: id
select id from (values (1), (2)) as v(id)
-------
-- title: a table named like VALUES' alias is not read
-- reads: v2
-- columns: ?
select * from (values (1)) as v(id) join v2 using (id)
-------
-- title: PIVOT as a statement
-- reads: sales
-- columns: ?
pivot sales on year using sum(amount)
-------
-- title: PIVOT in FROM
-- reads: sales
-- columns: ?
select * from sales pivot (sum(amount) for year in (2023, 2024))
-------
-- title: UNPIVOT
-- reads: monthly
-- columns: ?
unpivot monthly on jan, feb into name month value amount
-------
-- title: SUMMARIZE
-- reads: orders
-- columns: ?
summarize orders
-------
-- title: ASOF and POSITIONAL joins
-- reads: trades, prices, notes
-- columns: ?
select * from trades asof join prices using (symbol, at) positional join notes
-------
-- title: a sample
-- reads: orders
-- columns: ?
select * from orders tablesample reservoir(10)
-------
-- title: comments are not read
-- reads: orders
-- columns: id
select id -- from customers
from /* from regions */ orders -- join nothing
-------
-- title: strings are not read
-- reads: orders
-- columns: said
select 'it''s from customers' as said from orders where note = 'join regions'
-------
-- title: a dollar-quoted string is not read
-- dialect: postgres
-- reads: orders
-- columns: said
select $tag$ from customers $tag$ as said from orders
-------
-- title: nested comments
-- dialect: postgres
-- reads: orders
-- columns: id
select id /* from a /* from b */ from c */ from orders
-------
-- title: a backslash ends no string in Postgres
-- dialect: postgres
-- reads: orders, b
-- columns: x
select 'a\' as x from orders, "b" where y = '\'
-------
-- title: an escape string
-- dialect: postgres
-- reads: orders
-- columns: x
select E'it\'s from customers' as x from orders
-------
-- title: a backslash escapes in BigQuery
-- dialect: bigquery
-- reads: orders
-- columns: x
select 'it\'s from customers' as x from orders
-------
-- title: a triple-quoted string
-- dialect: bigquery
-- reads: orders
-- columns: x
select '''from "a" join 'b' ''' as x from orders
-------
-- title: a hash comment
-- dialect: bigquery
-- reads: orders
-- columns: x
select x # from customers
from orders
-------
-- title: schema and database
-- reads: staging.orders, warehouse.raw.customers
-- columns: ?
select * from staging.orders join warehouse.raw.customers using (id)
-------
-- title: quoted names keep case and blanks
-- reads: Orders, staging.My Table
-- columns: ?
select * from "Orders" join staging."My Table" using (id)
-------
-- title: a dot inside quotes
-- reads: staging."a.b"
-- columns: ?
select * from staging."a.b"
-------
-- title: unquoted names keep the author's case
-- reads: Staging.ORDERS
-- columns: ID
select ID from Staging.ORDERS
-------
-- title: unicode names
-- reads: замовлення, 注文
-- columns: ім'я
select a.x as "ім'я" from замовлення a join 注文 b using (x)
-------
-- title: emoji before a name do not move it
-- reads: orders
-- columns: smile
select '😀👩‍👩‍👧' as smile from orders
-------
-- title: BigQuery's one pair of backticks around all parts
-- dialect: bigquery
-- reads: project.dataset.orders
-- columns: ?
select * from `project.dataset.orders`
-------
-- title: BigQuery's backticks around each part
-- dialect: bigquery
-- reads: my-project.dataset.orders
-- columns: ?
select * from `my-project`.`dataset`.`orders`
-------
-- title: BigQuery's dashes need no quotes
-- dialect: bigquery
-- reads: my-project.dataset.orders
-- columns: ?
select * from my-project.dataset.orders
-------
-- title: BigQuery's wildcard tables
-- dialect: bigquery
-- reads: dataset.events_*
-- columns: ?
select * from `dataset.events_*` where _table_suffix > '2024'
-------
-- title: BigQuery joins an array of the table beside it
-- dialect: bigquery
-- reads: orders
-- columns: ?
select * from orders, orders.items
-------
-- title: BigQuery joins an array through an alias
-- dialect: bigquery
-- reads: shop.orders
-- columns: ?
select * from shop.orders as o, o.items
-------
-- title: BigQuery reads an array in a correlated subquery
-- dialect: bigquery
-- reads: shop.orders
-- columns: n
select (select count(*) from o.items) as n from shop.orders as o
-------
-- title: BigQuery's arrays end at a CTE
-- dialect: bigquery
-- reads: o.items, shop.orders
-- columns: ?
with a as (select * from o.items) select * from shop.orders as o, a
-------
-- title: elsewhere, schema and table may share a name
-- reads: orders, orders.items
-- columns: ?
select * from orders, orders.items
-------
-- title: elsewhere, schema and table may share a name (Postgres)
-- dialect: postgres
-- reads: orders, orders.items
-- columns: ?
select * from orders, orders.items
-------
-- title: BigQuery's UNNEST with offset
-- dialect: bigquery
-- reads: orders
-- columns: item
select item from orders, unnest(items) as item with offset as n
-------
-- title: BigQuery's SELECT AS STRUCT has one nameless column
-- dialect: bigquery
-- reads: orders
-- columns: ?
select as struct id from orders
-------
-- title: BigQuery's EXCEPT and QUALIFY
-- dialect: bigquery
-- reads: orders
-- columns: ?
select * except (secret) from orders qualify row_number() over (partition by id order by at desc) = 1
-------
-- title: BigQuery's array of the table beside it, by UNNEST
-- dialect: bigquery
-- reads: orders
-- columns: sku
select item.sku from orders, unnest(orders.items) as item
-------
-- title: BigQuery's array in a left join
-- dialect: bigquery
-- reads: shop.orders
-- columns: id, sku
select o.id, i.sku from shop.orders as o left join o.items as i
-------
-- title: BigQuery's array inside a struct, and one inside its elements
-- dialect: bigquery
-- reads: orders
-- columns: name
select p.name from orders as o, o.cart.items as i, i.parts as p
-------
-- title: BigQuery's array beside a table with a dataset
-- dialect: bigquery
-- reads: shop.orders
-- columns: ?
select * from shop.orders, orders.items
-------
-- title: BigQuery's array of a CTE
-- dialect: bigquery
-- reads: raw
-- columns: sku
with orders as (select * from raw) select i.sku from orders, orders.items as i
-------
-- title: a CTE called like BigQuery's array
-- dialect: bigquery
-- reads: orders
-- columns: sku
with items as (select 1 as sku) select i.sku from orders, orders.items as i
-------
-- title: BigQuery's dataset called like no table beside it
-- dialect: bigquery
-- reads: orders, shop.items
-- columns: ?
select * from orders, shop.items
-------
-- title: BigQuery's UNNEST of a list reads nothing
-- dialect: bigquery
-- reads:
-- columns: x
select x from unnest([1, 2]) as x
-------
-- title: BigQuery's IN UNNEST
-- dialect: bigquery
-- reads: orders
-- columns: id
select id from orders where id in unnest([1, 2])
-------
-- title: BigQuery's one pair of backticks around a name with dashes
-- dialect: bigquery
-- reads: my-project.dataset.orders
-- columns: id
select id from `my-project.dataset.orders`
-------
-- title: BigQuery's backticks around the project only
-- dialect: bigquery
-- reads: my-project.dataset.orders
-- columns: id
select id from `my-project`.dataset.orders as o
-------
-- title: BigQuery's backticks around project and dataset
-- dialect: bigquery
-- reads: my-project.dataset.orders
-- columns: id
select id from `my-project.dataset`.orders as o
-------
-- title: BigQuery's backticks around dataset and table
-- dialect: bigquery
-- reads: other.dataset.orders, my-project.dataset.orders
-- columns: id
select id from other.`dataset.orders` join `my-project`.`dataset.orders` using (id)
-------
-- title: BigQuery's dashes, twice
-- dialect: bigquery
-- reads: my-project.dataset.orders, other-one.d.customers
-- columns: id
select id from my-project.dataset.orders as o join other-one.d.customers using (customer)
-------
-- title: BigQuery's wildcard tables of another project
-- dialect: bigquery
-- reads: my-project.dataset.events_2024*
-- columns: id
select id from `my-project.dataset.events_2024*`
-------
-- title: BigQuery's pipes
-- dialect: bigquery
-- reads: orders, customers
-- columns: ?
from orders |> where id > 1 |> join customers using (customer) |> aggregate count(*) as n group by customer
-------
-- title: BigQuery's field of a struct is called like the field
-- dialect: bigquery
-- reads: orders
-- columns: id, city
select orders.id, orders.customer.address.city from orders
-------
-- title: BigQuery's CTE hides a model from what comes after it, not from itself
-- dialect: bigquery
-- reads: orders, dataset.orders
-- columns: id
with orders as (select id from orders) select o.id from `Orders` as o join `dataset.orders` using (id)
-------
-- title: BigQuery's table at another time
-- dialect: bigquery
-- reads: orders
-- columns: id
select id from orders for system_time as of timestamp '2024-01-01'
-------
-- title: BigQuery's arrays of a subquery
-- dialect: bigquery
-- reads: customers, orders
-- columns: xs, has
select array(select x from unnest(o.xs) as x) as xs, exists(select 1 from customers as c where c.id = o.id) as has from orders as o
-------
-- title: FOR UPDATE OF repeats an alias
-- dialect: postgres
-- reads: orders
-- columns: id
select o.id from orders o for update of o
-------
-- title: ONLY and TABLE
-- dialect: postgres
-- reads: orders
-- columns: ?
select * from only orders
-------
-- title: TABLE as a query
-- dialect: postgres
-- reads: orders
-- columns: ?
table orders
-------
-- title: a function with FROM in its arguments
-- dialect: postgres
-- reads: orders
-- columns: y, s, t
select extract(year from at) as y, substring(name from 1 for 2) as s, trim(both ' ' from name) as t from orders
-------
-- title: IS DISTINCT FROM
-- dialect: postgres
-- reads: orders
-- columns: changed
select a is distinct from b as changed from orders
-------
-- title: an array subquery
-- dialect: postgres
-- reads: orders, customers
-- columns: ids
select array(select id from orders) as ids from customers
-------
-- title: a record function with column definitions
-- dialect: postgres
-- reads:
-- columns: a
select a from json_to_recordset('[]') as x(a int, b text)
-------
-- title: only names that the author wrote are known
-- reads: t
-- columns: ?
select a::int from t
-------
-- title: a column of a table, and a field
-- reads: t
-- columns: a, f
select t.a, t.s.f from t
-------
-- title: a star of one table
-- reads: t, u
-- columns: ?
select t.*, u.a from t join u using (id)
-------
-- title: DuckDB's columns()
-- reads: t
-- columns: ?
select columns('a.*') from t
-------
-- title: DuckDB's alias before the value
-- reads: t
-- columns: total
select total: a + b from t
-------
-- title: a table in a schema called like a CTE
-- reads: recent.orders
-- columns: ?
with recent as (select 1 as id) select * from recent.orders join recent using (id)
-------
-- title: a plain table called this is not the marker
-- reads: "this"
-- columns: ?
select * from this
-------
-- title: a semicolon at the end, and a comment behind it
-- reads: orders
-- columns: id
select id from orders; -- done
