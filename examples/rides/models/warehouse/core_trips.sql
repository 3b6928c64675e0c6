-- Each trip with who drove it, where, and what is in it for the driver.
select
    trips.trip_id,
    trips.day,
    trips.requested_at,
    trips.driver_id,
    drivers.name as driver,
    drivers.city,
    trips.rider_id,
    trips.kilometres,
    trips.fare,
    cast(trips.fare * (1 - {{ var('commission') }}) as numeric(10, 2)) as payout
from stg_trips as trips
inner join stg_users as drivers on trips.driver_id = drivers.user_id
{{ fault() }}
