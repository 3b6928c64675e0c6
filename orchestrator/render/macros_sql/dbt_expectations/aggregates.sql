{% test expect_column_mean_to_be_between(model, column_name, min_value=none, max_value=none, group_by=none, row_condition=none, strictly=false) %}
{{ dbt_expectations.groups_where_not(model, 'avg(' ~ column_name ~ ')', dbt_expectations.between('measured', min_value, max_value, strictly), group_by, row_condition) }}
{% endtest %}

{% test expect_column_min_to_be_between(model, column_name, min_value=none, max_value=none, group_by=none, row_condition=none, strictly=false) %}
{{ dbt_expectations.groups_where_not(model, 'min(' ~ column_name ~ ')', dbt_expectations.between('measured', min_value, max_value, strictly), group_by, row_condition) }}
{% endtest %}

{% test expect_column_max_to_be_between(model, column_name, min_value=none, max_value=none, group_by=none, row_condition=none, strictly=false) %}
{{ dbt_expectations.groups_where_not(model, 'max(' ~ column_name ~ ')', dbt_expectations.between('measured', min_value, max_value, strictly), group_by, row_condition) }}
{% endtest %}

{% test expect_column_sum_to_be_between(model, column_name, min_value=none, max_value=none, group_by=none, row_condition=none, strictly=false) %}
{{ dbt_expectations.groups_where_not(model, 'sum(' ~ column_name ~ ')', dbt_expectations.between('measured', min_value, max_value, strictly), group_by, row_condition) }}
{% endtest %}

{#- Of a sample: divided by one less than the number of values. -#}
{% test expect_column_stdev_to_be_between(model, column_name, min_value=none, max_value=none, group_by=none, row_condition=none, strictly=false) %}
{{ dbt_expectations.groups_where_not(model, 'stddev(' ~ column_name ~ ')', dbt_expectations.between('measured', min_value, max_value, strictly), group_by, row_condition) }}
{% endtest %}

{% test expect_column_median_to_be_between(model, column_name, min_value=none, max_value=none, group_by=none, row_condition=none, strictly=false) %}
{{ dbt_expectations.groups_where_not(model, dbt_expectations.quantile(column_name, 0.5), dbt_expectations.between('measured', min_value, max_value, strictly), group_by, row_condition) }}
{% endtest %}

{% test expect_column_quantile_values_to_be_between(model, column_name, quantile, min_value=none, max_value=none, group_by=none, row_condition=none, strictly=false) %}
{{ dbt_expectations.groups_where_not(model, dbt_expectations.quantile(column_name, quantile), dbt_expectations.between('measured', min_value, max_value, strictly), group_by, row_condition) }}
{% endtest %}
