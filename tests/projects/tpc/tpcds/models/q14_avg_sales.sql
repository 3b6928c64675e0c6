{{ config(materialized='ephemeral') }}
-- The average sale of three years, over all channels.
select avg(quantity * list_price) as average_sales
from all_channel_sales
join date_dim on sold_date_sk = d_date_sk
where d_year between 1999 and 1999 + 2
