{#- What the tests are made of. -#}

{#- A condition that holds when `value` lies between the bounds; either bound may be missing, not both. -#}
{% macro between(value, min_value, max_value, strictly=false) -%}
{%- if min_value is none and max_value is none -%}
{{ exceptions.raise_compiler_error('give `min_value`, `max_value` or both') }}
{%- endif -%}
{%- set or_equal = '' if strictly else '=' -%}
{%- if min_value is not none -%}
{{ value }} >{{ or_equal }} {{ min_value }}
{%- endif -%}
{{ ' and ' if min_value is not none and max_value is not none }}
{%- if max_value is not none -%}
{{ value }} <{{ or_equal }} {{ max_value }}
{%- endif -%}
{%- endmacro %}

{#- Rows for which `condition` is false. Where it is null the row passes. -#}
{% macro rows_where_not(model, condition, row_condition=none) -%}
select * from {{ model }}
where {{ '(' ~ row_condition ~ ') and ' if row_condition }}not ({{ condition }})
{%- endmacro %}

{#- One row per group (one in all without groups) whose aggregate does not satisfy `condition`, a condition on `measured`. -#}
{% macro groups_where_not(model, aggregate, condition, group_by=none, row_condition=none) -%}
{%- set columns = [group_by] if group_by is string else (group_by or []) -%}
{%- set groups = columns | join(', ') -%}
select *
from (
    select {{ groups ~ ', ' if groups }}{{ aggregate }} as measured
    from {{ model }}
    {{ 'where ' ~ row_condition if row_condition }}
    {{ 'group by ' ~ groups if groups }}
) as aggregated
where not ({{ condition }})
{%- endmacro %}

{#- Values as a list of SQL literals. -#}
{% macro literals(values, quote_values=true) -%}
{%- for value in values -%}
{{ dbt.string_literal(dbt.escape_single_quotes(value | string)) if quote_values else value }}{{ ', ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{#- Values as a query with the column `value_field`. -#}
{% macro literal_rows(values, quote_values=true) -%}
{%- for value in values -%}
select {{ dbt.string_literal(dbt.escape_single_quotes(value | string)) if quote_values else value }} as value_field{{ ' union all ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{#- The instant `interval` dateparts ago. -#}
{% macro ago(datepart, interval) -%}
{%- set kind = dbt.type_timestamp() -%}
cast({{ dbt.dateadd(datepart, interval * -1, dbt_expectations.this_instant()) }} as {{ kind }})
{%- endmacro %}

{% macro this_instant() -%}
cast({{ dbt.current_timestamp() }} as {{ dbt.type_timestamp() }})
{%- endmacro %}
