{#- The first column of the first row of a query, or `default`. -#}
{% macro get_single_value(sql_statement, default=none) -%}
{%- set answer = run_query(sql_statement) -%}
{%- if answer is none or not answer | length -%}
{{ return(default) }}
{%- endif -%}
{{ return(answer[0][0]) }}
{%- endmacro %}

{#- A query's result by column name. -#}
{% macro get_query_results_as_dict(query) -%}
{%- set answer = run_query(query) -%}
{%- set found = {} -%}
{%- if answer is not none -%}
{%- for name in answer.column_names -%}
{%- do found.update({name: answer.columns[loop.index0].values()}) -%}
{%- endfor -%}
{%- endif -%}
{{ return(found) }}
{%- endmacro %}
