-- What was scheduled is what the marts count, whichever way it is cut.
with totals as (
    select 'scheduled' as cut, count(*) as flights from {{ ref('stg_flights') }}
    union all
    select 'by carrier', sum(scheduled_flights) from {{ ref('carrier_punctuality') }}
    union all
    select 'by day', sum(scheduled_flights) from {{ ref('daily_operations') }}
    union all
    select 'by weather', sum(scheduled_flights) from {{ ref('weather_impact') }}
    union all
    select 'by congestion', sum(scheduled_flights) from {{ ref('airport_congestion') }}
    union all
    select 'by month', sum(scheduled_flights) from {{ ref('seasonality') }}
)

select *
from totals
where flights <> (select max(flights) from totals)
