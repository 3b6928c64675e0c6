-- What a run that was asked for over HTTP is part of; and what runs counted that were forgotten since: counters never go back.

alter table launches add column trace text;

-- key is a JSON list: the name of a count and its labels.
create table tallies (
  key text primary key,
  value real not null
) strict;
