-- How many times as many web orders come in the morning as in the evening, from large households on pages of one size.
with orders as (
    select
        count(case when t_hour between 8 and 8 + 1 then 1 end) as amc,
        count(case when t_hour between 19 and 19 + 1 then 1 end) as pmc
    from web_sales
    join household_demographics on ws_ship_hdemo_sk = household_demographics.hd_demo_sk
    join time_dim on ws_sold_time_sk = time_dim.t_time_sk
    join web_page on ws_web_page_sk = web_page.wp_web_page_sk
    where
        household_demographics.hd_dep_count = 6
        and web_page.wp_char_count between 5000 and 5200
)

select cast(amc as decimal(15, 4)) / cast(pmc as decimal(15, 4)) as am_pm_ratio
from orders
order by am_pm_ratio
limit 100
