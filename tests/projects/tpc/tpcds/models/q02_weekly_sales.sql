-- Web and catalog sales by week, a column for each day.
with wscs as (
    select
        ws_sold_date_sk as sold_date_sk,
        ws_ext_sales_price as sales_price
    from web_sales
    union all
    select
        cs_sold_date_sk,
        cs_ext_sales_price
    from catalog_sales
)

select
    d_week_seq,
    {%- for day in ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] %}
    sum(case when d_day_name = '{{ day }}' then sales_price end) as {{ day[:3] | lower }}_sales{{ ',' if not loop.last }}
    {%- endfor %}
from wscs
join date_dim on d_date_sk = sold_date_sk
group by d_week_seq
