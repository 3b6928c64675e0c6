"""What a publish asks of the catalog, as functions that live beside the ledger: one round trip, planned once for each session.

Their names end in a digest of their text, so that two versions of orc never replace each other's. All names inside are
qualified: nothing that a session's ``search_path`` finds can stand in for them.
"""

from __future__ import annotations

from hashlib import sha256

REFUSED = "ORC01"
"""SQLSTATE of our own refusals: something depends on what would be replaced, and cannot be made again."""

_HEAD = "create or replace function {schema}.{name}({arguments}) returns {returns} language plpgsql set search_path = pg_catalog as $orc$\n"

_LACKS = """
-- Whether something (an index, a constraint, ...) uses columns that the new version of its table does not have.
begin
  return fresh is not null and exists (
    select from pg_depend d
    join pg_attribute a on a.attrelid = was and a.attnum = d.refobjsubid
    where d.classid = class and d.objid = object and d.refclassid = 'pg_class'::regclass and d.refobjid = was and d.refobjsubid > 0
      and not exists (select from pg_attribute b where b.attrelid = fresh and b.attname = a.attname and b.attnum > 0 and not b.attisdropped));
end
"""

_OBSTACLES = """
-- What depends on a relation (or on its row type) and is neither a part of it nor a view.
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
        where d.classid = 'pg_constraint'::regclass and n.oid = d.objid and n.conrelid = whose and n.confrelid <> whose)
    union
    select 'inheritance of ' || inhrelid::regclass::text || ' from ' || inhparent::regclass::text
    from pg_inherits where whose in (inhrelid, inhparent)
    order by 1;
end
"""

_DEPENDENTS = """
-- The views over a relation, those over them, and so on; a deeper one needs those before it.
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
"""

_REGRANT = """
-- Make the privileges on a relation those of a list.
declare
  current aclitem[] := (select relacl from pg_class where oid = what::regclass);
  proprietor oid := (select relowner from pg_class where oid = what::regclass);
  item record;
begin
  if current is not distinct from wanted then
    return;
  end if;
  for item in select distinct grantee from aclexplode(current) where grantee <> proprietor loop
    execute format('revoke all on %s from %s', what, case item.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(item.grantee)) end);
  end loop;
  for item in select * from aclexplode(wanted) where grantee <> proprietor loop
    execute format('grant %s on %s to %s%s', item.privilege_type, what,
      case item.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(item.grantee)) end,
      case when item.is_grantable then ' with grant option' else '' end);
  end loop;
end
"""

_TRAITS = """
-- Statements that give a relation made anew what its predecessor had: owner, privileges, comments, row security, triggers, rules.
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
  if c.relreplident = 'f' or c.relreplident = 'n' then
    return next format('alter table %s replica identity %s', x, case c.relreplident when 'f' then 'full' else 'nothing' end);
  end if;
  for item in select k.relname from pg_index i join pg_class k on k.oid = i.indexrelid where i.indrelid = was and i.indisreplident loop
    return next format('alter table %s replica identity using index %I', x, item.relname);
  end loop;
end
"""

_TAIL = """
-- An index's definition from USING on: what makes it the same index under another name, on another table.
begin
  return (select substr(pg_get_indexdef(i.indexrelid),
      length(format('CREATE %sINDEX %I ON %I.%I ', case when i.indisunique then 'UNIQUE ' else '' end, k.relname, n.nspname, t.relname)) + 1)
    from pg_index i join pg_class k on k.oid = i.indexrelid join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = t.relnamespace
    where i.indexrelid = which);
end
"""

_SWAP = """
-- Make a staged relation the published one, in the caller's transaction.
declare
  stage regclass := format('%I.%I', home, staged);
  target text := format('%I.%I', home, published);
  aside text := '__orc_old_' || md5(published);
  old oid := to_regclass(target);
  stage_kind "char" := (select relkind from pg_class where oid = stage);
  old_kind "char";
  patience int := coalesce(nullif(current_setting('lock_timeout_at_most.orc', true), ''), '30000')::int;
  held text := current_setting('lock_timeout');
  giving_up timestamptz;
  refused text;
  item record;
  names jsonb := '[]';
  traits text[] := '{}';
  direct text[] := '{}';
  again text[] := '{}';
  drops text[] := '{}';
  statement text;
  done boolean := false;
begin
  if old is null then
    execute format('alter table %s rename to %I', stage, published);
    perform {schema}.{settle}(format('%I.%I', home, published)::regclass, names);
    return;
  end if;
  old_kind := (select relkind from pg_class where oid = old);

  select string_agg(o, ', ') into refused from {schema}.{obstacles}(old) o;
  if refused is not null and not (stage_kind = 'v' and old_kind = 'v') then
    raise exception using errcode = '{refused}', message = format('%s cannot be replaced: it is needed by %s', target, refused);
  end if;

  -- Everything that takes long happens before readers have to wait: indexes and constraints that somebody added to the old version.
  if stage_kind = 'r' and old_kind in ('r', 'p') then
    for item in
      select k.relname, i.indisunique, {schema}.{tail}(i.indexrelid) as tail
      from pg_index i join pg_class k on k.oid = i.indexrelid
      where i.indrelid = old and i.indisvalid and k.relname !~ '__orc_[0-9a-f]{8}$'
        and not exists (select from pg_constraint n where n.conindid = i.indexrelid and n.conrelid = old)
        and not {schema}.{lacks}('pg_class'::regclass, i.indexrelid, old, stage)
    loop
      if not exists (select from pg_index j where j.indrelid = stage and j.indisunique = item.indisunique
          and {schema}.{tail}(j.indexrelid) = item.tail) then
        execute format('create %sindex on %s %s', case when item.indisunique then 'unique ' else '' end, stage, item.tail);
      end if;
      names := names || jsonb_build_object('name', item.relname, 'unique', item.indisunique, 'tail', item.tail);
    end loop;
    for item in
      select n.conname, n.contype, pg_get_constraintdef(n.oid) as definition from pg_constraint n
      where n.conrelid = old and n.contype in ('p', 'u', 'x', 'c', 'f') and n.conname !~ '__orc_[0-9a-f]{8}$'
        and not {schema}.{lacks}('pg_constraint'::regclass, n.oid, old, stage)
    loop
      if not exists (select from pg_constraint m where m.conrelid = stage and m.contype = item.contype
          and pg_get_constraintdef(m.oid) = item.definition) then
        execute format('alter table %s add %s', stage, item.definition);
      end if;
      names := names || jsonb_build_object('constraint', item.conname, 'type', item.contype, 'definition', item.definition);
    end loop;
  end if;

  -- Readers take locks from the outermost view to the table. So do we: nobody is left between an old view and a new table.
  giving_up := clock_timestamp() + patience * interval '1 millisecond';
  perform set_config('lock_timeout', least(2000, patience)::text || 'ms', true);
  loop
    begin
      for item in
        select d.id, c.relowner, c.relkind from {schema}.{dependents}(old) d join pg_class c on c.oid = d.id
        union all
        select old, c.relowner, c.relkind from pg_class c where c.oid = old
      loop
        if not pg_has_role(item.relowner, 'usage') then
          raise exception using errcode = '{refused}',
            message = format('%s cannot be replaced: %s belongs to role %I', target, item.id::regclass, pg_get_userbyid(item.relowner));
        end if;
      end loop;
      for item in select d.id from {schema}.{dependents}(old) d join pg_class c on c.oid = d.id where c.relkind = 'v' order by d.far desc, d.id loop
        execute format('alter view %s owner to %I', item.id::regclass, (select pg_get_userbyid(relowner) from pg_class where oid = item.id));
      end loop;
      if old_kind in ('r', 'p') then
        execute format('lock table %s in access exclusive mode', target);
      end if;
      exit;
    exception when lock_not_available then
      if clock_timestamp() > giving_up then
        raise;
      end if;
      perform pg_sleep(0.02 + random() * 0.2);  -- let those pass who queued behind us
    end;
  end loop;

  -- A view over a view's place: replaced as it stands when its columns allow, so that it stays the same object for everybody.
  if stage_kind = 'v' and old_kind = 'v' then
    begin
      execute format('create or replace view %s%s as %s', target, {schema}.{options}(stage), pg_get_viewdef(stage));
      execute format('drop view %s', stage);
      done := true;
    exception when invalid_table_definition then
      done := false;
    end;
  end if;

  if not done then
    if refused is not null then
      raise exception using errcode = '{refused}', message = format('%s cannot be replaced: it is needed by %s', target, refused);
    end if;
    select coalesce(array_agg(t), '{}') into traits from {schema}.{traits}(old, stage_kind, stage) t;
    for item in
      select d.id, d.far, c.relkind, format('%I.%I', n.nspname, c.relname) as name, pg_get_viewdef(c.oid) as definition,
        {schema}.{options}(c.oid) as options, c.relispopulated, c.relname
      from {schema}.{dependents}(old) d join pg_class c on c.oid = d.id join pg_namespace n on n.oid = c.relnamespace order by d.far, d.id
    loop
      if item.relkind = 'v' then
        if exists (select from pg_depend d join pg_rewrite r on r.oid = d.objid where d.classid = 'pg_rewrite'::regclass
            and d.refclassid = 'pg_class'::regclass and d.refobjid = old and r.ev_class = item.id) then
          direct := direct || format('create or replace view %s%s as %s', item.name, item.options, item.definition);
        end if;
        drops := format('drop view %s', item.name) || drops;
      else
        direct := direct || 'materialized'::text;  -- cannot be replaced as it stands
        drops := format('drop materialized view %s', item.name) || drops;
      end if;
      if item.relname not like '%\\_\\_orc\\_stage' then  -- left by a failed check: not worth to stand in the way
        select string_agg(item.name || ' by ' || o, ', ') into statement from {schema}.{obstacles}(item.id) o;
        refused := concat_ws(', ', refused, statement);
        again := again || case item.relkind
          when 'v' then format('create view %s%s as %s', item.name, item.options, item.definition)
          else format('create materialized view %s%s as %s with %s', item.name, item.options, rtrim(item.definition, '; '),
            case when item.relispopulated then 'data' else 'no data' end) end;
        if item.relkind = 'm' then
          again := again || coalesce((select array_agg(pg_get_indexdef(i.indexrelid)) from pg_index i where i.indrelid = item.id), '{}');
        end if;
        again := again || coalesce((select array_agg(t) from {schema}.{traits}(item.id, item.relkind, null) t), '{}');
      end if;
    end loop;

    -- The views directly above are pointed at the new table; those above them do not notice.
    if 'materialized' <> all (direct) then
      begin
        execute format('alter table %s rename to %I', target, aside);
        execute format('alter table %s rename to %I', stage, published);
        foreach statement in array direct loop
          execute statement;
        end loop;
        execute {schema}.{drop}(old);
        done := true;
      exception when invalid_table_definition or undefined_column or undefined_function or datatype_mismatch or grouping_error then
        done := false;
      end;
    end if;

    -- Their columns change with the table's: all of them are made again.
    if not done then
      if refused is not null then
        raise exception using errcode = '{refused}', message = format('%s cannot be replaced: views over it are needed (%s)', target, refused);
      end if;
      foreach statement in array drops loop
        execute statement;
      end loop;
      execute {schema}.{drop}(old);
      execute format('alter table %s rename to %I', stage, published);
      foreach statement in array again loop
        begin
          execute statement;
        exception when others then
          raise exception using errcode = '{refused}', message = format('%s cannot be replaced: a view over it cannot be made again (%s)', target, sqlerrm),
            detail = statement;
        end;
      end loop;
    end if;
    perform {schema}.{settle}(format('%I.%I', home, published)::regclass, names);
    foreach statement in array traits loop
      execute statement;
    end loop;
  end if;
  perform set_config('lock_timeout', held, true);
end
"""

_OPTIONS = """
-- A view's options as they stand behind its name; `create or replace` forgets those that are not said.
begin
  return coalesce((select ' with (' || string_agg(format('%s = %L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ') || ')'
    from pg_class c, unnest(c.reloptions) o where c.oid = which), '');
end
"""

_DROP = """
-- The statement that drops a relation, by its kind, and nothing that depends on it.
begin
  return (select format('drop %s %I.%I', case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end,
    n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = which);
end
"""

_SETTLE = """
-- Give the indexes and constraints of a table just published the names they had before, or were meant to have.
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
"""

_GRANT = """
-- Make the privileges on a relation (the owner's own apart) those of a project's `grants`: {"select": ["role", ...], ...}.
declare
  what text := format('%I.%I', home, name);
  proprietor oid := (select relowner from pg_class where oid = what::regclass);
  item record;
begin
  for item in
    select lower(e.privilege_type) as privilege, case e.grantee when 0 then 'public' else pg_get_userbyid(e.grantee)::text end as role
    from pg_class c, aclexplode(c.relacl) e where c.oid = what::regclass and e.grantee <> proprietor
    except select lower(p.key), r.value from jsonb_each(wanted) p, jsonb_array_elements_text(p.value) r
  loop
    execute format('revoke %s on %s from %s', item.privilege, what, case item.role when 'public' then 'public' else quote_ident(item.role) end);
  end loop;
  for item in
    select lower(p.key) as privilege, r.value as role from jsonb_each(wanted) p, jsonb_array_elements_text(p.value) r
    where r.value <> pg_get_userbyid(proprietor)
    except select lower(e.privilege_type), case e.grantee when 0 then 'public' else pg_get_userbyid(e.grantee)::text end
    from pg_class c, aclexplode(c.relacl) e where c.oid = what::regclass
  loop
    if item.privilege !~ '^[a-z ]+$' then
      raise exception using errcode = '22023', message = format('`%s` is not a privilege', item.privilege);
    end if;
    execute format('grant %s on %s to %s', item.privilege, what, case item.role when 'public' then 'public' else quote_ident(item.role) end);
  end loop;
end
"""

_ALL: dict[str, tuple[str, str, str]] = {
    "lacks": ("class oid, object oid, was oid, fresh oid", "boolean", _LACKS),
    "obstacles": ("whose oid", "setof text", _OBSTACLES),
    "dependents": ("whose oid", "table (id oid, far int)", _DEPENDENTS),
    "regrant": ("what text, wanted aclitem[]", "void", _REGRANT),
    "traits": ('was oid, kind "char", fresh oid', "setof text", _TRAITS),
    "tail": ("which oid", "text", _TAIL),
    "options": ("which oid", "text", _OPTIONS),
    "drop": ("which oid", "text", _DROP),
    "settle": ("what regclass, names jsonb", "void", _SETTLE),
    "swap": ("home text, staged text, published text", "void", _SWAP),
    "grant": ("home text, name text, wanted jsonb", "void", _GRANT),
}

DIGEST = sha256(repr((_HEAD, _ALL)).encode()).hexdigest()[:8]


def named(function: str) -> str:
    """A function's name in the ledger's schema.

    >>> named("swap") == f"swap_{DIGEST}"
    True
    """
    if function not in _ALL:
        raise KeyError(function)
    return f"{function}_{DIGEST}"


def functions(schema: str) -> str:
    """Statements that create all functions in a (quoted) schema, in one text."""
    names = {"schema": schema, "refused": REFUSED, **{f: named(f) for f in _ALL}}
    return ";\n".join(_filled(_HEAD, {**names, "name": named(f), "arguments": a, "returns": r}) + _filled(text, names).strip() + "\n$orc$" for f, (a, r, text) in _ALL.items())


def _filled(text: str, names: dict[str, str]) -> str:
    """A text with ``{name}`` replaced; other braces are SQL's."""
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text
