-- Set operations.
-------
-- title: by position, with the first one's names
select id, name from customers union all select id, status from orders
-- = id INTEGER [id]: customers.id passed, orders.id passed
-- = name VARCHAR [name]: customers.name passed, orders.status renamed
-------
-- title: UNION compares all columns
select id from customers union select customer_id from orders
-- = id INTEGER [id]: customers.id passed, orders.customer_id renamed
-- ~ join customers.id, join orders.customer_id
-------
-- title: EXCEPT gives the left side's values
select id from customers except select customer_id from orders
-- = id INTEGER [id]: customers.id passed
-- ~ join customers.id, join orders.customer_id
-------
-- title: INTERSECT
select id from customers intersect select customer_id from orders
-- = id INTEGER [id]: customers.id passed, orders.customer_id renamed
-- ~ join customers.id, join orders.customer_id
-------
-- title: three of them
select id as x from customers union all select order_id from payments union all select 1
-- = x INTEGER [id]: customers.id renamed, payments.order_id renamed
-------
-- title: by name
select id, name from customers union all by name select status, id from orders
-- = id INTEGER [id]: customers.id passed, orders.id passed
-- = name VARCHAR [name]: customers.name passed
-- = status VARCHAR [status]: orders.status passed
-------
-- title: types unite
select id as x from orders union all select amount from orders
-- = x DECIMAL(12,2) [id]: orders.id renamed, orders.amount renamed
-------
-- title: types unite in Postgres
-- dialect: postgres
select id as x, status as y from orders union all select amount, null from orders
-- = x numeric [id]: orders.id renamed, orders.amount renamed
-- = y text [status]: orders.status renamed
-------
-- title: sides of different width
select id, name from customers union all select id from orders
-- = id ? [id]: customers.id passed ? the sides of UNION have 2 and 1 columns
-- = name ? [name]: customers.name passed ? the sides of UNION have 2 and 1 columns
-- ! S103 [id from orders] UNION of 2 columns with 1 column (both sides must have as many columns)
-------
-- title: a star over something unknown
select id, name from customers union all select * from raw.dump
-- = id ? [id]: customers.id passed ? `raw.dump` is not part of the project
-- = name ? [name]: customers.name passed ? `raw.dump` is not part of the project
-------
-- title: something unknown first
select * from raw.dump union all select id, name from customers
-- ? `raw.dump` is not part of the project
-------
-- title: ORDER BY of the result
select id as x from customers union all select id from orders order by x limit 3
-- = x INTEGER [id]: customers.id renamed, orders.id renamed
-- ~ sort customers.id, sort orders.id
-------
-- title: ORDER BY what the result does not have
-- dialect: postgres
select id as x from customers union all select id from orders order by id
-- = x integer [id]: customers.id renamed, orders.id renamed
-- ! S101 [id] there is no column `id` in the result
-------
-- title: in a CTE
with u as (select id, amount from orders union all select order_id, amount from payments) select id, sum(amount) as total from u group by id
-- = id INTEGER [id]: orders.id passed, payments.order_id renamed
-- = total DECIMAL(38,2) [sum(amount)]: orders.amount aggregated, payments.amount aggregated
-- ~ group orders.id, group payments.order_id
-------
-- title: in parentheses
(select id from orders where amount > 1 order by amount limit 2) union all (select id from customers)
-- = id INTEGER [id]: orders.id passed, customers.id passed
-- ~ filter orders.amount, sort orders.amount
