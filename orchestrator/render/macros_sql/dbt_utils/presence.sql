{% test at_least_one(model, column_name, group_by_columns=[]) %}
{%- set groups = group_by_columns | join(', ') -%}
select {{ groups ~ ', ' if groups }}count({{ column_name }}) as filled
from {{ model }}
{{ 'group by ' ~ groups if groups }}
having count({{ column_name }}) = 0
{% endtest %}

{% test not_constant(model, column_name, group_by_columns=[]) %}
{%- set groups = group_by_columns | join(', ') -%}
select {{ groups ~ ', ' if groups }}count(distinct {{ column_name }}) as distinct_values
from {{ model }}
{{ 'group by ' ~ groups if groups }}
having count(distinct {{ column_name }}) = 1
{% endtest %}

{% test not_empty_string(model, column_name, trim_whitespace=true) %}
select * from {{ model }}
where {{ 'trim(' ~ column_name ~ ')' if trim_whitespace else column_name }} = ''
{% endtest %}

{% test not_null_proportion(model, column_name, at_least, at_most=1.0, group_by_columns=[]) %}
{%- set groups = group_by_columns | join(', ') -%}
select *
from (
    select {{ groups ~ ', ' if groups }}count({{ column_name }}) * 1.0 / nullif(count(*), 0) as not_null_proportion
    from {{ model }}
    {{ 'group by ' ~ groups if groups }}
) as measured
where not (not_null_proportion >= {{ at_least }} and not_null_proportion <= {{ at_most }})
{% endtest %}
