-- An index's definition from USING on: what makes it the same index under another name, on another table.
create or replace function {schema}.{tail}(which oid) returns text
language plpgsql set search_path = pg_catalog as $orc$
begin
  return (select substr(pg_get_indexdef(i.indexrelid),
      length(format('CREATE %sINDEX %I ON %I.%I ', case when i.indisunique then 'UNIQUE ' else '' end, k.relname, n.nspname, t.relname)) + 1)
    from pg_index i join pg_class k on k.oid = i.indexrelid join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = t.relnamespace
    where i.indexrelid = which);
end
$orc$;
