-- Who did what, when, from where: a chain of rows that is only ever made longer. Tokens. What a run that somebody asked for has to do.

create table audit (
  seq integer primary key,
  at text not null,
  kind text not null,
  actor text not null,
  source text not null,
  action text not null,
  object text not null,
  before text,
  after text,
  run text,
  previous text not null,
  hash text not null
) strict;

create index audit_by_time on audit (at);

create trigger audit_is_not_changed before update on audit
begin
  select raise(abort, 'rows of the audit are never changed');
end;

-- A row leaves only behind one that says so: `audit.pruned`, whose object is the number of the last row that leaves.
create trigger audit_is_not_cut before delete on audit
when not exists (select 1 from audit p where p.action = 'audit.pruned' and cast(p.object as integer) >= old.seq and p.seq > old.seq)
begin
  select raise(abort, 'rows of the audit are not deleted');
end;

/* on a server
create function audit_stays() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    if exists (
      select 1 from orc_state.audit p where p.action = 'audit.pruned' and p.object::bigint >= old.seq and p.seq > old.seq
    ) then
      return old;
    end if;
    raise exception 'rows of the audit are not deleted';
  end if;
  raise exception 'rows of the audit are never changed';
end
$$;
create trigger audit_is_not_changed before update or delete on audit for each row execute function audit_stays();
create trigger audit_is_not_cut before truncate on audit for each statement execute function audit_stays();
*/

-- The end of the chain as a run saw it: what a chain whose end was cut cannot show any more.
alter table runs add column audited integer;
alter table runs add column audit text;

create table tokens (
  id text primary key,
  name text not null,
  hash text not null unique,
  scopes text not null,
  created text not null,
  created_by text not null,
  expires text,
  used text,
  revoked text,
  revoked_by text
) strict;

create unique index tokens_by_name on tokens (name) where revoked is null;

alter table launches add column wish text;
