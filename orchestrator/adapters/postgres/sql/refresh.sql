-- Bring a materialized view's rows up to date: without making its readers wait where it has a unique index over all its rows.
create or replace function {schema}.{refresh}(home text, name text) returns void
language plpgsql set search_path = pg_catalog as $orc$
declare
  which oid := format('%I.%I', home, name)::regclass;
begin
  execute format('refresh materialized view %s%I.%I', case when (select relispopulated from pg_class where oid = which)
      and exists (select from pg_index where indrelid = which and indisunique and indisvalid and indpred is null and indexprs is null)
    then 'concurrently ' else '' end, home, name);
  execute format('analyze %I.%I', home, name);
end
$orc$;
