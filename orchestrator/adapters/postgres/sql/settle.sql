-- Give the indexes and constraints of a table just published the names they had before, or were meant to have.
create or replace function {schema}.{settle}(what regclass, names jsonb) returns void
language plpgsql set search_path = pg_catalog as $orc$
declare
  item record;
begin
  for item in
    select k.oid, k.relname, regexp_replace(k.relname, '_new$', '') as name from pg_index i join pg_class k on k.oid = i.indexrelid
    where i.indrelid = what and k.relname ~ '__orc_[0-9a-f]{8}_new$'
  loop
    execute format('alter index %s rename to %I', item.oid::regclass, item.name);
  end loop;
  for item in
    select m.conname, substr(d.description, 5) as name from pg_constraint m
    join pg_description d on d.objoid = m.oid and d.classoid = 'pg_constraint'::regclass
    where m.conrelid = what and d.description like 'orc:%' and m.conname <> substr(d.description, 5)
  loop
    execute format('alter table %s rename constraint %I to %I', what, item.conname, item.name);
  end loop;
  for item in
    select distinct on (n ->> 'name') k.oid, n ->> 'name' as name from jsonb_array_elements(names) n, pg_index i join pg_class k on k.oid = i.indexrelid
    where i.indrelid = what and n ? 'name' and i.indisunique = (n ->> 'unique')::boolean and {schema}.{tail}(i.indexrelid) = n ->> 'tail'
      and k.relname !~ '__orc_[0-9a-f]{8}$' and k.relname <> n ->> 'name'
  loop
    execute format('alter index %s rename to %I', item.oid::regclass, item.name);
  end loop;
  for item in
    select distinct on (n ->> 'constraint') m.conname, n ->> 'constraint' as name from jsonb_array_elements(names) n, pg_constraint m
    where m.conrelid = what and n ? 'constraint' and m.contype = (n ->> 'type')::"char" and pg_get_constraintdef(m.oid) = n ->> 'definition'
      and m.conname <> n ->> 'constraint'
  loop
    execute format('alter table %s rename constraint %I to %I', what, item.conname, item.name);
  end loop;
end
$orc$;
