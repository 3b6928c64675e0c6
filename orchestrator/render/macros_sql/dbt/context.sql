{#- Names of the context that projects also call with the package in front. -#}

{% macro is_incremental() %}{{ return(builtins.is_incremental()) }}{% endmacro %}

{% macro should_full_refresh() %}{{ return(builtins.should_full_refresh()) }}{% endmacro %}

{% macro run_query(sql) %}{{ return(builtins.run_query(sql)) }}{% endmacro %}

{#- Whether a test's failing rows are kept: its config if it says so, else the flag. -#}
{% macro should_store_failures() %}
{%- set configured = config.get('store_failures') -%}
{{ return((flags.STORE_FAILURES or false) if configured is none else configured) }}
{%- endmacro %}

{#- Text in front of the statement that builds the model: settings of the session, functions. -#}
{% macro set_sql_header(config) %}{{ config.set('sql_header', caller()) }}{% endmacro %}
