{# Arithmetic that means the same on every engine. #}

{# To nine decimals, which all engines keep: 0.15 becomes exactly that, whether it came as a float or not. #}
{% macro exact(number) -%}
    cast({{ number }} as decimal(38, 9))
{%- endmacro %}

{# Sums are wider than what they add up, on every engine in its own way. #}
{% macro whole(number) -%}
    cast({{ number }} as {{ dbt.type_bigint() }})
{%- endmacro %}

{% macro rounded(number, digits=1) -%}
    round({{ exact(number) }}, {{ digits }})
{%- endmacro %}

{# Equal fractions are equal numbers, so that a rank has the same ties everywhere. #}
{% macro ratio(part, whole) -%}
    {{ exact('1.0 * ' ~ part ~ ' / nullif(' ~ whole ~ ', 0)') }}
{%- endmacro %}

{% macro count_if(condition) -%}
    {{ whole('coalesce(sum(case when ' ~ condition ~ ' then 1 else 0 end), 0)') }}
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
