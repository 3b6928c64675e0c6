-- Which routes are late, and who flies them worst? Routes with a flight a day or more; worst first.
with by_carrier as (
    select
        origin,
        dest,
        carrier,
        count(*) as flights,
        {{ count_if('is_late') }} as late,
        sum(arrival_delay) as delay_minutes,
        max(distance_miles) as distance_miles
    from {{ ref('int_arrived_flights') }}
    group by origin, dest, carrier
),

ranked as (
    select
        *,
        -- a carrier with a handful of flights says nothing about the route
        row_number() over (
            partition by origin, dest
            order by case when flights >= 30 then 0 else 1 end, {{ ratio('late', 'flights') }} desc, carrier
        ) as lateness
    from by_carrier
),

routes as (
    select
        origin,
        dest,
        sum(flights) as flights,
        count(*) as carriers,
        sum(late) as late,
        sum(delay_minutes) as delay_minutes,
        max(distance_miles) as distance_miles,
        max(case when lateness = 1 then carrier end) as latest_carrier
    from ranked
    group by origin, dest
    having sum(ranked.flights) >= {{ var('min_route_flights') }}
)

select
    rank() over (order by {{ ratio('routes.late', 'routes.flights') }} desc) as lateness_rank,
    routes.origin,
    routes.dest,
    airports.airport_name as destination,
    {{ percent('routes.late', 'routes.flights') }} as late_pct,
    {{ rounded('1.0 * routes.delay_minutes / routes.flights') }} as average_arrival_delay,
    routes.latest_carrier,
    {{ whole('routes.flights') }} as arrived_flights,
    routes.carriers,
    routes.distance_miles,
    rank() over (partition by routes.origin order by {{ ratio('routes.late', 'routes.flights') }} desc) as rank_within_origin
from routes
left join {{ ref('stg_airports') }} as airports on routes.dest = airports.airport
order by lateness_rank, routes.origin, routes.dest
