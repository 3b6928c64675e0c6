-- The departures of one aircraft from New York on one day, in order, each with the one before it.
select
    flight_key,
    tailnum,
    flight_date,
    carrier,
    origin,
    dest,
    scheduled_departure,
    departure_delay,
    arrival_delay,
    row_number() over day_of_aircraft as leg_number,
    lag(flight_key) over day_of_aircraft as previous_flight_key,
    -- a diverted flight never arrived: what is known is how late it left
    lag(coalesce(arrival_delay, departure_delay)) over day_of_aircraft as previous_delay,
    {{ dbt.datediff('lag(scheduled_departure) over day_of_aircraft', 'scheduled_departure', 'minute') }} as minutes_since_previous
from stg_flights
where not is_cancelled and tailnum is not null
window day_of_aircraft as (partition by tailnum, flight_date order by scheduled_departure, flight_key)
