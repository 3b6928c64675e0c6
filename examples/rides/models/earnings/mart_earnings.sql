{{ config(materialized='incremental', unique_key=['driver_id', 'day']) }}
-- What each driver is paid for each day. Days that may still change are written again in each run.
select driver_id, driver, day, count(*) as trips, sum(fare) as fares, sum(payout) as payout
from core_trips
{% if is_incremental() %}
where day >= (select max(day) - {{ var('late_days') }} from {{ this }})
{% endif %}
group by driver_id, driver, day
{{ fault() }}
