-- What is wrong, and what is not.
-------
-- title: S101 with a hint
select custmer_id from orders
-- = custmer_id ? [custmer_id] ? there is no column `custmer_id` in `orders`
-- ! S101 [custmer_id] there is no column `custmer_id` in `orders` (did you mean `customer_id`?)
-------
-- title: S101 of several tables
select nme from orders join customers on customers.id = orders.customer_id
-- = nme ? [nme] ? there is no column `nme` in `orders` or `customers`
-- ~ join customers.id, join orders.customer_id
-- ! S101 [nme] there is no column `nme` in `orders` or `customers` (did you mean `name`?)
-------
-- title: S101 behind an alias
select o.amout from orders o where o.status = 'x'
-- = amout ? [o.amout] ? `o` has no column `amout`
-- ~ filter orders.status
-- ! S101 [o.amout] `o` has no column `amout` (did you mean `amount`?)
-------
-- title: S101 in a CTE that renamed it
with a as (select id as order_id from orders) select id from a
-- = id ? [id] ? there is no column `id` in `a`
-- ! S101 [id] there is no column `id` in `a`
-------
-- title: S101 in every clause
select id from orders where statu = 'x' group by idd order by creatd_at
-- = id INTEGER [id]: orders.id passed
-- ! S101 [statu] there is no column `statu` in `orders` (did you mean `status`?)
-- ! S101 [idd] there is no column `idd` in `orders` (did you mean `id`?)
-- ! S101 [creatd_at] there is no column `creatd_at` in `orders` (did you mean `created_at`?)
-------
-- title: S101 without FROM
select id
-- = id ? [id] ? there is no column `id`: this SELECT reads nothing
-- ! S101 [id] there is no column `id`: this SELECT reads nothing
-------
-- title: not S101: the parent may have it
select id, anything from partial
-- = id ? [id]: partial.id passed
-- = anything ? [anything]: partial.anything passed
-------
-- title: not S101: a named argument of a table function
select * from read_csv('file.csv', header = true)
-- ? the columns of `read_csv` are not known
-------
-- title: not S101: an external table may have it
select whatever from raw.dump join customers on true
-- = whatever ? [whatever] ? `raw.dump` is not part of the project
-------
-- title: S101 of an upper-case name in Postgres
-- dialect: postgres
select name from legacy
-- = name ? [name] ? there is no column `name` in `legacy`
-- ! S101 [name] there is no column `name` in `legacy` (did you mean `Name`?)
-------
-- title: S102 in a join
select id from orders o join customers c on c.id = o.customer_id where id > 3
-- = id ? [id] ? `id` may be a column of any of o, c
-- ~ join customers.id, join orders.customer_id
-- ! S102 [id] `id` is a column of `o` and `c` (say which: `o.id`)
-- ! S102 [id] `id` is a column of `o` and `c` (say which: `o.id`)
-------
-- title: not S102: USING made one of them
select id from orders join customers using (id)
-- = id INTEGER [id]: orders.id passed
-- ~ join orders.id, join customers.id
-------
-- title: not S101: what the SELECT itself makes, and only the engine can name
select unnest(payload), f + 1 as more, g.x as y from events
-- = more ? [f + 1] ? `f` may be one of the columns that this SELECT makes
-- = y ? [g.x] ? `g` may be one of the columns that this SELECT makes
-- ? what `unnest(…)` gives is only known to the engine
-------
-- title: not S102: the inner table may have it
select a.id from orders a join orders b on a.id = b.id where a.id = (select amount from raw.dump limit 1)
-- = id INTEGER [a.id]: orders.id passed
-- ~ join orders.id, filter orders.id
-------
-- title: S102, the query around has it twice, and the inner one surely not
select a.id from orders a join orders b on a.id = b.id where a.id = (select max(id) from payments where amount > 1 and status = 'x')
-- = id INTEGER [a.id]: orders.id passed
-- ~ join orders.id, filter orders.id, filter payments.amount
-- ! S102 [id] `id` is a column of `a` and `b` (say which: `a.id`)
-- ! S102 [status] `status` is a column of `a` and `b` (say which: `a.status`)
-------
-- title: S105, an alias that is not there
select x.id from orders o
-- = id ? [x.id] ? `x` is not in FROM
-- ! S105 [x.id] `x` is not in FROM
-------
-- title: S105, the table is called something else here
-- dialect: postgres
select orders.id from orders o
-- = id ? [orders.id] ? `orders` is not in FROM
-- ! S105 [orders.id] `orders` is not in FROM (it is called `o` here)
-------
-- title: not S105: a struct of an unknown table
select thing.field from raw.dump
-- = field ? [thing.field] ? `raw.dump` is not part of the project
-------
-- title: S106, written twice
select id, amount as id from orders
-- = id INTEGER [id]: orders.id passed
-- = id_1 DECIMAL(10,2) [amount]: orders.amount renamed
-- ! S106 [id] two columns are called `id` (DuckDB calls the second one `id_1`)
-------
-- title: S106, stars in Postgres
-- dialect: postgres
select * from orders o join customers c on c.id = o.customer_id
-- = id integer [*]: orders.id passed
-- = customer_id integer [*]: orders.customer_id passed
-- = amount numeric(10,2) [*]: orders.amount passed
-- = status text [*]: orders.status passed
-- = created_at timestamp without time zone [*]: orders.created_at passed
-- = id integer [*]: customers.id passed
-- = name text [*]: customers.name passed
-- = country text [*]: customers.country passed
-- ~ join customers.id, join orders.customer_id
-- ! S106 [*] two columns are called `id` (give one of them another name)
-------
-- title: not S106: DuckDB gives a star's second column another name
select * from orders o join customers c on c.id = o.customer_id
-- = id INTEGER [*]: orders.id passed
-- = customer_id INTEGER [*]: orders.customer_id passed
-- = amount DECIMAL(10,2) [*]: orders.amount passed
-- = status VARCHAR [*]: orders.status passed
-- = created_at TIMESTAMP [*]: orders.created_at passed
-- = id_1 INTEGER [*]: customers.id renamed
-- = name VARCHAR [*]: customers.name passed
-- = country VARCHAR [*]: customers.country passed
-- ~ join customers.id, join orders.customer_id
-------
-- title: S107, too many names
-- dialect: postgres
with a(x, y) as (select id from orders) select x from a
-- = x integer [id]: orders.id renamed
-- ! S107 [x, y] `a` has 1 column, and 2 are named (name as many columns as there are)
-------
-- title: S107, too many names for a subquery
select * from (select id from orders) s(x, y)
-- = x INTEGER [id]: orders.id renamed
-- = y ? [*] ? `y` has no column behind it
-- ! S107 [x, y] `s` has 1 column, and 2 are named (name as many columns as there are)
-------
-- title: not S107: DuckDB overlooks it behind a CTE
with a(x, y) as (select id from orders) select x from a
-- = x INTEGER [id]: orders.id renamed
-------
-- title: S107, rows of different width
select * from (values (1, 2), (3)) v(a, b)
-- = a INTEGER [1]
-- = b INTEGER [2]
-- ! S107 [3] row 2 of VALUES is not as long as the first: 1 against 2
-------
-- title: S201, numbers and text in Postgres
-- dialect: postgres
select id from orders where status = 3 or id = status
-- = id integer [id]: orders.id passed
-- ~ filter orders.status, filter orders.id
-- ! S201 [status = 3] text is compared with integer (cast one side so that both have one type)
-- ! S201 [id = status] integer is compared with text (cast one side so that both have one type)
-------
-- title: not S201: literals
-- dialect: postgres
select id from orders where created_at > '2024-01-01' and id = '3' and amount > 1
-- = id integer [id]: orders.id passed
-- ~ filter orders.created_at, filter orders.id, filter orders.amount
-------
-- title: not S201: DuckDB casts text
select id from orders where status = 3 and created_at > '2024-01-01'
-- = id INTEGER [id]: orders.id passed
-- ~ filter orders.status, filter orders.created_at
-------
-- title: S201, dates and numbers
select order_id from payments where paid_on = 20240101
-- = order_id INTEGER [order_id]: payments.order_id passed
-- ~ filter payments.paid_on
-- ! S201 [paid_on = 20240101] DATE is compared with INTEGER (cast one side so that both have one type)
-------
-- title: S201 in BigQuery
-- dialect: bigquery
select id from orders where status = id
-- = id INT64 [id]: orders.id passed
-- ~ filter orders.status, filter orders.id
-- ! S201 [status = id] STRING is compared with INT64 (cast one side so that both have one type)
-------
-- title: S201 in IN and BETWEEN
-- dialect: postgres
select id from orders where status in (1, 2) or status between 1 and 2
-- = id integer [id]: orders.id passed
-- ~ filter orders.status
-- ! S201 [status in (1, 2)] text is compared with integer (cast one side so that both have one type)
-- ! S201 [status between 1 and 2] text is compared with integer (cast one side so that both have one type)
-------
-- title: S202, a number joined with a text
select 1 as one from orders o join legacy l on l.id = o.id
-- = one INTEGER [1]
-- ~ join legacy.id, join orders.id
-- ! S202 [l.id = o.id] join keys of different types: `id` is VARCHAR, `id` is INTEGER (cast one side so that both have one type)
-------
-- title: S202, USING
select 1 as one from orders join legacy using (id)
-- = one INTEGER [1]
-- ~ join orders.id, join legacy.id
-- ! S202 [id] `id` is INTEGER on the left side of this join and VARCHAR on the right (cast one side so that both have one type)
-------
-- title: not S202: numbers of different width
select 1 as one from orders o join payments p on p.order_id = o.amount
-- = one INTEGER [1]
-- ~ join payments.order_id, join orders.amount
-------
-- title: S203
select sum(status) as s, avg(name) as a from orders, customers
-- = s ? [sum(status)]: orders.status aggregated
-- = a ? [avg(name)]: customers.name aggregated
-- ! S203 [sum(status)] sum of VARCHAR (cast it to a number, or count it)
-- ! S203 [avg(name)] avg of VARCHAR (cast it to a number, or count it)
-------
-- title: S203, booleans in Postgres
-- dialect: postgres
select sum(active) as s from legacy
-- = s ? [sum(active)]: legacy.active aggregated
-- ! S203 [sum(active)] sum of boolean (cast it to a number, or count it)
-------
-- title: not S203: DuckDB counts what is true
select sum(active) as s from legacy
-- = s HUGEINT [sum(active)]: legacy.active aggregated
-------
-- title: S204 in Postgres
-- dialect: postgres
select id from orders union all select status from orders
-- = id ? [id]: orders.id passed, orders.status renamed
-- ! S204 [status from orders] column `id` of this UNION is integer on one side and text on the other (cast one side so that both have one type)
-------
-- title: not S204: a literal or null
-- dialect: postgres
select created_at from orders union all select '2024-01-01' union all select null
-- = created_at timestamp without time zone [created_at]: orders.created_at passed
-------
-- title: S205
select status + 1 as a, amount * status as b from orders
-- = a ? [status + 1]: orders.status transformed
-- = b ? [amount * status]: orders.amount transformed, orders.status transformed
-- ! S205 [status + 1] `+` with VARCHAR (cast it to a number)
-- ! S205 [amount * status] `*` with VARCHAR (cast it to a number)
-------
-- title: not S205: a literal may be taken for a number
-- dialect: postgres
select id + '1' as a, created_at - interval '1 day' as b from orders
-- = a ? [id + '1']: orders.id transformed
-- = b timestamp without time zone [created_at - interval '1 day']: orders.created_at transformed
