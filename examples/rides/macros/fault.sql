{# BREAK=core_trips makes that model ask for a column that is not there: a mistake in its SQL, to see what comes of it. #}
{% macro fault() %}{% if env_var('BREAK', '') == model.name %}order by no_such_column{% endif %}{% endmacro %}
