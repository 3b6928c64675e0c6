-- Revenue of a year, by Asian nation, from suppliers and customers of one and the same nation.
select
    suppliers.supplier_nation as n_name,
    sum(sold.revenue) as revenue
from sold_lines as sold
join orders on orders.o_orderkey = sold.l_orderkey
join customer_nations as customers on customers.c_custkey = orders.o_custkey
join supplier_nations as suppliers
    on suppliers.s_suppkey = sold.l_suppkey
    and suppliers.supplier_nation = customers.customer_nation
where
    suppliers.supplier_region = 'ASIA'
    and orders.o_orderdate >= date '1994-01-01'
    and orders.o_orderdate < date '1994-01-01' + interval '1' year
group by suppliers.supplier_nation
order by revenue desc
