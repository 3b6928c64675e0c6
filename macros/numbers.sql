{# Arithmetic that reads the same on every engine. #}

{% macro rounded(number, digits=1) -%}
    round(cast({{ number }} as numeric), {{ digits }})
{%- endmacro %}

{% macro count_if(condition) -%}
    cast(coalesce(sum(case when {{ condition }} then 1 else 0 end), 0) as bigint)
{%- endmacro %}

{% macro percent(part, whole, digits=1) -%}
    {{ rounded('100.0 * ' ~ part ~ ' / nullif(' ~ whole ~ ', 0)', digits) }}
{%- endmacro %}

{# The band a whole number falls into, as text: 'early', '0 to 14', '15 to 59', '60 or more'. Unknown stays null. #}
{% macro band(number, edges, below) -%}
    case
        when {{ number }} < {{ edges[0] }} then '{{ below }}'
        {%- for edge in edges %}
        {%- if not loop.last %}
        when {{ number }} < {{ loop.nextitem }} then '{{ edge }} to {{ loop.nextitem - 1 }}'
        {%- else %}
        when {{ number }} >= {{ edge }} then '{{ edge }} or more'
        {%- endif %}
        {%- endfor %}
    end
{%- endmacro %}

{% macro minutes_between(earlier, later) -%}
    {%- if target.type == 'bigquery' -%}
    datetime_diff({{ later }}, {{ earlier }}, minute)
    {%- else -%}
    cast(extract(epoch from ({{ later }} - {{ earlier }})) / 60 as integer)
    {%- endif -%}
{%- endmacro %}
