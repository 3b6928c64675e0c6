-- Customers who spent in stores more than half of what the best one did.
select
    c_customer_sk,
    sum(ss_quantity * ss_sales_price) as ssales
from store_sales
join customer on ss_customer_sk = c_customer_sk
group by c_customer_sk
having sum(ss_quantity * ss_sales_price) > (50 / 100.0) * (select * from {{ ref('q23_max_store_sales') }})
