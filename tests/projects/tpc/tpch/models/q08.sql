-- Brazil's share of what America's customers paid for one type of part, by year.
with all_nations as (
    select
        extract(year from orders.o_orderdate) as o_year,
        sold.revenue as volume,
        suppliers.supplier_nation as nation
    from {{ ref('sold_lines') }} as sold
    join {{ source('tpch', 'part') }} as part on part.p_partkey = sold.l_partkey
    join {{ ref('supplier_nations') }} as suppliers on suppliers.s_suppkey = sold.l_suppkey
    join {{ source('tpch', 'orders') }} as orders on orders.o_orderkey = sold.l_orderkey
    join {{ ref('customer_nations') }} as customers on customers.c_custkey = orders.o_custkey
    where
        customers.customer_region = 'AMERICA'
        and orders.o_orderdate between date '1995-01-01' and date '1996-12-31'
        and part.p_type = 'ECONOMY ANODIZED STEEL'
)

select
    o_year,
    sum(case when nation = 'BRAZIL' then volume else 0 end) / sum(volume) as mkt_share
from all_nations
group by o_year
order by o_year
