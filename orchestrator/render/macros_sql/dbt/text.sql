{% macro split_part(string_text, delimiter_text, part_number) -%}
{{ adapter.dispatch('split_part', 'dbt')(string_text, delimiter_text, part_number) }}
{%- endmacro %}

{% macro default__split_part(string_text, delimiter_text, part_number) -%}
split_part({{ string_text }}, {{ delimiter_text }}, {{ part_number }})
{%- endmacro %}

{#- BigQuery counts array positions from 0, and has none from the end. -#}
{% macro bigquery__split_part(string_text, delimiter_text, part_number) -%}
{%- set parts = 'split(' ~ string_text ~ ', ' ~ delimiter_text ~ ')' -%}
{%- if part_number | int < 0 -%}
{{ parts }}[safe_offset(array_length({{ parts }}) - {{ -(part_number | int) }})]
{%- else -%}
{{ parts }}[safe_offset({{ (part_number | int) - 1 }})]
{%- endif -%}
{%- endmacro %}


{% macro concat(fields) -%}
{{ adapter.dispatch('concat', 'dbt')(fields) }}
{%- endmacro %}

{% macro default__concat(fields) -%}
{{ fields | join(' || ') }}
{%- endmacro %}

{% macro bigquery__concat(fields) -%}
concat({{ fields | join(', ') }})
{%- endmacro %}


{% macro hash(field) -%}
{{ adapter.dispatch('hash', 'dbt')(field) }}
{%- endmacro %}

{% macro default__hash(field) -%}
md5(cast({{ field }} as {{ dbt.type_string() }}))
{%- endmacro %}

{% macro bigquery__hash(field) -%}
to_hex(md5(cast({{ field }} as {{ dbt.type_string() }})))
{%- endmacro %}


{% macro length(expression) -%}
{{ adapter.dispatch('length', 'dbt')(expression) }}
{%- endmacro %}

{% macro default__length(expression) -%}
length({{ expression }})
{%- endmacro %}


{% macro position(substring_text, string_text) -%}
{{ adapter.dispatch('position', 'dbt')(substring_text, string_text) }}
{%- endmacro %}

{% macro default__position(substring_text, string_text) -%}
position({{ substring_text }} in {{ string_text }})
{%- endmacro %}

{% macro bigquery__position(substring_text, string_text) -%}
strpos({{ string_text }}, {{ substring_text }})
{%- endmacro %}


{% macro replace(field, old_chars, new_chars) -%}
{{ adapter.dispatch('replace', 'dbt')(field, old_chars, new_chars) }}
{%- endmacro %}

{% macro default__replace(field, old_chars, new_chars) -%}
replace({{ field }}, {{ old_chars }}, {{ new_chars }})
{%- endmacro %}


{% macro right(string_text, length_expression) -%}
{{ adapter.dispatch('right', 'dbt')(string_text, length_expression) }}
{%- endmacro %}

{% macro default__right(string_text, length_expression) -%}
right({{ string_text }}, {{ length_expression }})
{%- endmacro %}
