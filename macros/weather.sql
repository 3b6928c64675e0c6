{# The one thing about an hour's weather that a controller would mention first. #}
{% macro weather_condition(observation) -%}
    case
        when {{ observation }}.visibility_miles is null then 'unknown'
        when {{ observation }}.precipitation_in > 0 and {{ observation }}.temperature_f <= 34 then 'snow or ice'
        when {{ observation }}.precipitation_in >= 0.05 then 'heavy rain'
        when {{ observation }}.visibility_miles < 3 then 'low visibility'
        when {{ observation }}.precipitation_in > 0 then 'light rain'
        when {{ observation }}.gust_mph >= 30 then 'strong gusts'
        else 'fair'
    end
{%- endmacro %}
