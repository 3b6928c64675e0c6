-- The supplier, or suppliers, who brought in most.
select
    s_suppkey,
    s_name,
    s_address,
    s_phone,
    total_revenue
from supplier, q15_revenue
where
    s_suppkey = supplier_no
    and total_revenue = (select max(total_revenue) from q15_revenue)
order by s_suppkey
