-- How much does weather explain? Percent of the variation in departure delays, all airports together first.
select
    origin,
    grain,
    {{ rounded('100 * weather_r2') }} as weather_explains_pct,
    {{ rounded('100 * schedule_r2') }} as schedule_explains_pct,
    {{ rounded('100 * both_r2') }} as both_explain_pct,
    {{ rounded('100 * (both_r2 - schedule_r2)') }} as weather_adds_pct,
    observations
from int_weather_fit
order by
    case when origin = 'ALL' then 0 else 1 end,
    origin,
    case grain when 'flight' then 1 when 'hour' then 2 else 3 end
