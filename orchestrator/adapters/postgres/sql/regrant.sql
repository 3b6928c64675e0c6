-- Make the privileges on a relation those of a list.
create or replace function {schema}.{regrant}(what text, wanted aclitem[]) returns void
language plpgsql set search_path = pg_catalog as $orc$
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
$orc$;
