-- Windows.
-------
-- title: a number of the row: the window's columns are all there is
select id, row_number() over (partition by customer_id order by created_at desc) as n from orders
-- = id INTEGER [id]: orders.id passed
-- = n BIGINT [row_number() over (partition by customer_id order by created_at desc)]: orders.customer_id window, orders.created_at window
-------
-- title: a sum over a window is aggregated
select id, sum(amount) over (partition by customer_id order by created_at) as running from orders
-- = id INTEGER [id]: orders.id passed
-- = running DECIMAL(38,2) [sum(amount) over (partition by customer_id order by created_at)]: orders.amount aggregated, orders.customer_id window, orders.created_at window
-------
-- title: a value of another row is transformed
select lag(status, 1) over (order by id) as before, first_value(amount) over (partition by customer_id) as first from orders
-- = before VARCHAR [lag(status, 1) over (order by id)]: orders.status transformed, orders.id window
-- = first DECIMAL(10,2) [first_value(amount) over (partition by customer_id)]: orders.amount transformed, orders.customer_id window
-------
-- title: a named window
select sum(amount) over w as total, rank() over w as place from orders window w as (partition by customer_id order by created_at)
-- = total DECIMAL(38,2) [sum(amount) over w]: orders.amount aggregated, orders.customer_id window, orders.created_at window
-- = place BIGINT [rank() over w]: orders.customer_id window, orders.created_at window
-------
-- title: a named window with more
select sum(amount) over (w order by id) as running from orders window w as (partition by status)
-- = running DECIMAL(38,2) [sum(amount) over (w order by id)]: orders.amount aggregated, orders.id window, orders.status window
-------
-- title: in CTEs
with ranked as (select *, row_number() over (partition by customer_id order by created_at desc) as n from orders) select id, status, n from ranked where n = 1
-- = id INTEGER [*]: orders.id passed
-- = status VARCHAR [*]: orders.status passed
-- = n BIGINT [row_number() over (partition by customer_id order by created_at desc)]: orders.customer_id window, orders.created_at window
-- ~ filter orders.customer_id, filter orders.created_at
-------
-- title: QUALIFY with an alias
select id, row_number() over (partition by status order by id) as n from orders qualify n = 1
-- = id INTEGER [id]: orders.id passed
-- = n BIGINT [row_number() over (partition by status order by id)]: orders.status window, orders.id window
-- ~ filter orders.status, filter orders.id
-------
-- title: QUALIFY in BigQuery
-- dialect: bigquery
select id, rank() over (order by amount) as place from orders qualify place <= 3
-- = id INT64 [id]: orders.id passed
-- = place INT64 [rank() over (order by amount)]: orders.amount window
-- ~ filter orders.amount
-------
-- title: an aggregate in a window's order
select status, rank() over (order by sum(amount) desc) as place from orders group by status
-- = status VARCHAR [status]: orders.status passed
-- = place BIGINT [rank() over (order by sum(amount) desc)]: orders.amount window
-- ~ group orders.status
-------
-- title: a window function's default and what ignores nulls
select lag(amount, 1, 0) over (order by id) as before, last_value(status ignore nulls) over (order by id) as last from orders
-- = before DECIMAL(10,2) [lag(amount, 1, 0) over (order by id)]: orders.amount transformed, orders.id window
-- = last VARCHAR [last_value(status ignore nulls) over (order by id)]: orders.status transformed, orders.id window
