{#- Ranges that overlap the next one, end before they begin, or (by `gaps`) touch or do not touch it. A null bound fails. -#}
{% test mutually_exclusive_ranges(model, lower_bound_column, upper_bound_column, partition_by=none, gaps='allowed', zero_length_range_allowed=false) %}
{%- set before_next = {'allowed': '<=', 'not_allowed': '=', 'required': '<'} -%}
{%- if gaps not in before_next -%}
{{ exceptions.raise_compiler_error('`gaps` is one of allowed, not_allowed, required; got `' ~ gaps ~ '`') }}
{%- endif -%}
{%- set partition = 'partition by ' ~ partition_by if partition_by else '' -%}
with ranges as (
    select
        {{ partition_by ~ ' as partition_by_col,' if partition_by }}
        {{ lower_bound_column }} as lower_bound,
        {{ upper_bound_column }} as upper_bound,
        lead({{ lower_bound_column }}) over ({{ partition }} order by {{ lower_bound_column }}, {{ upper_bound_column }}) as next_lower_bound,
        row_number() over ({{ partition }} order by {{ lower_bound_column }} desc, {{ upper_bound_column }} desc) = 1 as is_last
    from {{ model }}
)
select *
from ranges
where
    not coalesce(lower_bound {{ '<=' if zero_length_range_allowed else '<' }} upper_bound, false)
    or not coalesce(upper_bound {{ before_next[gaps] }} next_lower_bound, is_last, false)
{% endtest %}

{#- Each value is the one before it plus `interval` (dateparts, if `datepart` is given). -#}
{% test sequential_values(model, column_name, interval=1, datepart=none, group_by_columns=[]) %}
{%- set groups = group_by_columns | join(', ') -%}
{%- set kind = dbt.type_timestamp() -%}
with steps as (
    select
        {{ groups ~ ',' if groups }}
        {{ column_name }} as this_value,
        lag({{ column_name }}) over ({{ 'partition by ' ~ groups if groups }} order by {{ column_name }}) as previous_value
    from {{ model }}
)
select *
from steps
{%- if datepart %}
where not (cast(this_value as {{ kind }}) = cast({{ dbt.dateadd(datepart, interval, 'previous_value') }} as {{ kind }}))
{%- else %}
where not (this_value = previous_value + {{ interval }})
{%- endif %}
{% endtest %}
