-- Stars.
-------
-- title: all of one table
select * from customers
-- = id INTEGER [*]: customers.id passed
-- = name VARCHAR [*]: customers.name passed
-- = country VARCHAR [*]: customers.country passed
-------
-- title: all of two
select * from customers c join payments p on p.order_id = c.id
-- = id INTEGER [*]: customers.id passed
-- = name VARCHAR [*]: customers.name passed
-- = country VARCHAR [*]: customers.country passed
-- = order_id INTEGER [*]: payments.order_id passed
-- = amount DECIMAL(10,2) [*]: payments.amount passed
-- = method VARCHAR [*]: payments.method passed
-- = paid_on DATE [*]: payments.paid_on passed
-- ~ join payments.order_id, join customers.id
-------
-- title: all of one of two
select c.*, p.amount from customers c join payments p on p.order_id = c.id
-- = id INTEGER [*]: customers.id passed
-- = name VARCHAR [*]: customers.name passed
-- = country VARCHAR [*]: customers.country passed
-- = amount DECIMAL(10,2) [p.amount]: payments.amount passed
-- ~ join payments.order_id, join customers.id
-------
-- title: EXCLUDE
select * exclude (country) from customers
-- = id INTEGER [*]: customers.id passed
-- = name VARCHAR [*]: customers.name passed
-------
-- title: EXCEPT
-- dialect: bigquery
select * except (country) from customers
-- = id INT64 [*]: customers.id passed
-- = name STRING [*]: customers.name passed
-------
-- title: REPLACE
select * replace (upper(name) as name) from customers
-- = id INTEGER [*]: customers.id passed
-- = name VARCHAR [upper(name)]: customers.name transformed
-- = country VARCHAR [*]: customers.country passed
-------
-- title: REPLACE in BigQuery
-- dialect: bigquery
select c.* replace (c.id + 1 as id) from customers c
-- = id INT64 [c.id + 1]: customers.id transformed
-- = name STRING [*]: customers.name passed
-- = country STRING [*]: customers.country passed
-------
-- title: RENAME
select * rename (name as customer) from customers
-- = id INTEGER [*]: customers.id passed
-- = customer VARCHAR [*]: customers.name renamed
-- = country VARCHAR [*]: customers.country passed
-------
-- title: EXCLUDE of what is not there
select * exclude (county) from customers
-- = id INTEGER [*]: customers.id passed
-- = name VARCHAR [*]: customers.name passed
-- = country VARCHAR [*]: customers.country passed
-- ! S104 [county] the star has no column `county` (did you mean `country`?)
-------
-- title: EXCLUDE of what is not there, over a parent that may have it
select * exclude (county) from partial
-- = a INTEGER [*]: partial.a passed
-- ? `partial` reads a star of `raw.dump`
-------
-- title: over an external table
select * from raw.dump
-- ? `raw.dump` is not part of the project
-------
-- title: over an external table, and more
select *, 1 as one, o.id as order_id from raw.dump d join orders o on o.id = d.order_id
-- = id INTEGER [*]: orders.id passed
-- = customer_id INTEGER [*]: orders.customer_id passed
-- = amount DECIMAL(10,2) [*]: orders.amount passed
-- = status VARCHAR [*]: orders.status passed
-- = created_at TIMESTAMP [*]: orders.created_at passed
-- = one INTEGER [1]
-- = order_id INTEGER [o.id]: orders.id renamed
-- ~ join orders.id
-- ? `raw.dump` is not part of the project
-------
-- title: columns(…)
select columns('i.*') from orders
-- ? what `columns(…)` stands for is only known to the engine
-------
-- title: a pattern
select * like 'i%' from orders
-- ? a star with a pattern is only known to the engine
-------
-- title: a star of a source that is not there
select o.* from orders
-- ? `o` is not in FROM
-- ! S105 [o] `o` is not in FROM
-------
-- title: a star over a struct
-- dialect: bigquery
select payload.* from events
-- ? the fields of `payload` are not known
-------
-- title: count(*) uses no columns
select count(*) as n from orders
-- = n BIGINT [count(*)]
