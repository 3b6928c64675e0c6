{% test in_range(model, column_name, low=none, high=none) %}
select {{ column_name }}
from {{ model }}
where false
    {%- if low is not none %}
    or {{ column_name }} < {{ low }}
    {%- endif %}
    {%- if high is not none %}
    or {{ column_name }} > {{ high }}
    {%- endif %}
{% endtest %}

{% test unique_together(model, columns) %}
select {{ columns | join(', ') }}, count(*) as copies
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{% test same_total(model, column_name, other, of) %}
select ours.total as ours, theirs.total as theirs
from (select sum({{ column_name }}) as total from {{ model }}) as ours
cross join (select {{ of }} as total from {{ other }}) as theirs
where ours.total <> theirs.total or ours.total is null or theirs.total is null
{% endtest %}
