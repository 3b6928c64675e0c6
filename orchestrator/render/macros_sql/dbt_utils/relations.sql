{#- Values whose number of rows differs between the two columns. -#}
{% test cardinality_equality(model, column_name, to, field) %}
select value_field, sum(mine) as count_mine, sum(theirs) as count_theirs
from (
    select {{ column_name }} as value_field, count(*) as mine, 0 as theirs from {{ model }} group by {{ column_name }}
    union all
    select {{ field }} as value_field, 0 as mine, count(*) as theirs from {{ to }} group by {{ field }}
) as both_tables
group by value_field
having sum(mine) <> sum(theirs)
{% endtest %}

{% test relationships_where(model, column_name, to, field, from_condition='1 = 1', to_condition='1 = 1') %}
with
    children as (
        select {{ column_name }} as from_value from {{ model }}
        where {{ column_name }} is not null and ({{ from_condition }})
    ),
    parents as (
        select {{ field }} as to_value from {{ to }}
        where {{ field }} is not null and ({{ to_condition }})
    )
select children.from_value
from children left join parents on children.from_value = parents.to_value
where parents.to_value is null
{% endtest %}
