-- Give a published table the rows of its stage: the table stays the same object, so that a reader keeps the rows of its own snapshot.
-- What is built otherwise than what is there (columns, indexes, constraints of the model's own, logging), or is pointed to, is swapped.
create or replace function {schema}.{in_place}(home text, staged text, published text) returns void
language plpgsql set search_path = pg_catalog as $orc$
declare
  stage oid := format('%I.%I', home, staged)::regclass;
  target text := format('%I.%I', home, published);
  old oid := to_regclass(target);
  same boolean;
  columns text;
begin
  select s.relkind = 'r' and t.relkind = 'r' and s.relpersistence = t.relpersistence
    and (select array_agg((attname, atttypid, atttypmod, attcollation, attnotnull)::text order by attname) from pg_attribute
         where attrelid = s.oid and attnum > 0 and not attisdropped)
      = (select array_agg((attname, atttypid, atttypmod, attcollation, attnotnull)::text order by attname) from pg_attribute
         where attrelid = t.oid and attnum > 0 and not attisdropped)
    and (select coalesce(array_agg(regexp_replace(k.relname, '_new$', '') order by 1), '{}') from pg_index i join pg_class k on k.oid = i.indexrelid
         where i.indrelid = s.oid and k.relname ~ '__orc_[0-9a-f]{8}(_new)?$' and not exists (select from pg_constraint n where n.conindid = k.oid))
      = (select coalesce(array_agg(k.relname::text order by 1), '{}') from pg_index i join pg_class k on k.oid = i.indexrelid
         where i.indrelid = t.oid and k.relname ~ '__orc_[0-9a-f]{8}$' and not exists (select from pg_constraint n where n.conindid = k.oid))
    and (select coalesce(array_agg(concat_ws(' ', n.contype::text, pg_get_constraintdef(n.oid), obj_description(n.oid, 'pg_constraint')) order by 1), '{}') from pg_constraint n
         where n.conrelid = s.oid and n.contype <> 'n' and {schema}.{ours}(n.oid))
      = (select coalesce(array_agg(concat_ws(' ', n.contype::text, pg_get_constraintdef(n.oid), obj_description(n.oid, 'pg_constraint')) order by 1), '{}') from pg_constraint n
         where n.conrelid = t.oid and n.contype <> 'n' and {schema}.{ours}(n.oid))
    and not exists (select from pg_constraint n where n.contype = 'f' and n.confrelid = t.oid)
    into same from pg_class s, pg_class t where s.oid = stage and t.oid = old;
  if same is not true then
    perform {schema}.{swap}(home, staged, published);
    return;
  end if;
  select string_agg(quote_ident(attname), ', ' order by attnum) into columns from pg_attribute
    where attrelid = stage and attnum > 0 and not attisdropped and attgenerated = '';
  execute format('lock table %s in share row exclusive mode', target);
  execute format('delete from %s', target);
  execute format('insert into %s (%s) select %s from %I.%I', target, columns, columns, home, staged);
  execute format('drop table %I.%I', home, staged);
  execute format('analyze %s', target);
end
$orc$;
