{% macro any_value(expression) -%}
{{ adapter.dispatch('any_value', 'dbt')(expression) }}
{%- endmacro %}

{% macro default__any_value(expression) -%}
any_value({{ expression }})
{%- endmacro %}

{#- Postgres has it since 16 only; the least value is a value. -#}
{% macro postgres__any_value(expression) -%}
min({{ expression }})
{%- endmacro %}


{% macro bool_or(expression) -%}
{{ adapter.dispatch('bool_or', 'dbt')(expression) }}
{%- endmacro %}

{% macro default__bool_or(expression) -%}
bool_or({{ expression }})
{%- endmacro %}

{% macro bigquery__bool_or(expression) -%}
logical_or({{ expression }})
{%- endmacro %}


{% macro listagg(measure, delimiter_text="','", order_by_clause=none, limit_num=none) -%}
{{ adapter.dispatch('listagg', 'dbt')(measure, delimiter_text, order_by_clause, limit_num) }}
{%- endmacro %}

{#- A limit is a slice of an array: `string_agg` has none. -#}
{% macro default__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
{%- set order = ' ' ~ order_by_clause if order_by_clause else '' -%}
{%- if limit_num -%}
array_to_string((array_agg({{ measure }}{{ order }}))[1:{{ limit_num }}], {{ delimiter_text }})
{%- else -%}
string_agg({{ measure }}, {{ delimiter_text }}{{ order }})
{%- endif -%}
{%- endmacro %}

{% macro bigquery__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
{%- set order = ' ' ~ order_by_clause if order_by_clause else '' -%}
{%- set limit = ' limit ' ~ limit_num if limit_num else '' -%}
string_agg({{ measure }}, {{ delimiter_text }}{{ order }}{{ limit }})
{%- endmacro %}
