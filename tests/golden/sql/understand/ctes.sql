-- CTEs: hops are composed, so that origins are always columns of parents.
-------
-- title: a chain of renames that ends with its own name is passed
with a as (select id as x from orders), b as (select x as y from a) select y as id from b
-- = id INTEGER [id]: orders.id passed
-------
-- title: the innermost expression that does something
with a as (select amount * 2 as twice from orders), b as (select twice from a) select twice as result from b
-- = result DECIMAL(18,2) [amount * 2]: orders.amount transformed
-------
-- title: aggregated, then renamed and transformed
with sums as (select customer_id, sum(amount) as total from orders group by 1) select total + 1 as more, total from sums
-- = more DECIMAL(38,2) [total + 1]: orders.amount aggregated
-- = total DECIMAL(38,2) [sum(amount)]: orders.amount aggregated
-- ~ group orders.customer_id
-------
-- title: what decides first decides in the end
with flagged as (select case when status = 'paid' then 1 else 0 end as paid, amount from orders) select paid * amount as revenue from flagged
-- = revenue DECIMAL(18,2) [paid * amount]: orders.status conditional, orders.amount transformed
-------
-- title: rows of every CTE that is read, once
with a as (select * from orders where status = 'paid'), b as (select * from a where status <> 'x' and amount > 0) select id from b
-- = id INTEGER [*]: orders.id passed
-- ~ filter orders.status, filter orders.amount
-------
-- title: rows of a CTE nobody reads do not count
with unused as (select id from customers where country = 'de') select id from orders
-- = id INTEGER [id]: orders.id passed
-------
-- title: column names behind the CTE's name
with a(key, value) as (select id, amount from orders) select key, value from a
-- = key INTEGER [id]: orders.id renamed
-- = value DECIMAL(10,2) [amount]: orders.amount renamed
-------
-- title: fewer names than columns
with a(key) as (select id, amount from orders) select key, amount from a
-- = key INTEGER [id]: orders.id renamed
-- = amount DECIMAL(10,2) [amount]: orders.amount passed
-------
-- title: a CTE inside of a CTE
with outermost as (with inner_one as (select id from orders) select id as x from inner_one) select x from outermost
-- = x INTEGER [id]: orders.id renamed
-------
-- title: a CTE inside of a subquery hides the one around
with a as (select id from orders) select * from (with a as (select name from customers) select * from a) s
-- = name VARCHAR [name]: customers.name passed
-------
-- title: a CTE hides the table of its name
with orders as (select id, status as state from orders) select * from orders
-- = id INTEGER [id]: orders.id passed
-- = state VARCHAR [status]: orders.status renamed
-------
-- title: a CTE read twice
with a as (select id, amount from orders) select l.id, r.amount from a l join a r on l.id = r.id
-- = id INTEGER [id]: orders.id passed
-- = amount DECIMAL(10,2) [amount]: orders.amount passed
-- ~ join orders.id
-------
-- title: recursive
with recursive tree as (select id, customer_id as parent, 1 as depth from orders where customer_id is null union all select o.id, o.customer_id, t.depth + 1 from orders o join tree t on t.id = o.customer_id) select id, parent, depth from tree
-- = id INTEGER [id]: orders.id passed
-- = parent INTEGER [customer_id]: orders.customer_id renamed
-- = depth INTEGER [1]
-- ~ filter orders.customer_id, join orders.id, join orders.customer_id
-------
-- title: recursive, with names
with recursive n(i) as (select 1 union all select i + 1 from n where i < 10) select i from n
-- = i INTEGER [1]
-------
-- title: recursive: what the rounds add
with recursive walk as (select id, name as path from customers union all select c.id, w.path || '/' || c.country from customers c join walk w on w.id = c.id) select path from walk
-- = path VARCHAR [name]: customers.name transformed, customers.country transformed
-- ~ join customers.id
-------
-- title: recursive in Postgres
-- dialect: postgres
with recursive t as (select id, amount from orders union select t.id, o.amount from t join orders o on o.id = t.id) select * from t
-- = id integer [id]: orders.id passed
-- = amount numeric(10,2) [amount]: orders.amount passed
-- ~ join orders.id, join orders.amount
-------
-- title: a star through CTEs
with a as (select * from orders), b as (select *, amount * 2 as twice from a) select * from b
-- = id INTEGER [*]: orders.id passed
-- = customer_id INTEGER [*]: orders.customer_id passed
-- = amount DECIMAL(10,2) [*]: orders.amount passed
-- = status VARCHAR [*]: orders.status passed
-- = created_at TIMESTAMP [*]: orders.created_at passed
-- = twice DECIMAL(18,2) [amount * 2]: orders.amount transformed
-------
-- title: an unknown table behind a CTE
with a as (select * from raw.dump) select id, a.status from a
-- = id ? [id] ? `raw.dump` is not part of the project
-- = status ? [a.status] ? `raw.dump` is not part of the project
-------
-- title: a parent of which not all is known
with a as (select * from partial) select a, b from a
-- = a INTEGER [*]: partial.a passed
-- = b ? [b]: partial.b passed
-------
-- title: a parent of which nothing is known
select id, blank.name as n from blank
-- = id ? [id]: blank.id passed
-- = n ? [blank.name]: blank.name renamed
-------
-- title: VALUES as a CTE with names
with v(a, b) as (values (1, 'x'), (2, 'y')) select a, b from v
-- = a INTEGER [1]
-- = b VARCHAR ['x']
-------
-- title: a derived table's names
select s.x, y from (select id, status from orders) as s(x, y)
-- = x INTEGER [id]: orders.id renamed
-- = y VARCHAR [status]: orders.status renamed
-------
-- title: two columns of one name in a derived table (DuckDB)
select * from (select id, id from orders) s
-- = id INTEGER [id]: orders.id passed
-- = id_1 INTEGER [id]: orders.id renamed
