-- Parts that make up a notable share of the value of Germany's stock.
with german_stock as (
    select
        ps_partkey,
        ps_supplycost * ps_availqty as value
    from partsupp
    join supplier_nations on s_suppkey = ps_suppkey
    where supplier_nation = 'GERMANY'
)

select
    ps_partkey,
    sum(value) as value
from german_stock
group by ps_partkey
having sum(value) > (select sum(value) * 0.0001 from german_stock)
order by value desc
