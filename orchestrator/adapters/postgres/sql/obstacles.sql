-- What depends on a relation (or on its row type) and is neither a part of it nor a view.
create or replace function {schema}.{obstacles}(whose oid) returns setof text
language plpgsql set search_path = pg_catalog as $orc$
begin
  return query
    select pg_describe_object(d.classid, d.objid, d.objsubid)
    from pg_depend d
    where d.deptype in ('n', 'e', 'x')
      and (d.refclassid = 'pg_class'::regclass and d.refobjid = whose
        or d.refclassid = 'pg_type'::regclass and d.refobjid in (
          select t.oid from pg_type t where t.typrelid = whose union all select t.typarray from pg_type t where t.typrelid = whose))
      and not exists (select from pg_rewrite r join pg_class c on c.oid = r.ev_class
        where d.classid = 'pg_rewrite'::regclass and r.oid = d.objid and (c.relkind in ('v', 'm') or c.oid = whose))
      and not exists (select from pg_policy p where d.classid = 'pg_policy'::regclass and p.oid = d.objid and p.polrelid = whose)
      and not exists (select from pg_trigger t where d.classid = 'pg_trigger'::regclass and t.oid = d.objid and t.tgrelid = whose)
      and not exists (select from pg_constraint n
        where d.classid = 'pg_constraint'::regclass and n.oid = d.objid and (n.conrelid = whose and n.confrelid <> whose
          or n.contype = 'f' and n.confrelid = whose and {schema}.{ours}(n.oid)))  -- pointed at the new version by swap
    union
    select 'inheritance of ' || inhrelid::regclass::text || ' from ' || inhparent::regclass::text
    from pg_inherits where whose in (inhrelid, inhparent)
    order by 1;
end
$orc$;
