-- For five ranges of quantity: the average discount where sales are many, the average paid where they are few.
{%- set buckets = [(1, 20, 74129), (21, 40, 122840), (41, 60, 56580), (61, 80, 10097), (81, 100, 165306)] %}
select
    {%- for low, high, many in buckets %}
    case
        when (select count(*) from store_sales where ss_quantity between {{ low }} and {{ high }}) > {{ many }}
            then (select avg(ss_ext_discount_amt) from store_sales where ss_quantity between {{ low }} and {{ high }})
        else (select avg(ss_net_paid) from store_sales where ss_quantity between {{ low }} and {{ high }})
    end as bucket{{ loop.index }}{{ ',' if not loop.last }}
    {%- endfor %}
from reason
where r_reason_sk = 1
