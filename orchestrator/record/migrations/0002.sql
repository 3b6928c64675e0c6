-- Schedules: what is remembered of them, what became of each tick, the launches they caused. docs/schedules.md describes every table.

create table schedules (
  name text primary key,
  timing text not null,
  since text not null,
  seen text not null,
  paused text,
  paused_by text,
  removed text
) strict;

-- The key decides who fires a tick: of two schedulers that try, one inserts the row and with it the launch.
create table ticks (
  schedule text not null,
  at text not null,
  status text not null check (status in ('fired', 'missed', 'skipped_overlap', 'coalesced')),
  reason text not null,
  launch text,
  decided text not null,
  primary key (schedule, at)
) strict, without rowid;

create table launches (
  id text primary key,
  schedule text not null,
  trigger text not null,
  status text not null check (status in ('queued', 'running', 'passed', 'failed', 'cancelled', 'timed_out', 'skipped')),
  due text,
  reason text not null,
  actor text not null,
  priority integer not null,
  pool text,
  vars text not null,
  queued text not null,
  not_before text,
  started text,
  finished text,
  deadline text,
  timeout integer,
  attempt integer not null,
  runs text not null,
  code integer,
  pid integer not null,
  born text not null,
  host text not null,
  fence integer not null,
  followed integer not null,
  late integer not null,
  stopping text,
  idempotency text unique
) strict;

create index launches_open on launches (id) where status in ('queued', 'running') or followed = 0;
create index launches_by_time on launches (queued);

create table leaders (
  name text primary key,
  host text not null,
  pid integer not null,
  born text not null,
  fence integer not null,
  heartbeat text not null
) strict;
