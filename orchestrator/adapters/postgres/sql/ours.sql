-- Whether a constraint comes from a contract: its name says so, or the comment that keeps the name its author gave it.
create or replace function {schema}.{ours}(which oid) returns boolean
language plpgsql set search_path = pg_catalog as $orc$
begin
  return (select conname ~ '__orc_[0-9a-f]{8}(_new)?$' or coalesce(obj_description(oid, 'pg_constraint') like 'orc:%', false)
    from pg_constraint where oid = which);
end
$orc$;
