{% macro array_construct(inputs=[], data_type='integer') -%}
{{ adapter.dispatch('array_construct', 'dbt')(inputs, data_type) }}
{%- endmacro %}

{#- An empty array does not show what it holds: `data_type` says it. -#}
{% macro default__array_construct(inputs, data_type) -%}
{%- if inputs -%}
array[{{ inputs | join(', ') }}]
{%- else -%}
cast(array[] as {{ data_type }}[])
{%- endif -%}
{%- endmacro %}

{% macro bigquery__array_construct(inputs, data_type) -%}
{%- if inputs -%}
[{{ inputs | join(', ') }}]
{%- else -%}
array<{{ data_type if data_type != 'integer' else 'int64' }}>[]
{%- endif -%}
{%- endmacro %}


{% macro array_append(array, new_element) -%}
{{ adapter.dispatch('array_append', 'dbt')(array, new_element) }}
{%- endmacro %}

{% macro default__array_append(array, new_element) -%}
array_append({{ array }}, {{ new_element }})
{%- endmacro %}

{% macro bigquery__array_append(array, new_element) -%}
array_concat({{ array }}, [{{ new_element }}])
{%- endmacro %}


{% macro array_concat(array_1, array_2) -%}
{{ adapter.dispatch('array_concat', 'dbt')(array_1, array_2) }}
{%- endmacro %}

{% macro default__array_concat(array_1, array_2) -%}
array_cat({{ array_1 }}, {{ array_2 }})
{%- endmacro %}

{% macro bigquery__array_concat(array_1, array_2) -%}
array_concat({{ array_1 }}, {{ array_2 }})
{%- endmacro %}
