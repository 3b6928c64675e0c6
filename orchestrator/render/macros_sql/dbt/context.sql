{#- Names of the context that projects also call with the package in front. -#}

{% macro is_incremental() %}{{ return(builtins.is_incremental()) }}{% endmacro %}

{% macro should_full_refresh() %}{{ return(builtins.should_full_refresh()) }}{% endmacro %}

{% macro run_query(sql) %}{{ return(builtins.run_query(sql)) }}{% endmacro %}
