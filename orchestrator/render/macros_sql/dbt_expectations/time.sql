{#- Values from the future do not count: they would hide that nothing arrives. Without any value the test fails. -#}
{% test expect_row_values_to_have_recent_data(model, column_name, datepart, interval, row_condition=none) %}
{%- set value = 'cast(' ~ column_name ~ ' as ' ~ dbt.type_timestamp() ~ ')' -%}
select *
from (
    select max({{ value }}) as most_recent
    from {{ model }}
    where {{ value }} <= {{ dbt_expectations.this_instant() }}{{ ' and (' ~ row_condition ~ ')' if row_condition }}
) as latest
where most_recent is null or most_recent < {{ dbt_expectations.ago(datepart, interval) }}
{% endtest %}

{% test expect_grouped_row_values_to_have_recent_data(model, group_by, timestamp_column, datepart, interval, row_condition=none) %}
{%- set value = 'cast(' ~ timestamp_column ~ ' as ' ~ dbt.type_timestamp() ~ ')' -%}
{%- set columns = [group_by] if group_by is string else group_by -%}
{%- set groups = columns | join(', ') -%}
select *
from (
    select {{ groups }}, max(case when {{ value }} <= {{ dbt_expectations.this_instant() }} then {{ value }} end) as most_recent
    from {{ model }}
    {{ 'where ' ~ row_condition if row_condition }}
    group by {{ groups }}
) as latest
where most_recent is null or most_recent < {{ dbt_expectations.ago(datepart, interval) }}
{% endtest %}

{#- Periods between the first and the last one that have no row. `test_end_date` itself is not asked for. -#}
{% test expect_row_values_to_have_data_for_every_n_datepart(model, date_col, date_part='day', interval=1, row_condition=none, exclusion_condition=none, test_start_date=none, test_end_date=none) %}
{%- set kind = dbt.type_timestamp() -%}
{%- set period = 'cast(' ~ dbt.date_trunc(date_part, 'cast(' ~ date_col ~ ' as ' ~ kind ~ ')') ~ ' as ' ~ kind ~ ')' -%}
{%- set first = "cast('" ~ test_start_date ~ "' as " ~ kind ~ ")" if test_start_date else 'min(' ~ period ~ ')' -%}
{%- set last = "cast('" ~ test_end_date ~ "' as " ~ kind ~ ")" if test_end_date else 'max(' ~ period ~ ')' -%}
with
    limits as (
        select first_period, {{ dbt.datediff('first_period', 'last_period', date_part) }} as steps
        from (
            select {{ first }} as first_period, {{ last }} as last_period
            from {{ model }} {{ 'where ' ~ row_condition if row_condition }}
        ) as ends
    ),
    counted as ({{ dbt_expectations.counted_up('limits') }}),
    expected as (
        select cast({{ dbt.dateadd(date_part, 'n', 'first_period') }} as {{ kind }}) as {{ date_col }}, n from counted
    ),
    found as (
        select distinct {{ dbt.datediff('first_period', period, date_part) }} as n
        from {{ model }} cross join (select first_period from limits) as begin_of_all
        {{ 'where ' ~ row_condition if row_condition }}
    )
select expected.{{ date_col }}
from expected left join (select distinct floor(n / {{ interval }}.0) as slot from found) as filled on floor(expected.n / {{ interval }}.0) = filled.slot
where filled.slot is null and mod(expected.n, {{ interval }}) = 0{{ ' and not (' ~ exclusion_condition ~ ')' if exclusion_condition }}
{% endtest %}
