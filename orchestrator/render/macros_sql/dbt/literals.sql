{#- `string_literal` quotes and does not escape; `escape_single_quotes` escapes and does not quote: they are used together. -#}

{% macro string_literal(value) -%}
{{ adapter.dispatch('string_literal', 'dbt')(value) }}
{%- endmacro %}

{% macro default__string_literal(value) -%}
'{{ value }}'
{%- endmacro %}

{#- Three quotes: the text may run over lines. -#}
{% macro bigquery__string_literal(value) -%}
'''{{ value }}'''
{%- endmacro %}


{% macro escape_single_quotes(expression) -%}
{{ adapter.dispatch('escape_single_quotes', 'dbt')(expression) }}
{%- endmacro %}

{% macro default__escape_single_quotes(expression) -%}
{{ expression | replace("'", "''") }}
{%- endmacro %}

{% macro bigquery__escape_single_quotes(expression) -%}
{{ expression | replace("'", "\\'") }}
{%- endmacro %}
