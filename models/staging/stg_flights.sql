{{ config(materialized='table') }}

-- One row per scheduled departure. No ref(): the table names alone are the dependencies.
select
    carrier || cast(flight as {{ dbt.type_string() }}) || '-' || origin || '-' || cast(flight_date as {{ dbt.type_string() }}) as flight_key,
    flight_date,
    scheduled_departure,
    time_hour as hour_utc,
    hour as scheduled_hour,
    carrier,
    flight as flight_number,
    tailnum,
    origin,
    dest,
    distance as distance_miles,
    air_time as air_minutes,
    dep_time as departure_clock,
    dep_delay as departure_delay,
    arr_delay as arrival_delay,
    dep_time is null as is_cancelled,
    dep_time is not null and arr_delay is null as is_diverted
from raw.raw_flights
