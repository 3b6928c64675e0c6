{% test expect_column_values_to_be_between(model, column_name, min_value=none, max_value=none, row_condition=none, strictly=false) %}
{{ dbt_expectations.rows_where_not(model, dbt_expectations.between(column_name, min_value, max_value, strictly), row_condition) }}
{% endtest %}

{% test expect_column_value_lengths_to_be_between(model, column_name, min_value=none, max_value=none, row_condition=none, strictly=false) %}
{{ dbt_expectations.rows_where_not(model, dbt_expectations.between(dbt.length(column_name), min_value, max_value, strictly), row_condition) }}
{% endtest %}

{% test expect_column_value_lengths_to_equal(model, column_name, value, row_condition=none) %}
{{ dbt_expectations.rows_where_not(model, dbt.length(column_name) ~ ' = ' ~ value, row_condition) }}
{% endtest %}
