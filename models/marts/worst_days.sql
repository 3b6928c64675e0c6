{{ config(materialized='view') }}

-- When was it worst, and what was the weather? Every day of the year, worst first.
with days as (
    select
        flight_date,
        sum(scheduled_flights) as scheduled_flights,
        sum(cancelled_flights) as cancelled_flights,
        sum(departed_flights) as departed_flights,
        sum(late_departures) as late_departures,
        sum(delay_minutes) as delay_minutes,
        max(precipitation_in) as precipitation_in,
        max(strongest_gust_mph) as strongest_gust_mph,
        min(lowest_visibility_miles) as lowest_visibility_miles
    from daily_operations
    group by flight_date
),

measured as (
    select
        *,
        sum(delay_minutes) over week as week_delay_minutes,
        sum(departed_flights) over week as week_departed_flights
    from days
    window week as (order by flight_date rows between 6 preceding and current row)
)

select
    -- a cancelled flight counts as late: its passengers certainly were
    rank() over (order by {{ ratio('(late_departures + cancelled_flights)', 'scheduled_flights') }} desc) as worst_rank,
    flight_date,
    {{ percent('(late_departures + cancelled_flights)', 'scheduled_flights') }} as disrupted_pct,
    {{ percent('cancelled_flights', 'scheduled_flights') }} as cancelled_pct,
    {{ rounded('1.0 * delay_minutes / nullif(departed_flights, 0)') }} as average_delay,
    {{ rounded('1.0 * week_delay_minutes / nullif(week_departed_flights, 0)') }} as seven_day_average_delay,
    precipitation_in,
    strongest_gust_mph,
    lowest_visibility_miles
from measured
order by worst_rank, flight_date
