-- Make the privileges on a relation (the owner's own apart) those of a project's `grants`: {"select": ["role", ...], ...}.
-- Gives the statements that this took; what is no privilege, the server says.
create or replace function {schema}.{grant}(home text, name text, wanted jsonb) returns setof text
language plpgsql set search_path = pg_catalog as $orc$
declare
  what text := format('%I.%I', home, name);
  proprietor oid := (select relowner from pg_class where oid = what::regclass);
  item record;
  statement text;
begin
  for item in
    select lower(e.privilege_type) as privilege, case e.grantee when 0 then 'public' else pg_get_userbyid(e.grantee)::text end as role
    from pg_class c, aclexplode(c.relacl) e where c.oid = what::regclass and e.grantee <> proprietor
    except select lower(p.key), r.value from jsonb_each(wanted) p, jsonb_array_elements_text(p.value) r
  loop
    statement := format('revoke %s on %s from %s', item.privilege, what, case item.role when 'public' then 'public' else quote_ident(item.role) end);
    execute statement;
    return next statement;
  end loop;
  for item in
    select lower(p.key) as privilege, r.value as role from jsonb_each(wanted) p, jsonb_array_elements_text(p.value) r
    where r.value <> pg_get_userbyid(proprietor)
    except select lower(e.privilege_type), case e.grantee when 0 then 'public' else pg_get_userbyid(e.grantee)::text end
    from pg_class c, aclexplode(c.relacl) e where c.oid = what::regclass
  loop
    if item.privilege !~ '^[a-z_ ]+$' then
      raise exception using errcode = '22023', message = format('`%s` is not a privilege', item.privilege);
    end if;
    statement := format('grant %s on %s to %s', item.privilege, what, case item.role when 'public' then 'public' else quote_ident(item.role) end);
    execute statement;
    return next statement;
  end loop;
end
$orc$;
