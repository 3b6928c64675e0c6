{% macro type_string() -%}
{{ adapter.dispatch('type_string', 'dbt')() }}
{%- endmacro %}

{% macro default__type_string() -%}
text
{%- endmacro %}

{% macro bigquery__type_string() -%}
string
{%- endmacro %}


{% macro type_timestamp() -%}
{{ adapter.dispatch('type_timestamp', 'dbt')() }}
{%- endmacro %}

{% macro default__type_timestamp() -%}
timestamp
{%- endmacro %}

{% macro postgres__type_timestamp() -%}
timestamp without time zone
{%- endmacro %}


{% macro type_int() -%}
{{ adapter.dispatch('type_int', 'dbt')() }}
{%- endmacro %}

{% macro default__type_int() -%}
integer
{%- endmacro %}

{% macro bigquery__type_int() -%}
int64
{%- endmacro %}


{% macro type_bigint() -%}
{{ adapter.dispatch('type_bigint', 'dbt')() }}
{%- endmacro %}

{% macro default__type_bigint() -%}
bigint
{%- endmacro %}

{% macro bigquery__type_bigint() -%}
int64
{%- endmacro %}


{% macro type_numeric() -%}
{{ adapter.dispatch('type_numeric', 'dbt')() }}
{%- endmacro %}

{% macro default__type_numeric() -%}
numeric(28, 6)
{%- endmacro %}

{% macro bigquery__type_numeric() -%}
numeric
{%- endmacro %}


{#- Eight bytes on every engine: DuckDB's `float` would be four. -#}
{% macro type_float() -%}
{{ adapter.dispatch('type_float', 'dbt')() }}
{%- endmacro %}

{% macro default__type_float() -%}
float
{%- endmacro %}

{% macro duckdb__type_float() -%}
double
{%- endmacro %}

{% macro bigquery__type_float() -%}
float64
{%- endmacro %}


{% macro type_boolean() -%}
{{ adapter.dispatch('type_boolean', 'dbt')() }}
{%- endmacro %}

{% macro default__type_boolean() -%}
boolean
{%- endmacro %}

{% macro bigquery__type_boolean() -%}
bool
{%- endmacro %}
