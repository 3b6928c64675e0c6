-- Take the lease of a relation if it is free, ours, or its holder is dead, and say who has it now. Never waits.
-- Dead is a run that has no session here any more (each holds an advisory lock with the run's number), and one whose heart stopped:
-- of that one the session that builds is ended, because its transaction may hold locks that nobody else would release.
create or replace function {schema}.{claim}(what text, who text, patience double precision, out run text, out fence bigint, out since timestamptz)
language plpgsql set search_path = pg_catalog as $orc$
declare
  there {schema}.leases;
  free boolean;
  pids int[];
begin
  perform set_config('synchronous_commit', 'off', true);  -- a server that dies forgets runs and leases together
  select * into there from {schema}.leases l where l.relation = what for update skip locked;
  free := found;
  if not free then  -- whoever has it is publishing right now, or nobody ever had it
    select * into there from {schema}.leases l where l.relation = what;
    if not found then
      insert into {schema}.leases as l (relation, fence) values (what, 0) on conflict do nothing returning * into there;
      free := found;
      if not free then  -- somebody was faster
        select * into there from {schema}.leases l where l.relation = what;
      end if;
    end if;
  end if;
  if there.run <> who then
    select array_agg(l.pid) into pids from pg_locks l
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.database = (select oid from pg_database where datname = current_database())
      and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended(there.run, 0);
    if pids is not null then
      if there.heartbeat >= clock_timestamp() - make_interval(secs => patience) then
        free := false;
      elsif there.holder::int = any(pids) then
        begin
          perform pg_terminate_backend(there.holder::int);
        exception when insufficient_privilege then null;  -- its publish will be refused all the same
        end;
      end if;
    end if;
  end if;
  if free then
    update {schema}.leases l set run = who, fence = l.fence + 1, since = clock_timestamp(), heartbeat = clock_timestamp(), holder = pg_backend_pid()::text
    where l.relation = what returning * into there;
  end if;
  run := there.run;
  fence := there.fence;
  since := there.since;
end
$orc$;
