{#- A query with the numbers 1 to `upper_bound` in the column `generated_number`. -#}
{% macro generate_series(upper_bound) -%}
{{ adapter.dispatch('generate_series', 'dbt')(upper_bound) }}
{%- endmacro %}

{% macro default__generate_series(upper_bound) -%}
select series.generated_number from generate_series(1, {{ upper_bound }}) as series(generated_number)
{%- endmacro %}

{% macro bigquery__generate_series(upper_bound) -%}
select generated_number from unnest(generate_array(1, {{ upper_bound }})) as generated_number
{%- endmacro %}


{#- A query with one row per `datepart` in the column `date_<datepart>`: `start_date` is in it, `end_date` is not. -#}
{% macro date_spine(datepart, start_date, end_date) -%}
{{ adapter.dispatch('date_spine', 'dbt')(datepart, start_date, end_date) }}
{%- endmacro %}

{#- Counted by the engine, so the query needs no question to the warehouse before it is written. -#}
{% macro default__date_spine(datepart, start_date, end_date) -%}
select {{ dbt.dateadd(datepart, 'series.n', start_date) }} as date_{{ datepart }}
from generate_series(0, {{ dbt.datediff(start_date, end_date, datepart) }} - 1) as series(n)
{%- endmacro %}

{% macro bigquery__date_spine(datepart, start_date, end_date) -%}
select {{ dbt.dateadd(datepart, 'n', start_date) }} as date_{{ datepart }}
from unnest(generate_array(0, {{ dbt.datediff(start_date, end_date, datepart) }} - 1)) as n
{%- endmacro %}
