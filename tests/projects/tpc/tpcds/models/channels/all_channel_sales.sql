-- Sales of all three channels in one shape.
select
    'store' as channel,
    ss_sold_date_sk as sold_date_sk,
    ss_item_sk as item_sk,
    ss_customer_sk as customer_sk,
    ss_addr_sk as address_sk,
    ss_quantity as quantity,
    ss_list_price as list_price,
    ss_ext_sales_price as ext_sales_price
from {{ source('tpcds', 'store_sales') }}
union all
select
    'catalog',
    cs_sold_date_sk,
    cs_item_sk,
    cs_bill_customer_sk,
    cs_bill_addr_sk,
    cs_quantity,
    cs_list_price,
    cs_ext_sales_price
from {{ source('tpcds', 'catalog_sales') }}
union all
select
    'web',
    ws_sold_date_sk,
    ws_item_sk,
    ws_bill_customer_sk,
    ws_bill_addr_sk,
    ws_quantity,
    ws_list_price,
    ws_ext_sales_price
from {{ source('tpcds', 'web_sales') }}
