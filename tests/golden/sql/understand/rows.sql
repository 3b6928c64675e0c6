-- What decides about rows: filters, groups, order; and queries inside of conditions.
-------
-- title: WHERE, HAVING and QUALIFY filter
select customer_id, count(*) as n from orders where status = 'paid' group by customer_id having max(amount) > 3 qualify row_number() over (order by min(created_at)) < 3
-- = customer_id INTEGER [customer_id]: orders.customer_id passed
-- = n BIGINT [count(*)]
-- ~ filter orders.status, group orders.customer_id, filter orders.amount, filter orders.created_at
-------
-- title: GROUP BY ordinals
select status, customer_id as c, count(*) as n from orders group by 1, 2
-- = status VARCHAR [status]: orders.status passed
-- = c INTEGER [customer_id]: orders.customer_id renamed
-- = n BIGINT [count(*)]
-- ~ group orders.status, group orders.customer_id
-------
-- title: GROUP BY an alias
select upper(status) as loud, count(*) as n from orders group by loud
-- = loud VARCHAR [upper(status)]: orders.status transformed
-- = n BIGINT [count(*)]
-- ~ group orders.status
-------
-- title: GROUP BY ALL
select status, upper(country) as place, sum(amount) as total from orders join customers on customers.id = customer_id group by all
-- = status VARCHAR [status]: orders.status passed
-- = place VARCHAR [upper(country)]: customers.country transformed
-- = total DECIMAL(38,2) [sum(amount)]: orders.amount aggregated
-- ~ join customers.id, join orders.customer_id, group orders.status, group customers.country
-------
-- title: ROLLUP and GROUPING SETS
-- dialect: postgres
select status, customer_id, sum(amount) as total from orders group by grouping sets ((status), rollup (customer_id))
-- = status text [status]: orders.status passed
-- = customer_id integer [customer_id]: orders.customer_id passed
-- = total numeric [sum(amount)]: orders.amount aggregated
-- ~ group orders.status, group orders.customer_id
-------
-- title: DISTINCT groups by all columns
select distinct status, customer_id as c from orders
-- = status VARCHAR [status]: orders.status passed
-- = c INTEGER [customer_id]: orders.customer_id renamed
-- ~ group orders.status, group orders.customer_id
-------
-- title: DISTINCT ON, with the order that picks
-- dialect: postgres
select distinct on (customer_id) customer_id, status from orders order by customer_id, created_at desc
-- = customer_id integer [customer_id]: orders.customer_id passed
-- = status text [status]: orders.status passed
-- ~ group orders.customer_id, sort orders.customer_id, sort orders.created_at
-------
-- title: ORDER BY alone decides nothing
select id from orders order by amount
-- = id INTEGER [id]: orders.id passed
-------
-- title: ORDER BY with LIMIT
select id, amount as total from orders order by total desc, 1, created_at limit 3
-- = id INTEGER [id]: orders.id passed
-- = total DECIMAL(10,2) [amount]: orders.amount renamed
-- ~ sort orders.amount, sort orders.id, sort orders.created_at
-------
-- title: ORDER BY ALL
select id, status from orders order by all limit 3
-- = id INTEGER [id]: orders.id passed
-- = status VARCHAR [status]: orders.status passed
-- ~ sort orders.id, sort orders.status
-------
-- title: IN with a subquery joins, its own filter filters
select id from orders where customer_id in (select id from customers where country = 'de')
-- = id INTEGER [id]: orders.id passed
-- ~ join customers.id, join orders.customer_id, filter customers.country
-------
-- title: IN with a list filters
select id from orders where status in ('paid', 'sent')
-- = id INTEGER [id]: orders.id passed
-- ~ filter orders.status
-------
-- title: EXISTS: what it compares joins, the rest filters
select c.id from customers c where exists (select 1 from orders o where o.customer_id = c.id and o.status = 'paid')
-- = id INTEGER [c.id]: customers.id passed
-- ~ join orders.customer_id, join customers.id, filter orders.status
-------
-- title: NOT EXISTS
select c.id from customers c where not exists (select 1 from orders o where o.customer_id = c.id) and c.country = 'de'
-- = id INTEGER [c.id]: customers.id passed
-- ~ join orders.customer_id, join customers.id, filter customers.country
-------
-- title: comparison with any
-- dialect: postgres
select id from orders where customer_id = any (select id from customers)
-- = id integer [id]: orders.id passed
-- ~ join customers.id, join orders.customer_id
-------
-- title: a scalar subquery: its filter only decides about the value
select c.name, (select max(amount) from orders o where o.customer_id = c.id) as biggest from customers c
-- = name VARCHAR [c.name]: customers.name passed
-- = biggest DECIMAL(10,2) [(select max(amount) from orders o where o.customer_id = c.id)]: orders.amount aggregated, orders.customer_id conditional, customers.id conditional
-------
-- title: a scalar subquery in WHERE
select id from orders where amount > (select avg(amount) from payments where method = 'card')
-- = id INTEGER [id]: orders.id passed
-- ~ filter orders.amount, filter payments.amount, filter payments.method
-------
-- title: EXISTS as a value
select name, exists (select 1 from orders o where o.customer_id = c.id) as bought from customers c
-- = name VARCHAR [name]: customers.name passed
-- = bought BOOLEAN [exists (select 1 from orders o where o.customer_id = c.id)]: orders.customer_id conditional, customers.id conditional
-------
-- title: IN as a value
select name, id in (select customer_id from orders) as bought from customers
-- = name VARCHAR [name]: customers.name passed
-- = bought BOOLEAN [id in (select customer_id from orders)]: customers.id transformed, orders.customer_id conditional
-------
-- title: a name that only the query around knows
select name, (select count(*) from payments where method = country) as n from customers
-- = name VARCHAR [name]: customers.name passed
-- = n BIGINT [(select count(*) from payments where method = country)]: payments.method conditional, customers.country conditional
-------
-- title: a name that both know is the inner one's
select name, (select max(id) from orders) as last_order from customers
-- = name VARCHAR [name]: customers.name passed
-- = last_order INTEGER [(select max(id) from orders)]: orders.id aggregated
-------
-- title: a name inside of which the inner source may be the owner
select name, (select max(country) from raw.dump) as x from customers
-- = name VARCHAR [name]: customers.name passed
-- = x ? [(select max(country) from raw.dump)] ? `country` may be a column of `dump`, or of the query around
-------
-- title: an array of a subquery
-- dialect: bigquery
select name, array(select o.status from orders o where o.customer_id = c.id) as statuses from customers c
-- = name STRING [name]: customers.name passed
-- = statuses ARRAY<STRING> [array(select o.status from orders o where o.customer_id = c.id)]: orders.status transformed, orders.customer_id conditional, customers.id conditional
-------
-- title: two levels up
select c.name, (select max((select min(p.amount) from payments p where p.order_id = o.id and p.method = c.country)) from orders o) as x from customers c
-- = name VARCHAR [c.name]: customers.name passed
-- = x DECIMAL(10,2) [(select max((select min(p.amount) from payments p where p.order_id = o.id and p.method = c.country)) from orders o)]: payments.amount aggregated, payments.order_id conditional, orders.id conditional, payments.method conditional, customers.country conditional
