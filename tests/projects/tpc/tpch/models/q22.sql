-- Customers of seven countries with money and without orders, by the country code of their telephone.
with reachable as (
    select
        c_custkey,
        substring(c_phone from 1 for 2) as cntrycode,
        c_acctbal
    from {{ source('tpch', 'customer') }}
    where substring(c_phone from 1 for 2) in ('13', '31', '23', '29', '30', '18', '17')
)

select
    cntrycode,
    count(*) as numcust,
    sum(c_acctbal) as totacctbal
from reachable
where
    c_acctbal > (select avg(c_acctbal) from reachable where c_acctbal > 0.00)
    and not exists (
        select *
        from {{ source('tpch', 'orders') }} as orders
        where orders.o_custkey = reachable.c_custkey
    )
group by cntrycode
order by cntrycode
