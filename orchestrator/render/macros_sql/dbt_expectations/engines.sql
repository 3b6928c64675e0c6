{#- What engines say differently. -#}

{#- Whether a text has a match for a regular expression anywhere. `flags` are letters as in `(?i)`. -#}
{% macro matches(expression, regex, is_raw=false, flags='') -%}
{%- set options = '(?' ~ flags ~ ')' if flags else '' -%}
{{ adapter.dispatch('matches', 'dbt_expectations')(expression, options ~ regex, is_raw) }}
{%- endmacro %}

{% macro default__matches(expression, regex, is_raw) -%}
regexp_matches({{ expression }}, '{{ dbt.escape_single_quotes(regex) }}')
{%- endmacro %}

{% macro postgres__matches(expression, regex, is_raw) -%}
{{ expression }} ~ '{{ dbt.escape_single_quotes(regex) }}'
{%- endmacro %}

{% macro bigquery__matches(expression, regex, is_raw) -%}
regexp_contains({{ expression }}, {{ 'r' if is_raw }}'{{ dbt.escape_single_quotes(regex) }}')
{%- endmacro %}

{#- The value below which a share of the values lies. On BigQuery it is an approximation. -#}
{% macro quantile(expression, share) -%}
{{ adapter.dispatch('quantile', 'dbt_expectations')(expression, share) }}
{%- endmacro %}

{% macro default__quantile(expression, share) -%}
percentile_cont({{ share }}) within group (order by {{ expression }})
{%- endmacro %}

{% macro bigquery__quantile(expression, share) -%}
approx_quantiles({{ expression }}, 1000)[offset({{ (share | float * 1000) | int }})]
{%- endmacro %}

{#- Every `n` from 0 up to (not including) the `steps` of the one row of `limits`, beside that row. -#}
{% macro counted_up(limits) -%}
{{ adapter.dispatch('counted_up', 'dbt_expectations')(limits) }}
{%- endmacro %}

{% macro default__counted_up(limits) -%}
select {{ limits }}.*, series.n from {{ limits }} cross join lateral generate_series(0, {{ limits }}.steps - 1) as series(n)
{%- endmacro %}

{% macro duckdb__counted_up(limits) -%}
select *, unnest(range(0, coalesce(steps, 0))) as n from {{ limits }}
{%- endmacro %}

{% macro bigquery__counted_up(limits) -%}
select {{ limits }}.*, n from {{ limits }} cross join unnest(generate_array(0, {{ limits }}.steps - 1)) as n
{%- endmacro %}
