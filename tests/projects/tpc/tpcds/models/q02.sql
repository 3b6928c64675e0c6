-- Day by day, how the sales of a week of 2001 compare with those 53 weeks later.
select
    this_year.d_week_seq as d_week_seq1,
    {%- for day in ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] %}
    round(this_year.{{ day }}_sales / next_year.{{ day }}_sales, 2) as {{ day }}_ratio{{ ',' if not loop.last }}
    {%- endfor %}
from (
    select weekly.*
    from q02_weekly_sales as weekly
    join date_dim on date_dim.d_week_seq = weekly.d_week_seq
    where date_dim.d_year = 2001
) as this_year
join (
    select weekly.*
    from q02_weekly_sales as weekly
    join date_dim on date_dim.d_week_seq = weekly.d_week_seq
    where date_dim.d_year = 2001 + 1
) as next_year on this_year.d_week_seq = next_year.d_week_seq - 53
order by d_week_seq1
