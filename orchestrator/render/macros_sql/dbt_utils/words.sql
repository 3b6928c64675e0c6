{#- Lower case with underscores: fit for a column's name. -#}
{% macro slugify(string) -%}
{%- set words = modules.re.sub('[^a-z0-9_]+', '', modules.re.sub('[ -]+', '_', string | lower)) -%}
{{ '_' if modules.re.match('[0-9]', words) }}{{ words }}
{%- endmacro %}

{% macro pretty_time(format='%H:%M:%S') -%}
{{ modules.datetime.datetime.now().strftime(format) }}
{%- endmacro %}

{% macro pretty_log_format(message) -%}
{{ dbt_utils.pretty_time() }} + {{ message }}
{%- endmacro %}

{% macro log_info(message) -%}
{{ log(dbt_utils.pretty_log_format(message), info=true) }}
{%- endmacro %}
