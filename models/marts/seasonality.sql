{{ config(materialized='view') }}

-- Which months are late?
with months as (
    select
        extract(month from flight_date) as month_number,
        sum(scheduled_flights) as scheduled_flights,
        sum(cancelled_flights) as cancelled_flights,
        sum(departed_flights) as departed_flights,
        sum(late_departures) as late_departures,
        sum(delay_minutes) as delay_minutes
    from {{ ref('daily_operations') }}
    group by extract(month from flight_date)
),

rates as (
    select
        *,
        {{ ratio('delay_minutes', 'departed_flights') }} as average_delay
    from months
)

select
    {{ whole('month_number') }} as month_number,
    rank() over (order by average_delay desc) as lateness_rank,
    {{ rounded('average_delay') }} as average_delay,
    {{ rounded('average_delay - lag(average_delay) over (order by month_number)') }} as change_from_previous_month,
    {{ percent('late_departures', 'departed_flights') }} as late_pct,
    {{ percent('cancelled_flights', 'scheduled_flights') }} as cancelled_pct,
    {{ whole('scheduled_flights') }} as scheduled_flights
from rates
order by lateness_rank
