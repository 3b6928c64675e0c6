-- Alerts: what is not well, and the letters that tell of it. docs/alerts.md describes both tables.

create table incidents (
  rule text not null,
  target text not null,
  subject text not null,
  aspect text not null,
  opened text not null,
  told text not null,
  closed text,
  run text not null
) strict;

-- One incident at a time: whoever inserts the row writes the letter.
create unique index incidents_open on incidents (rule, target, subject, aspect) where closed is null;
create index incidents_by_time on incidents (opened);

create table outbox (
  id text primary key,
  number integer not null,
  rule text not null,
  address text not null,
  kind text not null,
  subject text not null,
  run text not null,
  title text not null,
  body text not null,
  data text not null,
  made text not null,
  status text not null check (status in ('waiting', 'sent', 'failed')),
  tries integer not null,
  due text not null,
  sent text,
  error text not null
) strict;

create index outbox_waiting on outbox (due) where status = 'waiting';
create index outbox_by_number on outbox (number);
