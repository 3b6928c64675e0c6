-- Sales over all channels of items that come in one of three colors.
with by_channel as (
    select
        sold.channel,
        item.i_item_id,
        sum(sold.ext_sales_price) as total_sales
    from all_channel_sales as sold
    join item on item.i_item_sk = sold.item_sk
    join date_dim on date_dim.d_date_sk = sold.sold_date_sk
    join customer_address on customer_address.ca_address_sk = sold.address_sk
    where
        item.i_item_id in (select i_item_id from item where i_color in ('slate', 'blanched', 'burnished'))
        and date_dim.d_year = 2001
        and date_dim.d_moy = 2
        and customer_address.ca_gmt_offset = -5
    group by sold.channel, item.i_item_id
)

select
    i_item_id,
    sum(total_sales) as total_sales
from by_channel
group by i_item_id
order by total_sales, i_item_id
limit 100
