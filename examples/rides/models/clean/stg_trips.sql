-- Trips that took place, each once. Refunds are not trips; with BADROWS=1 this step forgets that.
select distinct
    trip_id,
    driver_id,
    rider_id,
    requested_at,
    cast(requested_at as date) as day,
    kilometres,
    fare
from raw.trips
where
    status = 'completed'
    {% if env_var('BADROWS', '0') != '1' %}
    and fare >= 0
    {% endif %}
{{ fault() }}
