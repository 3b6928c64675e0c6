-- Does a full hour make its flights late, beyond the lateness of that time of day?
with hours as (
    select
        *,
        {{ band('scheduled_flights', [10, 15, 20, 25, 30], below='under 10') }} as flights_per_hour,
        {{ ratio('sum(delay_minutes) over usual_hour', 'sum(departed_flights) over usual_hour') }} as usual_delay,
        lag(average_delay) over (partition by origin, flight_date order by hour_utc) as previous_hour_delay
    from intermediate.int_airport_hours
    window usual_hour as (partition by origin, scheduled_hour)
)

select
    flights_per_hour,
    {{ rounded('1.0 * sum(delay_minutes) / sum(departed_flights)') }} as average_delay,
    {{ rounded('sum(delay_minutes - departed_flights * usual_delay) / sum(departed_flights)') }} as delay_over_usual_for_the_hour,
    {{ rounded('avg(previous_hour_delay)') }} as average_delay_of_the_hour_before,
    {{ percent('sum(late_departures)', 'sum(departed_flights)') }} as late_pct,
    count(*) as airport_hours,
    {{ whole('sum(scheduled_flights)') }} as scheduled_flights
from hours
group by flights_per_hour
order by min(hours.scheduled_flights)
