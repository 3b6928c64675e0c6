-- Items of a price, of four manufacturers, with some stock within two months, that stores sell.
select
    item.i_item_id,
    item.i_item_desc,
    item.i_current_price
from {{ source('tpcds', 'item') }} as item
join {{ source('tpcds', 'inventory') }} as inventory on inventory.inv_item_sk = item.i_item_sk
join {{ source('tpcds', 'date_dim') }} as days on days.d_date_sk = inventory.inv_date_sk
join {{ source('tpcds', 'store_sales') }} as sold on sold.ss_item_sk = item.i_item_sk
where
    item.i_current_price between 62 and 62 + 30
    and days.d_date between date '2000-05-25' and date '2000-05-25' + interval '60' day
    and item.i_manufact_id in (129, 270, 821, 423)
    and inventory.inv_quantity_on_hand between 100 and 500
group by item.i_item_id, item.i_item_desc, item.i_current_price
order by item.i_item_id
limit 100
