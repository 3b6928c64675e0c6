{#- Values (sums per group, where groups are given) further from their mean than so many standard deviations. -#}
{% test expect_column_values_to_be_within_n_stdevs(model, column_name, group_by=none, sigma_threshold=3) %}
{%- set columns = [group_by] if group_by is string else (group_by or []) -%}
{%- set groups = columns | join(', ') -%}
with
    metric as (
        select {{ groups ~ ', sum(' ~ column_name ~ ')' if groups else column_name }} as metric_value
        from {{ model }}
        {{ 'group by ' ~ groups if groups }}
    ),
    measured as (
        select metric.*, avg(metric_value) over () as metric_mean, stddev(metric_value) over () as metric_stdev
        from metric
    )
select *
from measured
where abs(metric_value - metric_mean) > {{ sigma_threshold }} * metric_stdev
{% endtest %}
