-- Looks at sources: when, which version, up to when its data is. docs/state.md describes every column.

create table probes (
  target text not null,
  source text not null,
  at text not null,
  version text,
  data_time text,
  method text not null,
  error text not null,
  primary key (target, source, at)
) strict, without rowid;
