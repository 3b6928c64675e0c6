-- Revenue of goods shipped between France and Germany, both ways, by year.
with shipping as (
    select
        suppliers.supplier_nation as supp_nation,
        customers.customer_nation as cust_nation,
        extract(year from sold.l_shipdate) as l_year,
        sold.revenue as volume
    from sold_lines as sold
    join supplier_nations as suppliers on suppliers.s_suppkey = sold.l_suppkey
    join orders on orders.o_orderkey = sold.l_orderkey
    join customer_nations as customers on customers.c_custkey = orders.o_custkey
    where
        (
            (suppliers.supplier_nation = 'FRANCE' and customers.customer_nation = 'GERMANY')
            or (suppliers.supplier_nation = 'GERMANY' and customers.customer_nation = 'FRANCE')
        )
        and sold.l_shipdate between date '1995-01-01' and date '1996-12-31'
)

select
    supp_nation,
    cust_nation,
    l_year,
    sum(volume) as revenue
from shipping
group by supp_nation, cust_nation, l_year
order by supp_nation, cust_nation, l_year
