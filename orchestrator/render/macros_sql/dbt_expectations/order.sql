{#- Each value beside the one before it, in the order of `sort_column` (the column itself if not given). -#}
{% macro steps_that_break(model, column_name, operator, sort_column, row_condition, group_by) -%}
{%- set columns = [group_by] if group_by is string else (group_by or []) -%}
{%- set groups = columns | join(', ') -%}
select *
from (
    select
        {{ groups ~ ',' if groups }}
        {{ column_name }} as this_value,
        lag({{ column_name }}) over ({{ 'partition by ' ~ groups if groups }} order by {{ sort_column or column_name }}) as previous_value
    from {{ model }}
    {{ 'where ' ~ row_condition if row_condition }}
) as steps
where not (this_value {{ operator }} previous_value)
{%- endmacro %}

{% test expect_column_values_to_be_increasing(model, column_name, sort_column=none, strictly=true, row_condition=none, group_by=none) %}
{{ dbt_expectations.steps_that_break(model, column_name, '>' if strictly else '>=', sort_column, row_condition, group_by) }}
{% endtest %}

{#- Without `sort_column` there is no order in which the values could decrease: it is needed. -#}
{% test expect_column_values_to_be_decreasing(model, column_name, sort_column=none, strictly=true, row_condition=none, group_by=none) %}
{%- if not sort_column -%}
{{ exceptions.raise_compiler_error('`expect_column_values_to_be_decreasing` needs `sort_column`') }}
{%- endif -%}
{{ dbt_expectations.steps_that_break(model, column_name, '<' if strictly else '<=', sort_column, row_condition, group_by) }}
{% endtest %}
