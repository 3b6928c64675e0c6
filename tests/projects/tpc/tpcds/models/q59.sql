-- Day by day, how a store's sales of a week compare with those 52 weeks later.
{%- set days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] %}
with wss as (
    select
        d_week_seq,
        ss_store_sk,
        {%- for day in days %}
        sum(case when d_day_name = '{{ day }}' then ss_sales_price else null end) as {{ day[:3] | lower }}_sales{{ ',' if not loop.last }}
        {%- endfor %}
    from store_sales, date_dim
    where d_date_sk = ss_sold_date_sk
    group by d_week_seq, ss_store_sk
)

select
    s_store_name1,
    s_store_id1,
    d_week_seq1,
    {%- for day in days %}
    {{ day[:3] | lower }}_sales1 / {{ day[:3] | lower }}_sales2 as {{ day[:3] | lower }}_ratio{{ ',' if not loop.last }}
    {%- endfor %}
from (
    select
        s_store_name as s_store_name1,
        wss.d_week_seq as d_week_seq1,
        s_store_id as s_store_id1,
        {%- for day in days %}
        {{ day[:3] | lower }}_sales as {{ day[:3] | lower }}_sales1{{ ',' if not loop.last }}
        {%- endfor %}
    from wss, store, date_dim as d
    where
        d.d_week_seq = wss.d_week_seq
        and ss_store_sk = s_store_sk
        and d_month_seq between 1212 and 1212 + 11
) as y, (
    select
        s_store_name as s_store_name2,
        wss.d_week_seq as d_week_seq2,
        s_store_id as s_store_id2,
        {%- for day in days %}
        {{ day[:3] | lower }}_sales as {{ day[:3] | lower }}_sales2{{ ',' if not loop.last }}
        {%- endfor %}
    from wss, store, date_dim as d
    where
        d.d_week_seq = wss.d_week_seq
        and ss_store_sk = s_store_sk
        and d_month_seq between 1212 + 12 and 1212 + 23
) as x
where s_store_id1 = s_store_id2 and d_week_seq1 = d_week_seq2 - 52
order by s_store_name1, s_store_id1, d_week_seq1
limit 100
