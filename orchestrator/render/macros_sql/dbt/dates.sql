{#- Arithmetic on dates. `datepart` is a word: year, quarter, month, week, day, hour, minute, second, millisecond. -#}

{% macro dateadd(datepart, interval, from_date_or_timestamp) -%}
{{ adapter.dispatch('dateadd', 'dbt')(datepart, interval, from_date_or_timestamp) }}
{%- endmacro %}

{#- A quarter is not a unit of an interval everywhere; three months are. -#}
{% macro default__dateadd(datepart, interval, from_date_or_timestamp) -%}
{%- set part = datepart | lower | trim -%}
{%- set unit = '3 month' if part == 'quarter' else '1 ' ~ part -%}
({{ from_date_or_timestamp }} + (interval '{{ unit }}') * ({{ interval }}))
{%- endmacro %}

{% macro bigquery__dateadd(datepart, interval, from_date_or_timestamp) -%}
datetime_add(cast({{ from_date_or_timestamp }} as datetime), interval {{ interval }} {{ datepart }})
{%- endmacro %}


{% macro datediff(first_date, second_date, datepart) -%}
{{ adapter.dispatch('datediff', 'dbt')(first_date, second_date, datepart) }}
{%- endmacro %}

{% macro default__datediff(first_date, second_date, datepart) -%}
datediff({{ datepart }}, {{ first_date }}, {{ second_date }})
{%- endmacro %}

{#- DuckDB counts whole weeks gone by; like the other engines this counts how often a Sunday begins. -#}
{% macro duckdb__datediff(first_date, second_date, datepart) -%}
{%- set part = datepart | lower | trim -%}
{%- set a = 'cast(' ~ first_date ~ ' as timestamp)' -%}
{%- set b = 'cast(' ~ second_date ~ ' as timestamp)' -%}
{%- if part == 'week' -%}
(date_diff('day', date_trunc('week', {{ a }} + interval '1 day'), date_trunc('week', {{ b }} + interval '1 day')) // 7)
{%- else -%}
date_diff('{{ part }}', {{ a }}, {{ b }})
{%- endif -%}
{%- endmacro %}

{#- Postgres has no such function. Each part counts the boundaries crossed; weeks begin on Sunday. -#}
{% macro postgres__datediff(first_date, second_date, datepart) -%}
{%- set part = datepart | lower | trim -%}
{%- set a = 'cast(' ~ first_date ~ ' as timestamp)' -%}
{%- set b = 'cast(' ~ second_date ~ ' as timestamp)' -%}
{%- set years = '(extract(year from ' ~ b ~ ') - extract(year from ' ~ a ~ '))' -%}
{%- set seconds = {'hour': 3600, 'minute': 60, 'second': 1} -%}
{%- if part == 'year' -%}
cast({{ years }} as integer)
{%- elif part == 'quarter' -%}
cast({{ years }} * 4 + extract(quarter from {{ b }}) - extract(quarter from {{ a }}) as integer)
{%- elif part == 'month' -%}
cast({{ years }} * 12 + extract(month from {{ b }}) - extract(month from {{ a }}) as integer)
{%- elif part == 'week' -%}
((cast(date_trunc('week', {{ b }} + interval '1 day') as date) - cast(date_trunc('week', {{ a }} + interval '1 day') as date)) / 7)
{%- elif part == 'day' -%}
(cast({{ b }} as date) - cast({{ a }} as date))
{%- elif part in seconds -%}
cast(extract(epoch from date_trunc('{{ part }}', {{ b }}) - date_trunc('{{ part }}', {{ a }})) / {{ seconds[part] }} as bigint)
{%- elif part in ('millisecond', 'microsecond') -%}
{%- set scale = 1000 if part == 'millisecond' else 1000000 -%}
cast(extract(epoch from date_trunc('{{ part }}s', {{ b }}) - date_trunc('{{ part }}s', {{ a }})) * {{ scale }} as bigint)
{%- else -%}
{{ exceptions.raise_compiler_error('`datediff` cannot count in `' ~ datepart ~ '` on Postgres') }}
{%- endif -%}
{%- endmacro %}

{% macro bigquery__datediff(first_date, second_date, datepart) -%}
datetime_diff(cast({{ second_date }} as datetime), cast({{ first_date }} as datetime), {{ datepart }})
{%- endmacro %}


{% macro date_trunc(datepart, date) -%}
{{ adapter.dispatch('date_trunc', 'dbt')(datepart, date) }}
{%- endmacro %}

{% macro default__date_trunc(datepart, date) -%}
date_trunc('{{ datepart }}', {{ date }})
{%- endmacro %}

{% macro bigquery__date_trunc(datepart, date) -%}
timestamp_trunc(cast({{ date }} as timestamp), {{ datepart }})
{%- endmacro %}


{% macro last_day(date, datepart) -%}
{{ adapter.dispatch('last_day', 'dbt')(date, datepart) }}
{%- endmacro %}

{% macro default__last_day(date, datepart) -%}
cast({{ dbt.dateadd('day', -1, dbt.dateadd(datepart, 1, dbt.date_trunc(datepart, date))) }} as date)
{%- endmacro %}


{% macro date(year, month, day) -%}
{{ adapter.dispatch('date', 'dbt')(year, month, day) }}
{%- endmacro %}

{% macro default__date(year, month, day) -%}
cast('{{ '%04d-%02d-%02d' | format(year | int, month | int, day | int) }}' as date)
{%- endmacro %}


{% macro current_timestamp() -%}
{{ adapter.dispatch('current_timestamp', 'dbt')() }}
{%- endmacro %}

{% macro default__current_timestamp() -%}
current_timestamp
{%- endmacro %}

{% macro duckdb__current_timestamp() -%}
now()
{%- endmacro %}

{% macro postgres__current_timestamp() -%}
now()
{%- endmacro %}

{% macro bigquery__current_timestamp() -%}
current_timestamp()
{%- endmacro %}
