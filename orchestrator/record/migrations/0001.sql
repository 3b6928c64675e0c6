-- Run history. Times are UTC in ISO 8601; JSON is text. docs/state.md describes every table.

create table runs (
  id text primary key,
  command text not null,
  target text not null,
  version text not null,
  threads integer not null,
  total integer not null,
  arguments text not null,
  planned text not null,
  status text not null check (status in ('running', 'passed', 'failed', 'cancelled', 'interrupted')),
  started text not null,
  finished text,
  seconds real,
  pid integer not null,
  host text not null,
  born text not null
) strict;

create index runs_by_time on runs (started);

-- The same SQL is sent again and again: every text is kept once.
create table texts (
  key text primary key,
  text text not null
) strict, without rowid;

create table results (
  run text not null references runs (id),
  node text not null,
  kind text not null,
  label text not null,
  position integer not null,
  status text not null,
  seconds real not null,
  started text,
  finished text not null,
  thread text not null,
  message text not null,
  failures integer,
  rows integer,
  relation text,
  because text,
  problem text,
  response text,
  sql text references texts (key),
  inspect text references texts (key),
  primary key (run, node)
) strict;

create index results_by_node on results (node, finished);

create table notes (
  run text not null references runs (id),
  at text not null,
  level text not null,
  message text not null,
  node text,
  problem text
) strict;

create index notes_by_run on notes (run);
