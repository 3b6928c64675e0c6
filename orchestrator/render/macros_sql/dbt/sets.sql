{#- Set operations that drop duplicates. -#}

{% macro except() -%}
{{ adapter.dispatch('except', 'dbt')() }}
{%- endmacro %}

{% macro default__except() -%}
except
{%- endmacro %}

{% macro bigquery__except() -%}
except distinct
{%- endmacro %}


{% macro intersect() -%}
{{ adapter.dispatch('intersect', 'dbt')() }}
{%- endmacro %}

{% macro default__intersect() -%}
intersect
{%- endmacro %}

{% macro bigquery__intersect() -%}
intersect distinct
{%- endmacro %}


{#- Equal, where two nulls are equal too. -#}
{% macro equals(expr1, expr2) -%}
{{ adapter.dispatch('equals', 'dbt')(expr1, expr2) }}
{%- endmacro %}

{% macro default__equals(expr1, expr2) -%}
(({{ expr1 }}) is not distinct from ({{ expr2 }}))
{%- endmacro %}
