{% test expect_table_row_count_to_be_between(model, min_value=none, max_value=none, group_by=none, row_condition=none, strictly=false) %}
{{ dbt_expectations.groups_where_not(model, 'count(*)', dbt_expectations.between('measured', min_value, max_value, strictly), group_by, row_condition) }}
{% endtest %}

{% test expect_table_row_count_to_equal(model, value, group_by=none, row_condition=none) %}
{{ dbt_expectations.groups_where_not(model, 'count(*)', 'measured = ' ~ value, group_by, row_condition) }}
{% endtest %}

{#- One aggregate of two tables, per group where groups are given. A group only one table has differs. -#}
{% macro aggregates_that_differ(model, compare_model, expression, compare_expression, group_by, compare_group_by, factor, row_condition, compare_row_condition, tolerance=0.0, tolerance_percent=none) -%}
{%- set mine = [group_by] if group_by is string else (group_by or []) -%}
{%- set theirs = [compare_group_by] if compare_group_by is string else (compare_group_by or mine) -%}
{%- set groups = [] -%}
{%- for column in mine -%}{%- do groups.append('group_' ~ loop.index) -%}{%- endfor -%}
{%- set leading = groups | join(', ') ~ ', ' if groups else '' -%}
select *
from (
    select {{ leading }}max(measured) as measured, max(compared) * {{ factor }} as compared
    from (
        select {% for column in mine %}{{ column }} as group_{{ loop.index }}, {% endfor %}{{ expression }} as measured, null as compared
        from {{ model }} {{ 'where ' ~ row_condition if row_condition }} {{ 'group by ' ~ mine | join(', ') if mine }}
        union all
        select {% for column in theirs %}{{ column }} as group_{{ loop.index }}, {% endfor %}null as measured, {{ compare_expression }} as compared
        from {{ compare_model }} {{ 'where ' ~ compare_row_condition if compare_row_condition }} {{ 'group by ' ~ theirs | join(', ') if theirs }}
    ) as both_tables
    {{ 'group by ' ~ groups | join(', ') if groups }}
) as compared_tables
where
    (measured is null and compared is not null)
    or (measured is not null and compared is null)
    {%- if tolerance_percent is not none %}
    or abs(measured - compared) > abs(compared) * {{ tolerance_percent }}
    {%- elif tolerance %}
    or abs(measured - compared) > {{ tolerance }}
    {%- else %}
    or measured <> compared
    {%- endif %}
{%- endmacro %}

{#- `factor`: how many rows this table has for each of the other. -#}
{% test expect_table_row_count_to_equal_other_table(model, compare_model, group_by=none, compare_group_by=none, factor=1, row_condition=none, compare_row_condition=none) %}
{{ dbt_expectations.aggregates_that_differ(model, compare_model, 'count(*)', 'count(*)', group_by, compare_group_by, factor, row_condition, compare_row_condition) }}
{% endtest %}

{% test expect_table_aggregation_to_equal_other_table(model, expression, compare_model, compare_expression=none, group_by=none, compare_group_by=none, row_condition=none, compare_row_condition=none, tolerance=0.0, tolerance_percent=none) %}
{{ dbt_expectations.aggregates_that_differ(model, compare_model, expression, compare_expression or expression, group_by, compare_group_by, 1, row_condition, compare_row_condition, tolerance, tolerance_percent) }}
{% endtest %}

{% test expect_column_distinct_count_to_equal_other_table(model, compare_model, column_name, compare_column_name, row_condition=none, compare_row_condition=none) %}
{{ dbt_expectations.aggregates_that_differ(model, compare_model, 'count(distinct ' ~ column_name ~ ')', 'count(distinct ' ~ compare_column_name ~ ')', none, none, 1, row_condition, compare_row_condition) }}
{% endtest %}
