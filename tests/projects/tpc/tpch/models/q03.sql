-- The ten most valuable orders of the building segment that had not been shipped by 15 March 1995.
select
    sold.l_orderkey,
    sum(sold.revenue) as revenue,
    orders.o_orderdate,
    orders.o_shippriority
from {{ source('tpch', 'customer') }} as customer
join {{ source('tpch', 'orders') }} as orders on orders.o_custkey = customer.c_custkey
join {{ ref('sold_lines') }} as sold on sold.l_orderkey = orders.o_orderkey
where
    customer.c_mktsegment = 'BUILDING'
    and orders.o_orderdate < date '1995-03-15'
    and sold.l_shipdate > date '1995-03-15'
group by sold.l_orderkey, orders.o_orderdate, orders.o_shippriority
order by revenue desc, orders.o_orderdate
limit 10
