-- A month's sales of music over all channels, by item.
with by_channel as (
    select
        sold.channel,
        item.i_item_id,
        sum(sold.ext_sales_price) as total_sales
    from {{ ref('all_channel_sales') }} as sold
    join {{ source('tpcds', 'item') }} as item on item.i_item_sk = sold.item_sk
    join {{ source('tpcds', 'date_dim') }} as date_dim on date_dim.d_date_sk = sold.sold_date_sk
    join {{ source('tpcds', 'customer_address') }} as address on address.ca_address_sk = sold.address_sk
    where
        item.i_item_id in (select i_item_id from {{ source('tpcds', 'item') }} where i_category in ('Music'))
        and date_dim.d_year = 1998
        and date_dim.d_moy = 9
        and address.ca_gmt_offset = -5
    group by sold.channel, item.i_item_id
)

select
    i_item_id,
    sum(total_sales) as total_sales
from by_channel
group by i_item_id
order by i_item_id, total_sales
limit 100
