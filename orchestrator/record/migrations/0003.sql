-- Who asked for a run and from which code; why each node was in it; every attempt; every event, in order.

alter table runs add column trigger text not null default '';
alter table runs add column actor text not null default '';
alter table runs add column git_sha text;
alter table runs add column dirty integer;

alter table results add column attempt integer not null default 1;
alter table results add column bytes_processed integer;
alter table results add column bytes_billed integer;

alter table notes add column number integer;
alter table notes add column attempt integer;

-- What a node would be built from, as it was when the run was planned; parts is a key into texts.
create table grounds (
  run text not null references runs (id),
  node text not null,
  reason text not null,
  fingerprint text not null,
  parts text not null references texts (key),
  primary key (run, node)
) strict;

create index grounds_by_node on grounds (node);

create table attempts (
  run text not null references runs (id),
  node text not null,
  attempt integer not null,
  label text not null,
  status text not null,
  cause text,
  started text,
  finished text not null,
  seconds real not null,
  wait real,
  message text not null,
  problem text,
  response text,
  sql text references texts (key),
  primary key (run, node, attempt, label)
) strict;

create table events (
  run text not null references runs (id),
  number integer not null,
  at text not null,
  event text not null,
  node text,
  body text not null,
  primary key (run, number)
) strict;

create index events_by_node on events (run, node);

create view tests as
select run, node as test, because, status, failures, seconds, started, finished, message, inspect
from results where kind in ('test', 'unit_test');
