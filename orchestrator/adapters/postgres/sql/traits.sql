-- Statements that give a relation made anew what its predecessor had: owner, privileges, comments, row security, triggers, rules.
create or replace function {schema}.{traits}(was oid, kind "char", fresh oid) returns setof text
language plpgsql set search_path = pg_catalog as $orc$
declare
  c record;
  item record;
  x text;
  word text;
begin
  select k.*, n.nspname into c from pg_class k join pg_namespace n on n.oid = k.relnamespace where k.oid = was;
  x := format('%I.%I', c.nspname, c.relname);
  word := case kind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end;
  if c.relowner <> (select oid from pg_roles where rolname = current_user) then
    return next format('alter %s %s owner to %I', word, x, pg_get_userbyid(c.relowner));
  end if;
  if c.relacl is not null or exists (select from pg_default_acl) then
    return next format('select {schema}.{regrant}(%L, %L)', x, c.relacl);
  end if;
  for item in
    select a.attname, e.* from pg_attribute a, aclexplode(a.attacl) e
    where a.attrelid = was and a.attnum > 0 and not a.attisdropped and a.attacl is not null
      and (fresh is null or exists (select from pg_attribute b where b.attrelid = fresh and b.attname = a.attname and b.attnum > 0 and not b.attisdropped))
  loop
    return next format('grant %s (%I) on %s to %s%s', item.privilege_type, item.attname, x,
      case item.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(item.grantee)) end,
      case when item.is_grantable then ' with grant option' else '' end);
  end loop;
  for item in
    select a.attname, d.description from pg_description d left join pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid and d.objsubid > 0
    where d.objoid = was and d.classoid = 'pg_class'::regclass
      and (d.objsubid = 0 or fresh is null
        or exists (select from pg_attribute b where b.attrelid = fresh and b.attname = a.attname and b.attnum > 0 and not b.attisdropped))
  loop
    return next case when item.attname is null then format('comment on %s %s is %L', word, x, item.description)
      else format('comment on column %s.%I is %L', x, item.attname, item.description) end;
  end loop;
  if kind <> c.relkind then
    return;  -- what follows belongs to a kind of relation
  end if;
  if kind = 'r' and c.reloptions is not null then
    for item in select o from unnest(c.reloptions) o
      where not exists (select from pg_class k, unnest(k.reloptions) p where k.oid = fresh and split_part(p, '=', 1) = split_part(o, '=', 1))
    loop
      return next format('alter table %s set (%s = %L)', x, split_part(item.o, '=', 1), substr(item.o, strpos(item.o, '=') + 1));
    end loop;
  end if;
  for item in
    select p.*, case when p.polroles = '{0}' then 'public'
      else (select string_agg(quote_ident(pg_get_userbyid(r)), ', ') from unnest(p.polroles) r) end as roles
    from pg_policy p where p.polrelid = was
  loop
    return next format('create policy %I on %s as %s for %s to %s%s%s', item.polname, x,
      case when item.polpermissive then 'permissive' else 'restrictive' end,
      case item.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
      item.roles,
      coalesce(' using (' || pg_get_expr(item.polqual, was) || ')', ''),
      coalesce(' with check (' || pg_get_expr(item.polwithcheck, was) || ')', ''));
  end loop;
  if c.relrowsecurity then
    return next format('alter table %s enable row level security', x);
  end if;
  if c.relforcerowsecurity then
    return next format('alter table %s force row level security', x);
  end if;
  for item in select t.* from pg_trigger t where t.tgrelid = was and not t.tgisinternal loop
    return next pg_get_triggerdef(item.oid);
    if item.tgenabled <> 'O' then
      return next format('alter table %s %s trigger %I', x,
        case item.tgenabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, item.tgname);
    end if;
  end loop;
  for item in select r.oid from pg_rewrite r where r.ev_class = was and r.rulename <> '_RETURN' loop
    return next pg_get_ruledef(item.oid);
  end loop;
  for item in select s.oid from pg_statistic_ext s
    where s.stxrelid = was and not {schema}.{lacks}('pg_statistic_ext'::regclass, s.oid, was, fresh)
  loop
    return next pg_get_statisticsobjdef(item.oid);
  end loop;
  for item in select p.pubname from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
    where r.prrelid = was and to_jsonb(r) ->> 'prqual' is null and to_jsonb(r) ->> 'prattrs' is null
  loop
    return next format('alter publication %I add table %s', item.pubname, x);
  end loop;
  for item in select k.relname from pg_index i join pg_class k on k.oid = i.indexrelid where i.indrelid = was and i.indisclustered loop
    return next format('alter table %s cluster on %I', x, item.relname);
  end loop;
  if kind = 'r' and c.relreplident in ('f', 'n') then
    return next format('alter table %s replica identity %s', x, case c.relreplident when 'f' then 'full' else 'nothing' end);
  end if;
  for item in select k.relname from pg_index i join pg_class k on k.oid = i.indexrelid where i.indrelid = was and i.indisreplident loop
    return next format('alter table %s replica identity using index %I', x, item.relname);
  end loop;
end
$orc$;
