-- Whether something (an index, a constraint, ...) uses columns that the new version of its table does not have.
create or replace function {schema}.{lacks}(class oid, object oid, was oid, fresh oid) returns boolean
language plpgsql set search_path = pg_catalog as $orc$
begin
  return fresh is not null and exists (
    select from pg_depend d
    join pg_attribute a on a.attrelid = was and a.attnum = d.refobjsubid
    where d.classid = class and d.objid = object and d.refclassid = 'pg_class'::regclass and d.refobjid = was and d.refobjsubid > 0
      and not exists (select from pg_attribute b where b.attrelid = fresh and b.attname = a.attname and b.attnum > 0 and not b.attisdropped));
end
$orc$;
