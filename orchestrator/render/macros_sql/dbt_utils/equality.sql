{#- Rows that only one of the two tables has. -#}
{% test equality(model, compare_model, compare_columns=none, exclude_columns=none, precision=none) %}
{%- if precision is not none -%}
{{ exceptions.raise_compiler_error('`equality` does not round here: compare rounded columns, or use `precision` with the dbt_utils package') }}
{%- endif -%}
{%- if compare_columns -%}
{%- set mine = 'select ' ~ compare_columns | join(', ') ~ ' from ' ~ model -%}
{%- set theirs = 'select ' ~ compare_columns | join(', ') ~ ' from ' ~ compare_model -%}
{%- else -%}
{%- set mine = 'select ' ~ dbt_utils.all_columns(exclude_columns) ~ ' from ' ~ model -%}
{%- set theirs = dbt_utils.in_the_order_of(model, compare_model, dbt_utils.all_columns(exclude_columns)) -%}
{%- endif -%}
with
    mine as ({{ mine }}),
    theirs as ({{ theirs }}),
    only_mine as (select * from mine {{ dbt.except() }} select * from theirs),
    only_theirs as (select * from theirs {{ dbt.except() }} select * from mine)
select 'only in the model' as which_diff, only_mine.* from only_mine
union all
select 'only in the compared model' as which_diff, only_theirs.* from only_theirs
{% endtest %}


{% macro all_columns(exclude_columns) -%}
{{ adapter.dispatch('all_columns', 'dbt_utils')(exclude_columns) if exclude_columns else '*' }}
{%- endmacro %}

{% macro default__all_columns(exclude_columns) -%}
{{ exceptions.raise_compiler_error('this engine has no `select * except`: give `compare_columns` instead of `exclude_columns`') }}
{%- endmacro %}

{% macro duckdb__all_columns(exclude_columns) -%}
* exclude ({{ exclude_columns | join(', ') }})
{%- endmacro %}

{% macro bigquery__all_columns(exclude_columns) -%}
* except ({{ exclude_columns | join(', ') }})
{%- endmacro %}


{#- The second table's columns in the order of the first, where the engine can match them by name; else as they are. -#}
{% macro in_the_order_of(model, compare_model, columns) -%}
{{ adapter.dispatch('in_the_order_of', 'dbt_utils')(model, compare_model, columns) }}
{%- endmacro %}

{% macro default__in_the_order_of(model, compare_model, columns) -%}
select {{ columns }} from {{ compare_model }}
{%- endmacro %}

{% macro duckdb__in_the_order_of(model, compare_model, columns) -%}
(select {{ columns }} from {{ model }} limit 0) union all by name (select {{ columns }} from {{ compare_model }})
{%- endmacro %}
