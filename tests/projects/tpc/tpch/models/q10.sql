-- The twenty customers whose returned parts of a quarter cost most.
select
    customer.c_custkey,
    customer.c_name,
    sum(sold.revenue) as revenue,
    customer.c_acctbal,
    nation.n_name,
    customer.c_address,
    customer.c_phone,
    customer.c_comment
from customer
join orders on orders.o_custkey = customer.c_custkey
join sold_lines as sold on sold.l_orderkey = orders.o_orderkey
join nation on nation.n_nationkey = customer.c_nationkey
where
    orders.o_orderdate >= date '1993-10-01'
    and orders.o_orderdate < date '1993-10-01' + interval '3' month
    and sold.l_returnflag = 'R'
group by
    customer.c_custkey,
    customer.c_name,
    customer.c_acctbal,
    customer.c_phone,
    nation.n_name,
    customer.c_address,
    customer.c_comment
order by revenue desc
limit 20
