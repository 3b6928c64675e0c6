-- Are old aircraft late? Compared with the same carrier's average, because carriers differ more than aircraft do.
with flights as (
    select
        flights.tailnum,
        flights.arrival_delay,
        flights.is_late,
        flights.distance_miles,
        flights.arrival_delay - avg(flights.arrival_delay) over (partition by flights.carrier) as delay_over_carrier,
        extract(year from flights.flight_date) - planes.built_year as age
    from int_arrived_flights as flights
    left join stg_planes as planes on flights.tailnum = planes.tailnum
)

select
    coalesce({{ band('age', [0, 5, 10, 15, 20, 25], below='not yet built') }}, 'unknown') as age_years,
    {{ rounded('avg(arrival_delay)') }} as average_arrival_delay,
    {{ rounded('avg(delay_over_carrier)') }} as delay_over_own_carrier,
    {{ percent(count_if('is_late'), 'count(*)') }} as late_pct,
    count(distinct tailnum) as aircraft,
    count(*) as arrived_flights,
    {{ rounded('avg(distance_miles)', 0) }} as average_distance_miles
from flights
group by 1
order by case when min(age) is null then 1 else 0 end, min(age)
