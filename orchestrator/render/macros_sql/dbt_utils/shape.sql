{% macro group_by(n) -%}
group by {% for i in range(1, n + 1) %}{{ i }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}

{% macro date_spine(datepart, start_date, end_date) -%}
{{ dbt.date_spine(datepart, start_date, end_date) }}
{%- endmacro %}

{% macro generate_series(upper_bound) -%}
{{ dbt.generate_series(upper_bound) }}
{%- endmacro %}


{#- One column per value. Column names are the values, quoted, between `prefix` and `suffix`. -#}
{% macro pivot(column, values, alias=true, agg='sum', cmp='=', prefix='', suffix='', then_value=1, else_value=0, quote_identifiers=true, distinct=false) -%}
{%- for value in values -%}
{{ agg }}({{ 'distinct ' if distinct }}case when {{ column }} {{ cmp }} {{ dbt.string_literal(dbt.escape_single_quotes(value | string)) }} then {{ then_value }}{{ ' else ' ~ else_value if else_value is not none }} end)
{%- if alias -%}
{%- set name = prefix ~ value ~ suffix %} as {{ adapter.quote(name) if quote_identifiers else dbt_utils.slugify(name) }}
{%- endif -%}
{{ ',\n' if not loop.last }}
{%- endfor -%}
{%- endmacro %}


{#- The first row of each group in the given order. -#}
{% macro deduplicate(relation, partition_by, order_by) -%}
{{ adapter.dispatch('deduplicate', 'dbt_utils')(relation, partition_by, order_by) }}
{%- endmacro %}

{% macro default__deduplicate(relation, partition_by, order_by) -%}
select * from {{ relation }}
qualify row_number() over (partition by {{ partition_by }} order by {{ order_by }}) = 1
{%- endmacro %}

{% macro postgres__deduplicate(relation, partition_by, order_by) -%}
select distinct on ({{ partition_by }}) * from {{ relation }}
order by {{ partition_by }}, {{ order_by }}
{%- endmacro %}
