{# Text without any of the given pieces. #}
{% macro without(text, pieces) -%}
    {%- for piece in pieces %}replace({% endfor -%}
    {{ text }}
    {%- for piece in pieces %}, '{{ piece }}', ''){% endfor -%}
{%- endmacro %}
