{#- Conditions `column like pattern`, joined. -#}
{% macro like_any(column_name, like_pattern_list, match_on='any') -%}
{%- for pattern in like_pattern_list -%}
{{ column_name }} like '{{ dbt.escape_single_quotes(pattern) }}'{{ (' and ' if match_on == 'all' else ' or ') if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{% test expect_column_values_to_match_like_pattern(model, column_name, like_pattern, row_condition=none) %}
{{ dbt_expectations.rows_where_not(model, dbt_expectations.like_any(column_name, [like_pattern]), row_condition) }}
{% endtest %}

{% test expect_column_values_to_not_match_like_pattern(model, column_name, like_pattern, row_condition=none) %}
{{ dbt_expectations.rows_where_not(model, 'not (' ~ dbt_expectations.like_any(column_name, [like_pattern]) ~ ')', row_condition) }}
{% endtest %}

{% test expect_column_values_to_match_like_pattern_list(model, column_name, like_pattern_list, match_on='any', row_condition=none) %}
{{ dbt_expectations.rows_where_not(model, dbt_expectations.like_any(column_name, like_pattern_list, match_on), row_condition) }}
{% endtest %}

{% test expect_column_values_to_not_match_like_pattern_list(model, column_name, like_pattern_list, match_on='any', row_condition=none) %}
{{ dbt_expectations.rows_where_not(model, 'not (' ~ dbt_expectations.like_any(column_name, like_pattern_list, match_on) ~ ')', row_condition) }}
{% endtest %}
