-- Does delay build up over an aircraft's day?
select
    leg_number,
    count(*) as legs,
    {{ rounded('avg(departure_delay)') }} as average_delay,
    {{ percent(count_if('departure_delay >= ' ~ var('late_minutes')), 'count(*)') }} as late_pct,
    {{ rounded('avg(inherited_minutes)') }} as average_inherited_minutes,
    {{ rounded('avg(own_minutes)') }} as average_own_minutes,
    {{ percent(count_if('chain_length >= 2'), 'count(*)') }} as long_chain_pct
from {{ ref('int_delay_chains') }}
group by leg_number
order by leg_number
