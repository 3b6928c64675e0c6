{#- The names of a relation's columns without those in `except`. Without a connection it knows none. -#}
{% macro get_filtered_columns_in_relation(from, except=[]) -%}
{%- set unwanted = except | map('lower') | list -%}
{%- set names = [] -%}
{%- for column in adapter.get_columns_in_relation(from) if column.name | lower not in unwanted -%}
{%- do names.append(column.name) -%}
{%- endfor -%}
{{ return(names) }}
{%- endmacro %}

{#- `*` stands for the columns as long as they are not known. -#}
{% macro star(from, relation_alias=false, except=[], prefix='', suffix='', quote_identifiers=true) -%}
{%- set names = dbt_utils.get_filtered_columns_in_relation(from, except) -%}
{%- set before = relation_alias ~ '.' if relation_alias else '' -%}
{%- if not names -%}
{{ before }}*
{%- endif -%}
{%- for name in names -%}
{{ before }}{{ adapter.quote(name) if quote_identifiers else name }}
{%- if prefix or suffix %} as {{ adapter.quote(prefix ~ name ~ suffix) if quote_identifiers else prefix ~ name ~ suffix }}{% endif -%}
{{ ',\n' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{#- The distinct values of a column, the most frequent first, as a list. -#}
{% macro get_column_values(table, column, order_by='count(*) desc', max_records=none, default=none, where=none) -%}
{%- set query -%}
select {{ column }} as value from {{ table }}
{{ 'where ' ~ where if where }}
group by {{ column }}
order by {{ order_by }}
{{ 'limit ' ~ max_records if max_records is not none }}
{%- endset -%}
{%- set answer = run_query(query) -%}
{%- if answer is none or not answer | length -%}
{{ return(default if default is not none else []) }}
{%- endif -%}
{{ return(answer.columns[0].values() | list) }}
{%- endmacro %}

{#- The columns of several relations, one below the other; what a relation lacks is null. -#}
{% macro union_relations(relations, column_override=none, include=[], exclude=[], source_column_name='_dbt_source_relation', where=none) -%}
{%- if include and exclude -%}
{{ exceptions.raise_compiler_error('`union_relations` takes `include` or `exclude`, not both') }}
{%- endif -%}
{%- set wanted = include | map('lower') | list -%}
{%- set unwanted = exclude | map('lower') | list -%}
{%- set types = {} -%}
{%- set names = {} -%}
{%- set known = [] -%}
{%- for relation in relations -%}
    {%- set mine = [] -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- set folded = column.name | lower -%}
        {%- if (not wanted or folded in wanted) and folded not in unwanted -%}
            {%- do mine.append(folded) -%}
            {%- do types.setdefault(folded, (column_override or {}).get(column.name, column.data_type)) -%}
            {%- do names.setdefault(folded, column.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do known.append(mine) -%}
{%- endfor -%}
{%- for relation in relations %}
    {%- set mine = known[loop.index0] %}
select
    {%- if source_column_name %}
    cast({{ dbt.string_literal(dbt.escape_single_quotes(relation | string)) }} as {{ dbt.type_string() }}) as {{ source_column_name }}{{ ',' }}
    {%- endif %}
    {%- for folded, type in types.items() %}
    cast({{ adapter.quote(names[folded]) if folded in mine else 'null' }} as {{ type }}) as {{ adapter.quote(names[folded]) }}{{ ',' if not loop.last }}
    {%- else %}
    *
    {%- endfor %}
from {{ relation }}
{{ 'where ' ~ where if where }}
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{#- Columns become rows: `exclude` stays as it is, `remove` goes, the rest becomes field and value. -#}
{% macro unpivot(relation, cast_to='varchar', exclude=[], remove=[], field_name='field_name', value_name='value', quote_identifiers=false) -%}
{%- set kept = exclude | map('lower') | list -%}
{%- set gone = remove | map('lower') | list -%}
{%- set turned = [] -%}
{%- for column in adapter.get_columns_in_relation(relation) if column.name | lower not in kept + gone -%}
{%- do turned.append(column.name) -%}
{%- endfor -%}
{%- if not turned -%}
select * from {{ relation }}
{%- endif -%}
{%- for name in turned %}
select
    {%- for column in exclude %}
    {{ adapter.quote(column) if quote_identifiers else column }},
    {%- endfor %}
    cast('{{ name }}' as {{ dbt.type_string() }}) as {{ adapter.quote(field_name) if quote_identifiers else field_name }},
    cast({{ adapter.quote(name) if quote_identifiers else name }} as {{ dbt.type_string() if cast_to == 'varchar' else cast_to }}) as {{ adapter.quote(value_name) if quote_identifiers else value_name }}
from {{ relation }}
{{ 'union all' if not loop.last }}
{%- endfor -%}
{%- endmacro %}
