-- Items whose brand, class and category sold in all three channels within three years.
with everywhere as (
    select iss.i_brand_id as brand_id, iss.i_class_id as class_id, iss.i_category_id as category_id
    from store_sales, item as iss, date_dim as d1
    where
        ss_item_sk = iss.i_item_sk
        and ss_sold_date_sk = d1.d_date_sk
        and d1.d_year between 1999 and 1999 + 2
    intersect
    select ics.i_brand_id, ics.i_class_id, ics.i_category_id
    from catalog_sales, item as ics, date_dim as d2
    where
        cs_item_sk = ics.i_item_sk
        and cs_sold_date_sk = d2.d_date_sk
        and d2.d_year between 1999 and 1999 + 2
    intersect
    select iws.i_brand_id, iws.i_class_id, iws.i_category_id
    from web_sales, item as iws, date_dim as d3
    where
        ws_item_sk = iws.i_item_sk
        and ws_sold_date_sk = d3.d_date_sk
        and d3.d_year between 1999 and 1999 + 2
)

select i_item_sk as ss_item_sk
from item
join everywhere on i_brand_id = brand_id and i_class_id = class_id and i_category_id = category_id
