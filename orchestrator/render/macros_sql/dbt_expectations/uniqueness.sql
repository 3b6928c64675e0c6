{% test expect_column_values_to_be_unique(model, column_name, row_condition=none) %}
select {{ column_name }} as value_field, count(*) as n_records
from {{ model }}
where {{ column_name }} is not null{{ ' and (' ~ row_condition ~ ')' if row_condition }}
group by {{ column_name }}
having count(*) > 1
{% endtest %}

{% test expect_column_unique_value_count_to_be_between(model, column_name, min_value=none, max_value=none, group_by=none, row_condition=none, strictly=false) %}
{{ dbt_expectations.groups_where_not(model, 'count(distinct ' ~ column_name ~ ')', dbt_expectations.between('measured', min_value, max_value, strictly), group_by, row_condition) }}
{% endtest %}

{% test expect_column_proportion_of_unique_values_to_be_between(model, column_name, min_value=none, max_value=none, group_by=none, row_condition=none, strictly=false) %}
{{ dbt_expectations.groups_where_not(model, 'count(distinct ' ~ column_name ~ ') * 1.0 / nullif(count(' ~ column_name ~ '), 0)', dbt_expectations.between('measured', min_value, max_value, strictly), group_by, row_condition) }}
{% endtest %}

{% test expect_column_distinct_count_to_equal(model, column_name, value, group_by=none, row_condition=none) %}
{{ dbt_expectations.groups_where_not(model, 'count(distinct ' ~ column_name ~ ')', 'measured = ' ~ value, group_by, row_condition) }}
{% endtest %}

{% test expect_column_distinct_count_to_be_greater_than(model, column_name, value, group_by=none, row_condition=none) %}
{{ dbt_expectations.groups_where_not(model, 'count(distinct ' ~ column_name ~ ')', 'measured > ' ~ value, group_by, row_condition) }}
{% endtest %}

{% test expect_column_distinct_count_to_be_less_than(model, column_name, value, group_by=none, row_condition=none) %}
{{ dbt_expectations.groups_where_not(model, 'count(distinct ' ~ column_name ~ ')', 'measured < ' ~ value, group_by, row_condition) }}
{% endtest %}

{#- Values that differ in case only. -#}
{% test expect_column_values_to_have_consistent_casing(model, column_name, display_inconsistent_columns=false) %}
select lower({{ column_name }}) as folded, count(distinct {{ column_name }}) as spellings
from {{ model }}
group by lower({{ column_name }})
having count(distinct {{ column_name }}) > 1
{% endtest %}
