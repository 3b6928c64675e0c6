select
    holiday_date,
    holiday_name
from {{ source('calendar', 'us_holidays') }}
