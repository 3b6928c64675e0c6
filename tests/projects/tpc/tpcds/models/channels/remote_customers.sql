{{ config(materialized='ephemeral') }}
-- Who ordered on the web, or had something sent from a catalog, and when.
select
    'web' as channel,
    ws_bill_customer_sk as customer_sk,
    d_year,
    d_qoy,
    d_moy
from web_sales
join date_dim on d_date_sk = ws_sold_date_sk
union all
select
    'catalog' as channel,
    cs_ship_customer_sk as customer_sk,
    d_year,
    d_qoy,
    d_moy
from catalog_sales
join date_dim on d_date_sk = cs_sold_date_sk
