{#- Does a holiday make the days around it late? -#}
{% set days = {'before': -1, 'holiday': 0, 'after': 1} %}

with days as (
    select
        flight_date,
        extract(month from flight_date) as month_number,
        sum(delay_minutes) as delay_minutes,
        sum(departed_flights) as departed_flights
    from daily_operations
    group by flight_date
),

usual as (
    select
        flight_date,
        {{ ratio('delay_minutes', 'departed_flights') }} as average_delay,
        {{ ratio('sum(delay_minutes) over whole_month', 'sum(departed_flights) over whole_month') }} as month_average_delay
    from days
    window whole_month as (partition by month_number)
)

select
    holidays.holiday_date,
    holidays.holiday_name,
    {% for label, offset in days.items() %}
    {{ rounded('max(case when usual.flight_date = holidays.holiday_date + (' ~ offset ~ ') then usual.average_delay end)') }} as delay_{{ label }},
    {% endfor %}
    {{ rounded('max(case when usual.flight_date = holidays.holiday_date then usual.month_average_delay end)') }} as delay_usual_in_month
from stg_holidays as holidays
inner join usual on usual.flight_date between holidays.holiday_date - 1 and holidays.holiday_date + 1
group by holidays.holiday_date, holidays.holiday_name
order by max(usual.average_delay - usual.month_average_delay) desc, holidays.holiday_date
