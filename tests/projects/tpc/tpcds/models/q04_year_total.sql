{{ config(materialized='ephemeral') }}
{%- set channels = {
    's': ('store_sales', 'ss', 'ss_customer_sk'),
    'c': ('catalog_sales', 'cs', 'cs_bill_customer_sk'),
    'w': ('web_sales', 'ws', 'ws_bill_customer_sk'),
} -%}
{%- for sale_type, (table, p, buyer) in channels.items() %}
select
    c_customer_id as customer_id,
    c_first_name as customer_first_name,
    c_last_name as customer_last_name,
    c_preferred_cust_flag as customer_preferred_cust_flag,
    c_birth_country as customer_birth_country,
    c_login as customer_login,
    c_email_address as customer_email_address,
    d_year as dyear,
    sum(
        (({{ p }}_ext_list_price - {{ p }}_ext_wholesale_cost - {{ p }}_ext_discount_amt) + {{ p }}_ext_sales_price) / 2
    ) as year_total,
    '{{ sale_type }}' as sale_type
from customer
join {{ source('tpcds', table) }} as sales on c_customer_sk = sales.{{ buyer }}
join date_dim on sales.{{ p }}_sold_date_sk = d_date_sk
group by
    c_customer_id, c_first_name, c_last_name, c_preferred_cust_flag, c_birth_country, c_login, c_email_address, d_year
{{ 'union all' if not loop.last }}
{%- endfor %}
