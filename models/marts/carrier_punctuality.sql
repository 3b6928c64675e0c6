-- Which carriers are late? Worst first.
with scheduled as (
    select
        carrier,
        count(*) as flights,
        {{ count_if('is_cancelled') }} as cancelled
    from stg_flights
    group by carrier
),

arrived as (
    select
        carrier,
        count(*) as flights,
        {{ count_if('is_late') }} as late,
        {% for minutes in var('delay_bands') if minutes > var('late_minutes') %}
        {{ count_if('arrival_delay >= ' ~ minutes) }} as late_{{ minutes }},
        {% endfor %}
        avg(departure_delay) as average_departure_delay,
        avg(arrival_delay) as average_arrival_delay
    from int_arrived_flights
    group by carrier
)

select
    rank() over (order by {{ ratio('arrived.late', 'arrived.flights') }} desc) as lateness_rank,
    scheduled.carrier,
    carriers.carrier_name,
    {{ percent('arrived.late', 'arrived.flights') }} as late_pct,
    {{ rounded('arrived.average_arrival_delay') }} as average_arrival_delay,
    {{ rounded('arrived.average_departure_delay') }} as average_departure_delay,
    {{ percent('scheduled.cancelled', 'scheduled.flights') }} as cancelled_pct,
    {% for minutes in var('delay_bands') if minutes > var('late_minutes') %}
    {{ percent('arrived.late_' ~ minutes, 'arrived.flights', 2) }} as late_{{ minutes }}_pct,
    {% endfor %}
    scheduled.flights as scheduled_flights
from scheduled
inner join arrived on scheduled.carrier = arrived.carrier
inner join {{ ref('stg_carriers') }} as carriers on scheduled.carrier = carriers.carrier
order by lateness_rank, scheduled.carrier
