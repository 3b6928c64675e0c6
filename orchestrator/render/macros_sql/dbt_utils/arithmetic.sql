{#- Null where the denominator is zero. -#}
{% macro safe_divide(numerator, denominator) -%}
({{ numerator }}) / nullif(({{ denominator }}), 0)
{%- endmacro %}

{#- A null counts as zero. -#}
{% macro safe_add(field_list) -%}
{%- for field in field_list -%}
coalesce({{ field }}, 0){{ ' + ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{% macro safe_subtract(field_list) -%}
{%- for field in field_list -%}
coalesce({{ field }}, 0){{ ' - ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{#- 1 to `num_buckets`; 0 below the range, one more above it. -#}
{% macro width_bucket(expr, min_value, max_value, num_buckets) -%}
(case
    when {{ expr }} < {{ min_value }} then 0
    when {{ expr }} >= {{ max_value }} then {{ num_buckets }} + 1
    else cast(floor((({{ expr }}) - ({{ min_value }})) * 1.0 * ({{ num_buckets }}) / (({{ max_value }}) - ({{ min_value }}))) as {{ dbt.type_int() }}) + 1
end)
{%- endmacro %}

{#- The great circle between two points given in degrees; the earth's radius is 3,961 miles. -#}
{% macro haversine_distance(lat1, lon1, lat2, lon2, unit='mi') -%}
{%- if unit not in ('mi', 'km') -%}
{{ exceptions.raise_compiler_error("`unit` is 'mi' or 'km', not `" ~ unit ~ "`") }}
{%- endif -%}
2 * 3961 * {{ '1.60934 * ' if unit == 'km' }}asin(sqrt(
    power(sin({{ dbt_utils.degrees_to_radians('(' ~ lat2 ~ ') - (' ~ lat1 ~ ')') }} / 2), 2)
    + cos({{ dbt_utils.degrees_to_radians(lat1) }}) * cos({{ dbt_utils.degrees_to_radians(lat2) }})
    * power(sin({{ dbt_utils.degrees_to_radians('(' ~ lon2 ~ ') - (' ~ lon1 ~ ')') }} / 2), 2)
))
{%- endmacro %}

{% macro degrees_to_radians(degrees) -%}
(({{ degrees }}) * acos(-1) / 180)
{%- endmacro %}
