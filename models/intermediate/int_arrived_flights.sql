{{ config(materialized='ephemeral') }}

-- Flights that reached where they were going: the only ones that can be late.
select
    *,
    arrival_delay >= {{ var('late_minutes') }} as is_late
from staging.stg_flights
where arrival_delay is not null
