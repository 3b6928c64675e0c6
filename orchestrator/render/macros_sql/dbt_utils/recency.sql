{#- Nothing newer than `interval` dateparts ago. A table without rows passes: it has no most recent value. -#}
{% test recency(model, field, datepart, interval, ignore_time_component=false, group_by_columns=[]) %}
{%- set groups = group_by_columns | join(', ') -%}
{%- set kind = 'date' if ignore_time_component else dbt.type_timestamp() -%}
{%- set now = 'cast(' ~ dbt.current_timestamp() ~ ' as ' ~ kind ~ ')' -%}
{%- set threshold = 'cast(' ~ dbt.dateadd(datepart, interval * -1, now) ~ ' as ' ~ kind ~ ')' -%}
select {{ groups ~ ', ' if groups }}max(cast({{ field }} as {{ kind }})) as most_recent, {{ threshold }} as threshold
from {{ model }}
{{ 'group by ' ~ groups if groups }}
having max(cast({{ field }} as {{ kind }})) < {{ threshold }}
{% endtest %}
