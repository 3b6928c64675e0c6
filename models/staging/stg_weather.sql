{#- The strongest gust ever measured is 253 mph; what exceeds that is a typing error, not weather. -#}
{% set impossible_wind = 253 %}

select
    origin,
    time_hour as hour_utc,
    temp as temperature_f,
    dewp as dew_point_f,
    humid as humidity_pct,
    case when wind_speed <= {{ impossible_wind }} then wind_speed end as wind_mph,
    -- stations report a gust only when there is one
    case when wind_speed <= {{ impossible_wind }} then greatest(coalesce(wind_gust, wind_speed), wind_speed) end as gust_mph,
    precip as precipitation_in,
    pressure as pressure_mb,
    visib as visibility_miles
from raw_weather
