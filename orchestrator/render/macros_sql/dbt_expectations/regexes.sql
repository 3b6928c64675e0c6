{% test expect_column_values_to_match_regex(model, column_name, regex, row_condition=none, is_raw=false, flags='') %}
{{ dbt_expectations.rows_where_not(model, dbt_expectations.matches(column_name, regex, is_raw, flags), row_condition) }}
{% endtest %}

{% test expect_column_values_to_not_match_regex(model, column_name, regex, row_condition=none, is_raw=false, flags='') %}
{{ dbt_expectations.rows_where_not(model, 'not (' ~ dbt_expectations.matches(column_name, regex, is_raw, flags) ~ ')', row_condition) }}
{% endtest %}

{% macro matches_of(column_name, regex_list, match_on, is_raw, flags) -%}
{%- set conditions = [] -%}
{%- for regex in regex_list -%}
{%- do conditions.append('(' ~ dbt_expectations.matches(column_name, regex, is_raw, flags) ~ ')') -%}
{%- endfor -%}
{{ conditions | join(' and ' if match_on == 'all' else ' or ') }}
{%- endmacro %}

{#- `match_on`: a value has to match `any` of the expressions, or `all` of them. -#}
{% test expect_column_values_to_match_regex_list(model, column_name, regex_list, match_on='any', row_condition=none, is_raw=false, flags='') %}
{{ dbt_expectations.rows_where_not(model, dbt_expectations.matches_of(column_name, regex_list, match_on, is_raw, flags), row_condition) }}
{% endtest %}

{% test expect_column_values_to_not_match_regex_list(model, column_name, regex_list, match_on='any', row_condition=none, is_raw=false, flags='') %}
{{ dbt_expectations.rows_where_not(model, 'not (' ~ dbt_expectations.matches_of(column_name, regex_list, match_on, is_raw, flags) ~ ')', row_condition) }}
{% endtest %}
