{% test expect_column_values_to_be_in_set(model, column_name, value_set, quote_values=true, row_condition=none) %}
{{ dbt_expectations.rows_where_not(model, column_name ~ ' in (' ~ dbt_expectations.literals(value_set, quote_values) ~ ')', row_condition) }}
{% endtest %}

{% test expect_column_values_to_not_be_in_set(model, column_name, value_set, quote_values=true, row_condition=none) %}
{{ dbt_expectations.rows_where_not(model, column_name ~ ' not in (' ~ dbt_expectations.literals(value_set, quote_values) ~ ')', row_condition) }}
{% endtest %}

{% test expect_column_distinct_values_to_be_in_set(model, column_name, value_set, quote_values=true, row_condition=none) %}
select distinct {{ column_name }} as value_field
from {{ model }}
where {{ '(' ~ row_condition ~ ') and ' if row_condition }}{{ column_name }} not in ({{ dbt_expectations.literals(value_set, quote_values) }})
{% endtest %}

{#- Members of the set that the column does not have. -#}
{% test expect_column_distinct_values_to_contain_set(model, column_name, value_set, quote_values=true, row_condition=none) %}
select expected.value_field
from ({{ dbt_expectations.literal_rows(value_set, quote_values) }}) as expected
left join (
    select distinct {{ column_name }} as value_field from {{ model }} {{ 'where ' ~ row_condition if row_condition }}
) as found on expected.value_field = found.value_field
where found.value_field is null
{% endtest %}

{#- Members of the set that the column does not have, and values that the set does not have. -#}
{% test expect_column_distinct_values_to_equal_set(model, column_name, value_set, quote_values=true, row_condition=none) %}
with
    expected as ({{ dbt_expectations.literal_rows(value_set, quote_values) }}),
    found as (
        select distinct {{ column_name }} as value_field from {{ model }}
        where {{ column_name }} is not null{{ ' and (' ~ row_condition ~ ')' if row_condition }}
    )
select expected.value_field as expected_value, found.value_field as found_value
from expected full outer join found on expected.value_field = found.value_field
where expected.value_field is null or found.value_field is null
{% endtest %}

{#- Values among the `top_n` most frequent ones that the set does not have. -#}
{% test expect_column_most_common_value_to_be_in_set(model, column_name, value_set, top_n=1, quote_values=true, data_type=none, row_condition=none, strictly=false) %}
{%- set value = 'cast(' ~ column_name ~ ' as ' ~ data_type ~ ')' if data_type else column_name -%}
select value_field, n_records
from (
    select value_field, n_records, rank() over (order by n_records desc) as place
    from (
        select {{ value }} as value_field, count(*) as n_records
        from {{ model }} {{ 'where ' ~ row_condition if row_condition }}
        group by {{ value }}
    ) as counted
) as ranked
where place <= {{ top_n }} and value_field not in ({{ dbt_expectations.literals(value_set, quote_values) }})
{% endtest %}
