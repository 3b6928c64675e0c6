{% macro create_view_as(relation, sql) %}{{ return(adapter.dispatch('create_view_as', 'dbt')(relation, sql)) }}{% endmacro %}
{% macro default__create_view_as(relation, sql) %}create view {{ relation }} as
{{ sql }}{% endmacro %}

{% macro create_table_as(temporary, relation, sql) %}{{ return(adapter.dispatch('create_table_as', 'dbt')(temporary, relation, sql)) }}{% endmacro %}
{% macro default__create_table_as(temporary, relation, sql) %}create {{ 'temporary ' if temporary }}table {{ relation }} as
{{ sql }}{% endmacro %}
