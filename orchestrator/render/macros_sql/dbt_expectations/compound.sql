{#- Which rows `ignore_row_if` leaves in the comparison. -#}
{% macro not_ignored(columns, ignore_row_if) -%}
{%- if ignore_row_if == 'all_values_are_missing' -%}
({{ columns | join(' is not null or ') }} is not null)
{%- elif ignore_row_if == 'any_value_is_missing' -%}
({{ columns | join(' is not null and ') }} is not null)
{%- elif ignore_row_if == 'never' -%}
1 = 1
{%- else -%}
{{ exceptions.raise_compiler_error('`ignore_row_if` is one of all_values_are_missing, any_value_is_missing, never; got `' ~ ignore_row_if ~ '`') }}
{%- endif -%}
{%- endmacro %}

{% test expect_compound_columns_to_be_unique(model, column_list, quote_columns=false, ignore_row_if='all_values_are_missing', row_condition=none) %}
{%- set columns = [] -%}
{%- for column in column_list -%}
{%- do columns.append(adapter.quote(column) if quote_columns else column) -%}
{%- endfor -%}
select {{ columns | join(', ') }}, count(*) as n_records
from {{ model }}
where {{ dbt_expectations.not_ignored(columns, ignore_row_if) }}{{ ' and (' ~ row_condition ~ ')' if row_condition }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{#- Rows in which two of the columns have the same value. -#}
{% test expect_select_column_values_to_be_unique_within_record(model, column_list, quote_columns=false, ignore_row_if='all_values_are_missing', row_condition=none) %}
{%- set columns = [] -%}
{%- for column in column_list -%}
{%- do columns.append(adapter.quote(column) if quote_columns else column) -%}
{%- endfor -%}
{%- set pairs = [] -%}
{%- for column in columns -%}
{%- for other in columns[loop.index:] -%}
{%- do pairs.append(column ~ ' = ' ~ other) -%}
{%- endfor -%}
{%- endfor -%}
select * from {{ model }}
where {{ dbt_expectations.not_ignored(columns, ignore_row_if) }}{{ ' and (' ~ row_condition ~ ')' if row_condition }}
and ({{ pairs | join(' or ') }})
{% endtest %}

{% test expect_multicolumn_sum_to_equal(model, column_list, sum_total, group_by=none, row_condition=none) %}
{{ dbt_expectations.groups_where_not(model, 'sum(' ~ column_list | join(') + sum(') ~ ')', 'measured = ' ~ sum_total, group_by, row_condition) }}
{% endtest %}
