-- Return a lease, or keep it and make sure of it: with a publish (in its transaction, where the row stays locked until the commit) or
-- without one.
-- Refuses when somebody has taken it over: what was built under it must not be seen.
create or replace function {schema}.{giveback}(what text, who text, mine bigint, keep boolean) returns void
language plpgsql set search_path = pg_catalog as $orc$
declare
  there {schema}.leases;
begin
  if keep then
    perform from {schema}.leases l where l.relation = what and l.run = who and l.fence = mine for update;
  else
    update {schema}.leases l set run = null, since = null, heartbeat = null, holder = null
    where l.relation = what and l.run = who and l.fence = mine;
  end if;
  if not found then
    select * into there from {schema}.leases l where l.relation = what;
    raise exception using errcode = '{fenced}', message = format(
      'the lease of %s was taken over%s: nothing of this run was published', what, coalesce(format(' by run %s', left(there.run, 8)), ''));
  end if;
end
$orc$;
