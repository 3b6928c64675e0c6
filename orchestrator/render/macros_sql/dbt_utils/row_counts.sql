{#- Counts of two tables side by side, per group where groups are given. Grouping (not joining) keeps null groups. -#}
{% macro row_counts(model, compare_model, group_by_columns) -%}
{%- set groups = group_by_columns | join(', ') -%}
select {{ groups ~ ', ' if groups }}sum(mine) as count_mine, sum(theirs) as count_theirs
from (
    select {{ groups ~ ', ' if groups }}count(*) as mine, 0 as theirs from {{ model }}{{ ' group by ' ~ groups if groups }}
    union all
    select {{ groups ~ ', ' if groups }}0 as mine, count(*) as theirs from {{ compare_model }}{{ ' group by ' ~ groups if groups }}
) as both_tables
{{ 'group by ' ~ groups if groups }}
{%- endmacro %}

{% test equal_rowcount(model, compare_model, group_by_columns=[]) %}
{{ config(fail_calc='coalesce(sum(diff_count), 0)') }}
select counted.*, abs(count_mine - count_theirs) as diff_count
from (
{{ dbt_utils.row_counts(model, compare_model, group_by_columns) }}
) as counted
where count_mine <> count_theirs
{% endtest %}

{#- How many rows too many: as many as there are is one too many. -#}
{% test fewer_rows_than(model, compare_model, group_by_columns=[]) %}
{{ config(fail_calc='coalesce(sum(row_count_delta), 0)') }}
select counted.*, count_mine - count_theirs + 1 as row_count_delta
from (
{{ dbt_utils.row_counts(model, compare_model, group_by_columns) }}
) as counted
where count_mine >= count_theirs
{% endtest %}
