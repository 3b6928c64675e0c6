-- Builds that promises about freshness ask for, what waiting launches wait for, what sources were seen to hold, and pools people set.

alter table launches add column nodes text not null default '[]';
alter table launches add column keys text not null default '{}';
alter table launches add column waits text;

-- Widths of pools that people set; `lowered` is what is left of one after its engine refused for want of room, `tried` when that last changed.
create table pools (
  name text primary key,
  width integer,
  by text not null,
  at text not null,
  lowered integer,
  tried text
) strict;

-- Who holds a place in a pool: a node of a run.
create table places (
  pool text not null,
  run text not null,
  node text not null,
  host text not null,
  pid integer not null,
  born text not null,
  since text not null,
  beat text not null,
  primary key (pool, run, node)
) strict, without rowid;
