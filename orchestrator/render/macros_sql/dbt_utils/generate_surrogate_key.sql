{#- One key from several columns: text of each, nulls told apart from empty text unless the project's variable says otherwise. -#}
{% macro generate_surrogate_key(field_list) -%}
{{ adapter.dispatch('generate_surrogate_key', 'dbt_utils')(field_list) }}
{%- endmacro %}

{% macro default__generate_surrogate_key(field_list) -%}
{%- set null_text = '' if var('surrogate_key_treat_nulls_as_empty_strings', false) else '_dbt_utils_surrogate_key_null_' -%}
{%- set parts = [] -%}
{%- for field in field_list -%}
{%- do parts.append("coalesce(cast(" ~ field ~ " as " ~ dbt.type_string() ~ "), '" ~ null_text ~ "')") -%}
{%- if not loop.last -%}{%- do parts.append("'-'") -%}{%- endif -%}
{%- endfor -%}
{{ dbt.hash(dbt.concat(parts)) }}
{%- endmacro %}
