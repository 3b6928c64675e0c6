-- What each airport did in each hour, next to the weather it did it in.
with hours as (
    select
        origin,
        hour_utc,
        min(flight_date) as flight_date,
        min(scheduled_hour) as scheduled_hour,
        count(*) as scheduled_flights,
        {{ count_if('is_cancelled') }} as cancelled_flights,
        count(departure_delay) as departed_flights,
        {{ count_if('departure_delay >= ' ~ var('late_minutes')) }} as late_departures,
        {{ whole('coalesce(sum(departure_delay), 0)') }} as delay_minutes,
        {{ whole('coalesce(sum(departure_delay * departure_delay), 0)') }} as squared_delay_minutes
    from stg_flights
    group by origin, hour_utc
)

select
    hours.origin,
    hours.hour_utc,
    hours.flight_date,
    hours.scheduled_hour,
    hours.scheduled_flights,
    hours.cancelled_flights,
    hours.departed_flights,
    hours.late_departures,
    hours.delay_minutes,
    hours.squared_delay_minutes,
    {{ ratio('hours.delay_minutes', 'hours.departed_flights') }} as average_delay,
    weather.temperature_f,
    weather.dew_point_f,
    weather.humidity_pct,
    weather.wind_mph,
    weather.gust_mph,
    weather.precipitation_in,
    weather.pressure_mb,
    weather.visibility_miles,
    {{ weather_condition('weather') }} as weather_condition
from hours
left join stg_weather as weather
    on hours.origin = weather.origin
    and hours.hour_utc = weather.hour_utc
