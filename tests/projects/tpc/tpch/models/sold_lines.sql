-- A line of an order and what it brought in: the price after discount.
select
    l_orderkey,
    l_partkey,
    l_suppkey,
    l_quantity,
    l_shipdate,
    l_returnflag,
    l_extendedprice * (1 - l_discount) as revenue
from lineitem
