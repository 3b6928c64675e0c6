-- Joins.
-------
-- title: ON
select o.id, c.name from orders o left join customers c on c.id = o.customer_id and c.country <> 'xx'
-- = id INTEGER [o.id]: orders.id passed
-- = name VARCHAR [c.name]: customers.name passed
-- ~ join customers.id, join orders.customer_id, join customers.country
-------
-- title: USING makes one column of two, where the left one stands
select * from orders join legacy using (id)
-- = id ? [*]: orders.id passed
-- = customer_id INTEGER [*]: orders.customer_id passed
-- = amount DECIMAL(10,2) [*]: orders.amount passed
-- = status VARCHAR [*]: orders.status passed
-- = created_at TIMESTAMP [*]: orders.created_at passed
-- = Name VARCHAR [*]: legacy.Name passed
-- = active BOOLEAN [*]: legacy.active passed
-- ~ join orders.id, join legacy.id
-- ! S202 [id] `id` is INTEGER on the left side of this join and VARCHAR on the right (cast one side so that both have one type)
-------
-- title: USING's columns come first in Postgres
-- dialect: postgres
select * from payments p join customers c using (id)
-- = id ? [*] ? there is no column `id` on the left side of this join
-- = order_id integer [*]: payments.order_id passed
-- = amount numeric(10,2) [*]: payments.amount passed
-- = method text [*]: payments.method passed
-- = paid_on date [*]: payments.paid_on passed
-- = name text [*]: customers.name passed
-- = country text [*]: customers.country passed
-- ~ join customers.id
-- ! S104 [id] there is no column `id` on the left side of this join
-------
-- title: USING's columns come first in Postgres, really
-- dialect: postgres
select * from (select name, id from customers) c join (select amount, id from orders) o using (id)
-- = id integer [id]: customers.id passed
-- = name text [name]: customers.name passed
-- = amount numeric(10,2) [amount]: orders.amount passed
-- ~ join customers.id, join orders.id
-------
-- title: USING's columns come first in BigQuery
-- dialect: bigquery
select * from (select name, id from customers) c join (select amount, id from orders) o using (id)
-- = id INT64 [id]: customers.id passed
-- = name STRING [name]: customers.name passed
-- = amount NUMERIC(10,2) [amount]: orders.amount passed
-- ~ join customers.id, join orders.id
-------
-- title: USING in a right join
select id, c.id as left_id from customers c right join orders o using (id)
-- = id INTEGER [id]: orders.id passed
-- = left_id INTEGER [c.id]: customers.id renamed
-- ~ join customers.id, join orders.id
-------
-- title: USING in a full join is made of both
select id from customers full join orders using (id)
-- = id INTEGER [id]: customers.id transformed, orders.id transformed
-- ~ join customers.id, join orders.id
-------
-- title: USING twice
select id from orders join customers using (id) join events using (id)
-- = id INTEGER [id]: orders.id passed
-- ~ join orders.id, join customers.id, join events.id
-------
-- title: USING what is not there
select name from customers join payments using (id)
-- = name VARCHAR [name]: customers.name passed
-- ~ join customers.id
-- ! S104 [id] there is no column `id` on the right side of this join
-------
-- title: USING over something unknown
select id, name, more from customers join partial using (id)
-- = id ? [id]: customers.id passed
-- = name VARCHAR [name]: customers.name passed
-- = more ? [more]: partial.more passed
-- ~ join customers.id, join partial.id
-------
-- title: NATURAL
select * from orders natural join payments
-- = id INTEGER [*]: orders.id passed
-- = customer_id INTEGER [*]: orders.customer_id passed
-- = amount DECIMAL(10,2) [*]: orders.amount passed
-- = status VARCHAR [*]: orders.status passed
-- = created_at TIMESTAMP [*]: orders.created_at passed
-- = order_id INTEGER [*]: payments.order_id passed
-- = method VARCHAR [*]: payments.method passed
-- = paid_on DATE [*]: payments.paid_on passed
-- ~ join orders.amount, join payments.amount
-------
-- title: NATURAL over something unknown
select * from orders natural join partial
-- = id INTEGER [*]: orders.id passed
-- = customer_id INTEGER [*]: orders.customer_id passed
-- = amount DECIMAL(10,2) [*]: orders.amount passed
-- = status VARCHAR [*]: orders.status passed
-- = created_at TIMESTAMP [*]: orders.created_at passed
-- = a INTEGER [*]: partial.a passed
-- ? `partial` reads a star of `raw.dump`
-------
-- title: cross join and comma
select c.name, p.method from customers c cross join payments p, orders
-- = name VARCHAR [c.name]: customers.name passed
-- = method VARCHAR [p.method]: payments.method passed
-------
-- title: a semi join's columns do not come out
select * from customers semi join orders on orders.customer_id = customers.id
-- = id INTEGER [*]: customers.id passed
-- = name VARCHAR [*]: customers.name passed
-- = country VARCHAR [*]: customers.country passed
-- ~ join orders.customer_id, join customers.id
-------
-- title: an anti join
select * from customers anti join orders using (id)
-- = id INTEGER [*]: customers.id passed
-- = name VARCHAR [*]: customers.name passed
-- = country VARCHAR [*]: customers.country passed
-- ~ join customers.id, join orders.id
-------
-- title: parentheses without an alias
select o.id, c.name from (orders o join customers c on c.id = o.customer_id)
-- = id INTEGER [o.id]: orders.id passed
-- = name VARCHAR [c.name]: customers.name passed
-- ~ join customers.id, join orders.customer_id
-------
-- title: parentheses with an alias
select j.status, j.name from (orders o join customers c on c.id = o.customer_id) j
-- = status VARCHAR [j.status]: orders.status passed
-- = name VARCHAR [j.name]: customers.name passed
-- ~ join customers.id, join orders.customer_id
-------
-- title: ambiguous
select id from orders join customers on customers.id = orders.customer_id
-- = id ? [id] ? `id` may be a column of any of orders, customers
-- ~ join customers.id, join orders.customer_id
-- ! S102 [id] `id` is a column of `orders` and `customers` (say which: `orders.id`)
-------
-- title: of one of several
select name, method, amount from customers, payments
-- = name VARCHAR [name]: customers.name passed
-- = method VARCHAR [method]: payments.method passed
-- = amount DECIMAL(10,2) [amount]: payments.amount passed
-------
-- title: a name of two unknown sources
select a, other from partial, raw.dump
-- = a INTEGER [a]: partial.a passed
-- = other ? [other] ? `other` may be a column of any of partial, dump
-------
-- title: a name of the only unknown source
select name, surely_his from customers, raw.dump
-- = name VARCHAR [name]: customers.name passed
-- = surely_his ? [surely_his] ? `raw.dump` is not part of the project
-------
-- title: a lateral subquery
select c.name, l.total from customers c, lateral (select sum(amount) as total from orders o where o.customer_id = c.id) l
-- = name VARCHAR [c.name]: customers.name passed
-- = total DECIMAL(38,2) [sum(amount)]: orders.amount aggregated
-- ~ join orders.customer_id, join customers.id
-------
-- title: a subquery in FROM sees its left side in DuckDB
select s.x from customers c, (select c.name as x) s
-- = x VARCHAR [c.name]: customers.name renamed
-------
-- title: a subquery in FROM sees nothing beside it in Postgres
-- dialect: postgres
select s.x from customers c, (select c.name as x) s
-- = x ? [c.name] ? `c` is not in FROM
-- ! S105 [c.name] `c` is not in FROM
-------
-- title: lateral in Postgres
-- dialect: postgres
select c.name, l.total from customers c left join lateral (select sum(amount) as total from orders o where o.customer_id = c.id) l on true
-- = name text [c.name]: customers.name passed
-- = total numeric [sum(amount)]: orders.amount aggregated
-- ~ join orders.customer_id, join customers.id
-------
-- title: asof join
select o.id, p.amount from orders o asof join payments p on o.id = p.order_id and o.created_at >= p.paid_on
-- = id INTEGER [o.id]: orders.id passed
-- = amount DECIMAL(10,2) [p.amount]: payments.amount passed
-- ~ join orders.id, join payments.order_id, join orders.created_at, join payments.paid_on
