-- What two carriers took from each warehouse, month by month: sales, per square foot too, and net.
{%- set months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] %}
{%- set channels = [
    ('web_sales', 'ws', 'ws_ext_sales_price', 'ws_net_paid'),
    ('catalog_sales', 'cs', 'cs_sales_price', 'cs_net_paid_inc_tax'),
] %}
select
    w_warehouse_name,
    w_warehouse_sq_ft,
    w_city,
    w_county,
    w_state,
    w_country,
    ship_carriers,
    sold_year,
    {%- for month in months %}
    sum({{ month }}_sales) as {{ month }}_sales,
    {%- endfor %}
    {%- for month in months %}
    sum({{ month }}_sales / w_warehouse_sq_ft) as {{ month }}_sales_per_sq_foot,
    {%- endfor %}
    {%- for month in months %}
    sum({{ month }}_net) as {{ month }}_net{{ ',' if not loop.last }}
    {%- endfor %}
from (
    {%- for table, p, price, net in channels %}
    select
        w_warehouse_name,
        w_warehouse_sq_ft,
        w_city,
        w_county,
        w_state,
        w_country,
        'DHL' || ',' || 'BARIAN' as ship_carriers,
        d_year as sold_year,
        {%- for month in months %}
        sum(case when d_moy = {{ loop.index }} then {{ price }} * {{ p }}_quantity else 0 end) as {{ month }}_sales,
        {%- endfor %}
        {%- for month in months %}
        sum(case when d_moy = {{ loop.index }} then {{ net }} * {{ p }}_quantity else 0 end) as {{ month }}_net{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ source('tpcds', table) }}, warehouse, date_dim, time_dim, ship_mode
    where
        {{ p }}_warehouse_sk = w_warehouse_sk
        and {{ p }}_sold_date_sk = d_date_sk
        and {{ p }}_sold_time_sk = t_time_sk
        and {{ p }}_ship_mode_sk = sm_ship_mode_sk
        and d_year = 2001
        and t_time between 30838 and 30838 + 28800
        and sm_carrier in ('DHL', 'BARIAN')
    group by w_warehouse_name, w_warehouse_sq_ft, w_city, w_county, w_state, w_country, d_year
    {{ 'union all' if not loop.last }}
    {%- endfor %}
) as x
group by w_warehouse_name, w_warehouse_sq_ft, w_city, w_county, w_state, w_country, ship_carriers, sold_year
order by w_warehouse_name
limit 100
