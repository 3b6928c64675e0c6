-- List prices in six ranges of quantity: average, number, and number of different ones.
{%- set buckets = [
    (0, 5, 8, 459, 57),
    (6, 10, 90, 2323, 31),
    (11, 15, 142, 12214, 79),
    (16, 20, 135, 6071, 38),
    (21, 25, 122, 836, 17),
    (26, 30, 154, 7326, 7),
] %}
select *
from
    {%- for low, high, price, coupon, cost in buckets %}
    (
        select
            avg(ss_list_price) as b{{ loop.index }}_lp,
            count(ss_list_price) as b{{ loop.index }}_cnt,
            count(distinct ss_list_price) as b{{ loop.index }}_cntd
        from store_sales
        where
            ss_quantity between {{ low }} and {{ high }}
            and (
                ss_list_price between {{ price }} and {{ price }} + 10
                or ss_coupon_amt between {{ coupon }} and {{ coupon }} + 1000
                or ss_wholesale_cost between {{ cost }} and {{ cost }} + 20
            )
    ) as b{{ loop.index }}{{ ',' if not loop.last }}
    {%- endfor %}
limit 100
