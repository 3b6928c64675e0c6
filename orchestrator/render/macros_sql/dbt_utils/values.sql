{% test not_accepted_values(model, column_name, values, quote=true) %}
select {{ column_name }} as value_field, count(*) as n_records
from {{ model }}
where {{ column_name }} in (
    {%- for value in values %}
    {{ dbt.string_literal(dbt.escape_single_quotes(value | string)) if quote else value }}{{ ',' if not loop.last }}
    {%- endfor %}
)
group by {{ column_name }}
{% endtest %}

{#- `not (…)` for each bound: a null passes both. -#}
{% test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) %}
{%- if min_value is none and max_value is none -%}
{{ exceptions.raise_compiler_error('`accepted_range` needs `min_value` or `max_value`') }}
{%- endif -%}
{%- set or_equal = '=' if inclusive else '' -%}
select * from {{ model }}
where
    {%- if min_value is not none %}
    not ({{ column_name }} >{{ or_equal }} {{ min_value }})
    {%- endif %}
    {%- if min_value is not none and max_value is not none %} or{% endif %}
    {%- if max_value is not none %}
    not ({{ column_name }} <{{ or_equal }} {{ max_value }})
    {%- endif %}
{% endtest %}

{% test unique_combination_of_columns(model, combination_of_columns, quote_columns=false) %}
{%- set columns = [] -%}
{%- for column in combination_of_columns -%}
{%- do columns.append(adapter.quote(column) if quote_columns else column) -%}
{%- endfor -%}
select {{ columns | join(', ') }}, count(*) as n_records
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
