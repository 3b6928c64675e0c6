-- A view's options as they stand behind its name; `create or replace` forgets those that are not said.
create or replace function {schema}.{options}(which oid) returns text
language plpgsql set search_path = pg_catalog as $orc$
begin
  return coalesce((select ' with (' || string_agg(format('%s = %L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ') || ')'
    from pg_class c, unnest(c.reloptions) o where c.oid = which), '');
end
$orc$;
