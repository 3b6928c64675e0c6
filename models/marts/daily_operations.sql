{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['flight_date', 'origin'],
) }}

-- What happened at each airport on each day. A run adds new days and writes the last few again: airlines correct their reports.
select
    flight_date,
    origin,
    {{ whole('sum(scheduled_flights)') }} as scheduled_flights,
    {{ whole('sum(cancelled_flights)') }} as cancelled_flights,
    {{ whole('sum(departed_flights)') }} as departed_flights,
    {{ whole('sum(late_departures)') }} as late_departures,
    {{ whole('sum(delay_minutes)') }} as delay_minutes,
    {{ rounded('1.0 * sum(delay_minutes) / nullif(sum(departed_flights), 0)') }} as average_delay,
    {{ rounded('sum(precipitation_in)', 2) }} as precipitation_in,
    {{ rounded('max(gust_mph)') }} as strongest_gust_mph,
    {{ rounded('min(visibility_miles)') }} as lowest_visibility_miles
from intermediate.int_airport_hours
{% if is_incremental() %}
where flight_date > (select max(flight_date) from {{ this }}) - {{ var('lookback_days') }}
{% endif %}
group by flight_date, origin
order by flight_date, origin
