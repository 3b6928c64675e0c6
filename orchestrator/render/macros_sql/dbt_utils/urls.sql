{#- Null when the parameter is not in the address. -#}
{% macro get_url_parameter(field, url_parameter) -%}
nullif({{ dbt.split_part(dbt.split_part(field, "'" ~ url_parameter ~ "='", 2), "'&'", 1) }}, '')
{%- endmacro %}

{% macro get_url_host(field) -%}
{%- set bare = dbt.replace(dbt.replace(dbt.replace(field, "'android-app://'", "''"), "'http://'", "''"), "'https://'", "''") -%}
{{ dbt.split_part(dbt.split_part(bare, "'/'", 1), "'?'", 1) }}
{%- endmacro %}

{#- What stands between the host and the question mark, without the first slash. -#}
{% macro get_url_path(field) -%}
{%- set bare = dbt.split_part(dbt.replace(dbt.replace(field, "'http://'", "''"), "'https://'", "''"), "'?'", 1) -%}
case when {{ dbt.position("'/'", bare) }} = 0 then '' else substr({{ bare }}, {{ dbt.position("'/'", bare) }} + 1) end
{%- endmacro %}
