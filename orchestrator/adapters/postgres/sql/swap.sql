-- Make a staged relation the published one, in the caller's transaction.
create or replace function {schema}.{swap}(home text, staged text, published text) returns void
language plpgsql set search_path = pg_catalog as $orc$
declare
  stage regclass := format('%I.%I', home, staged);
  target text := format('%I.%I', home, published);
  aside text := '__orc_old_' || md5(published);
  old oid := to_regclass(target);
  stage_kind "char" := (select relkind from pg_class where oid = stage);
  old_kind "char";
  patience int := coalesce(nullif(current_setting('orc.patience', true), ''), '30000')::int;
  held text := current_setting('lock_timeout');
  giving_up timestamptz;
  refused text;
  item record;
  names jsonb := '[]';
  traits text[] := '{}';
  direct text[] := '{}';
  again text[] := '{}';
  drops text[] := '{}';
  pointed text[] := '{}';
  statement text;
  done boolean := false;
begin
  if old is null then
    execute format('alter table %s rename to %I', stage, published);
    perform {schema}.{settle}(format('%I.%I', home, published)::regclass, names);
    return;
  end if;
  old_kind := (select relkind from pg_class where oid = old);

  select string_agg(o, ', ') into refused from (
    select o from {schema}.{obstacles}(old) o
    union all
    select pg_describe_object('pg_constraint'::regclass, n.oid, 0) from pg_constraint n
    where stage_kind <> 'r' and n.contype = 'f' and n.confrelid = old and n.conrelid <> old) as o(o);
  if refused is not null and not (stage_kind = 'v' and old_kind = 'v') then
    raise exception using errcode = '{refused}', message = format('%s cannot be replaced: it is needed by %s', target, refused);
  end if;

  -- Everything that takes long happens before readers have to wait: indexes and constraints that somebody added to the old version.
  if stage_kind in ('r', 'm') and old_kind in ('r', 'p', 'm') then
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
      where stage_kind = 'r' and n.conrelid = old and n.contype in ('p', 'u', 'x', 'c', 'f') and not {schema}.{ours}(n.oid)
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
      for item in select distinct conrelid as id from pg_constraint where contype = 'f' and confrelid = old and conrelid not in (old, stage) order by 1 loop
        execute format('lock table %s in access exclusive mode', item.id::regclass);
      end loop;
      for item in select d.id from {schema}.{dependents}(old) d join pg_class c on c.oid = d.id where c.relkind = 'v' order by d.far desc, d.id loop
        execute format('alter view %s owner to %I', item.id::regclass, (select pg_get_userbyid(relowner) from pg_class where oid = item.id));
      end loop;
      if old_kind in ('r', 'p') then
        execute format('lock table %s in access exclusive mode', target);
      elsif old_kind = 'm' then
        execute format('alter materialized view %s owner to %I', target, (select pg_get_userbyid(relowner) from pg_class where oid = old));
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
      execute format('create or replace view %s%s as %s', target, {schema}.{options}(stage), pg_get_viewdef(stage::oid));
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
    -- Foreign keys of other models' contracts move along. Rows that are there are not looked at: their own model is built next.
    for item in
      select n.conrelid::regclass as child, n.conname, pg_get_constraintdef(n.oid) as definition, obj_description(n.oid, 'pg_constraint') as remark
      from pg_constraint n where n.contype = 'f' and n.confrelid = old and n.conrelid <> old order by n.conrelid, n.conname
    loop
      execute format('alter table %s drop constraint %I', item.child, item.conname);
      pointed := pointed || format('alter table %s add constraint %I %s%s', item.child, item.conname, item.definition,
        case when item.definition like '% NOT VALID' then '' else ' not valid' end);
      if item.remark is not null then
        pointed := pointed || format('comment on constraint %I on %s is %L', item.conname, item.child, item.remark);
      end if;
    end loop;
    select coalesce(array_agg(t), '{}') into traits from {schema}.{traits}(old, stage_kind, stage) t;
    for item in
      select d.id, d.far, c.relkind, format('%I.%I', n.nspname, c.relname) as name, pg_get_viewdef(c.oid) as definition,
        {schema}.{options}(c.oid) as options, c.relispopulated, c.relname,
        exists (select from pg_depend e join pg_rewrite r on r.oid = e.objid where e.classid = 'pg_rewrite'::regclass
          and e.refclassid = 'pg_class'::regclass and e.refobjid = old and r.ev_class = c.oid) as is_direct
      from {schema}.{dependents}(old) d join pg_class c on c.oid = d.id join pg_namespace n on n.oid = c.relnamespace order by d.far, d.id
    loop
      if item.is_direct then
        direct := direct || case item.relkind when 'v' then format('create or replace view %s%s as %s', item.name, item.options, item.definition)
          else 'materialized' end;  -- cannot be replaced as it stands
      end if;
      drops := format('drop %s %s', case item.relkind when 'v' then 'view' else 'materialized view' end, item.name) || drops;
      if item.relname not like '%\_\_orc\_stage' then  -- left by a failed check: not worth to stand in the way
        select string_agg(item.name || ' by ' || o, ', ') into statement from {schema}.{obstacles}(item.id) o;
        refused := nullif(concat_ws(', ', refused, statement), '');
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
          raise exception using errcode = '{refused}', detail = statement,
            message = format('%s cannot be replaced: a view over it cannot be made again: %s (%s)', target, sqlerrm, split_part(statement, ' as ', 1));
        end;
      end loop;
    end if;
    perform {schema}.{settle}(format('%I.%I', home, published)::regclass, names);
    foreach statement in array traits loop
      execute statement;
    end loop;
    foreach statement in array pointed loop
      begin
        execute statement;
      exception when invalid_foreign_key or undefined_column or datatype_mismatch or undefined_table then
        raise exception using errcode = '{refused}', detail = statement,
          message = format('%s cannot be replaced: a foreign key of another model would have nothing to point to: %s', target, sqlerrm);
      end;
    end loop;
  end if;
  perform set_config('lock_timeout', held, true);
end
$orc$;
