{{ config(severity='warn') }}

-- Three airports, 365 days: a day without a row is a hole in the data, not a quiet day.
select origin, count(*) as days
from daily_operations
group by origin
having count(*) <> 365
