-- The statement that drops a relation, by its kind, and nothing that depends on it.
create or replace function {schema}.{drop}(which oid) returns text
language plpgsql set search_path = pg_catalog as $orc$
begin
  return (select format('drop %s %I.%I', case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end,
    n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = which);
end
$orc$;
