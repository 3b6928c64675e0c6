{% test expect_column_pair_values_A_to_be_greater_than_B(model, column_A, column_B, or_equal=false, row_condition=none) %}
{{ dbt_expectations.rows_where_not(model, column_A ~ (' >= ' if or_equal else ' > ') ~ column_B, row_condition) }}
{% endtest %}

{% test expect_column_pair_values_to_be_equal(model, column_A, column_B, row_condition=none) %}
{{ dbt_expectations.rows_where_not(model, column_A ~ ' = ' ~ column_B, row_condition) }}
{% endtest %}

{#- `value_pairs_set` is a list of lists of two; they are written as they are. -#}
{% test expect_column_pair_values_to_be_in_set(model, column_A, column_B, value_pairs_set, row_condition=none) %}
{%- set conditions = [] -%}
{%- for pair in value_pairs_set -%}
{%- do conditions.append('(' ~ column_A ~ ' = ' ~ pair[0] ~ ' and ' ~ column_B ~ ' = ' ~ pair[1] ~ ')') -%}
{%- endfor -%}
{{ dbt_expectations.rows_where_not(model, conditions | join(' or '), row_condition) }}
{% endtest %}
