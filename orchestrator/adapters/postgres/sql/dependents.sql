-- The views over a relation, those over them, and so on; a deeper one needs those before it.
create or replace function {schema}.{dependents}(whose oid) returns table (id oid, far int)
language plpgsql set search_path = pg_catalog as $orc$
begin
  return query
    with recursive found(id, far) as (
      select r.ev_class, 1 from pg_depend d join pg_rewrite r on r.oid = d.objid
      where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = whose and d.deptype = 'n'
        and r.ev_class <> whose
      union
      select r.ev_class, f.far + 1 from found f
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = f.id and d.deptype = 'n'
      join pg_rewrite r on r.oid = d.objid
      where r.ev_class <> f.id)
    select f.id, max(f.far)::int from found f join pg_class c on c.oid = f.id where c.relkind in ('v', 'm') group by f.id;
end
$orc$;
