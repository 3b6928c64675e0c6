{#- When should one fly? One row per hour of scheduled departure, one column per airport. -#}
{% set airports = ['EWR', 'JFK', 'LGA'] %}

select
    scheduled_hour,
    {{ rounded('avg(departure_delay)') }} as average_delay,
    {% for airport in airports %}
    {{ rounded("avg(case when origin = '" ~ airport ~ "' then departure_delay end)") }} as average_delay_{{ airport | lower }},
    {% endfor %}
    {{ percent(count_if('is_late'), 'count(*)') }} as late_pct,
    count(*) as arrived_flights
from {{ ref('int_arrived_flights') }}
group by scheduled_hour
order by scheduled_hour
