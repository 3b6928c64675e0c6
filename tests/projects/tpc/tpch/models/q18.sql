-- The hundred largest customers: those with an order of more than 300 pieces.
select
    c_name,
    c_custkey,
    o_orderkey,
    o_orderdate,
    o_totalprice,
    sum(l_quantity) as total_quantity
from customer
join orders on c_custkey = o_custkey
join sold_lines on o_orderkey = l_orderkey
where o_orderkey in (
    select l_orderkey
    from sold_lines
    group by l_orderkey
    having sum(l_quantity) > 300
)
group by c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice
order by o_totalprice desc, o_orderdate
limit 100
