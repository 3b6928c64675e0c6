-- What does a delayed aircraft do to its next departure from New York the same day?
with legs as (
    select
        *,
        {{ band('previous_delay', [0] + var('delay_bands'), below='early') }} as previous_delay_minutes
    from int_delay_chains
    where leg_number > 1
)

select
    previous_delay_minutes,
    count(*) as next_legs,
    {{ rounded('avg(previous_delay)') }} as average_previous_delay,
    {{ rounded('avg(departure_delay)') }} as average_next_delay,
    {{ percent(count_if('departure_delay >= ' ~ var('late_minutes')), 'count(*)') }} as next_late_pct,
    {{ percent('sum(inherited_minutes)', 'sum(case when previous_delay > 0 then previous_delay end)') }} as passed_on_pct,
    {{ percent('sum(inherited_minutes)', 'sum(inherited_minutes + own_minutes)') }} as inherited_share_pct,
    {{ rounded('avg(chain_length)', 2) }} as average_chain_length
from legs
group by previous_delay_minutes
order by min(previous_delay)
