{{ config(materialized='ephemeral') }}
-- What the best customer spent in stores within four years.
select max(csales) as tpcds_cmax
from (
    select
        c_customer_sk,
        sum(ss_quantity * ss_sales_price) as csales
    from store_sales, customer, date_dim
    where
        ss_customer_sk = c_customer_sk
        and ss_sold_date_sk = d_date_sk
        and d_year in (2000, 2000 + 1, 2000 + 2, 2000 + 3)
    group by c_customer_sk
) as spent
