{#- What the `when` of a model may want to know. They ask when the run is under way; before, there is nothing to be known. -#}

{% macro row_count(model) -%}
{%- if not execute -%}{{ return(0) }}{%- endif -%}
{{ return(run_query('select count(*) as n from ' ~ ref(model)).columns[0].values()[0] | int) }}
{%- endmacro %}

{#- Mon, Tue, … of a date, or of a text that is one. -#}
{% macro weekday(day) -%}
{{ return(['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][modules.datetime.date.fromisoformat((day | string)[:10]).weekday()]) }}
{%- endmacro %}
