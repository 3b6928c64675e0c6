-- The clock time of departure must be the scheduled time plus the delay, around midnight too.
select
    flight_key,
    scheduled_departure,
    departure_clock,
    departure_delay
from stg_flights
where mod(
        cast(extract(hour from scheduled_departure) * 60 + extract(minute from scheduled_departure) as {{ dbt.type_int() }}) + departure_delay + 1440,
        1440
    ) <> mod(mod(departure_clock, 100) + 60 * cast(floor(departure_clock / 100.0) as {{ dbt.type_int() }}), 1440)
