-- What does each kind of weather do? Worst first.
with conditions as (
    select
        weather_condition,
        count(*) as airport_hours,
        sum(scheduled_flights) as scheduled_flights,
        sum(cancelled_flights) as cancelled_flights,
        sum(departed_flights) as departed_flights,
        sum(late_departures) as late_departures,
        sum(delay_minutes) as delay_minutes
    from {{ ref('int_airport_hours') }}
    group by weather_condition
),

compared as (
    select
        *,
        {{ ratio('delay_minutes', 'departed_flights') }} as average_delay,
        max(case when weather_condition = 'fair' then {{ ratio('delay_minutes', 'departed_flights') }} end) over () as fair_delay,
        sum(delay_minutes) over () as all_delay_minutes,
        sum(scheduled_flights) over () as all_scheduled_flights
    from conditions
)

select
    weather_condition,
    {{ rounded('average_delay') }} as average_delay,
    {{ rounded('average_delay - fair_delay') }} as delay_over_fair,
    {{ percent('late_departures', 'departed_flights') }} as late_pct,
    {{ percent('cancelled_flights', 'scheduled_flights') }} as cancelled_pct,
    {{ percent('scheduled_flights', 'all_scheduled_flights') }} as share_of_flights_pct,
    {{ percent('delay_minutes', 'all_delay_minutes') }} as share_of_delay_pct,
    airport_hours,
    {{ whole('scheduled_flights') }} as scheduled_flights
from compared
order by compared.average_delay desc
