pragma user_version = 7;
pragma application_id = 1869767473;
BEGIN TRANSACTION;
CREATE TABLE attempts (
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
CREATE TABLE audit (
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
CREATE TABLE events (
  run text not null references runs (id),
  number integer not null,
  at text not null,
  event text not null,
  node text,
  body text not null,
  primary key (run, number)
) strict;
CREATE TABLE grounds (
  run text not null references runs (id),
  node text not null,
  reason text not null,
  fingerprint text not null,
  parts text not null references texts (key),
  primary key (run, node)
) strict;
CREATE TABLE incidents (
  rule text not null,
  target text not null,
  subject text not null,
  aspect text not null,
  opened text not null,
  told text not null,
  closed text,
  run text not null
) strict;
CREATE TABLE launches (
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
, wish text, nodes text not null default '[]', keys text not null default '{}', waits text) strict;
CREATE TABLE leaders (
  name text primary key,
  host text not null,
  pid integer not null,
  born text not null,
  fence integer not null,
  heartbeat text not null
) strict;
INSERT INTO "leaders" VALUES('scheduler','box',7,'',3,'2026-01-02T09:00:00.000000+00:00');
CREATE TABLE notes (
  run text not null references runs (id),
  at text not null,
  level text not null,
  message text not null,
  node text,
  problem text
, number integer, attempt integer) strict;
INSERT INTO "notes" VALUES('r1','2026-01-01T09:00:00.000000+00:00','warn','careful',NULL,NULL,NULL,NULL);
CREATE TABLE outbox (
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
CREATE TABLE places (
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
CREATE TABLE pools (
  name text primary key,
  width integer,
  by text not null,
  at text not null,
  lowered integer,
  tried text
) strict;
CREATE TABLE probes (
  target text not null,
  source text not null,
  at text not null,
  version text,
  data_time text,
  method text not null,
  error text not null,
  primary key (target, source, at)
) strict, without rowid;
CREATE TABLE results (
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
  inspect text references texts (key), attempt integer not null default 1, bytes_processed integer, bytes_billed integer,
  primary key (run, node)
) strict;
INSERT INTO "results" VALUES('r1','model.p.a','model','sql view model main.model.p.a',1,'passed',0.25,NULL,'2026-01-01T09:00:00.000000+00:00','T1','',NULL,NULL,NULL,NULL,NULL,NULL,'91cd3e53b7d5f192b99b398b32f3d5dc',NULL,1,NULL,NULL);
INSERT INTO "results" VALUES('r1','test.p.t','test','t',3,'failed',0.5,'2026-01-01T08:59:59.000000+00:00','2026-01-01T09:00:00.000000+00:00','T2','Got 3 results, configured to fail if != 0',3,7,'w.main.a','model.p.x','{"code": "X001", "message": "bad", "severity": "error", "hint": "do better", "at": {"file": "models/a.sql", "line": 2, "column": 3}, "trail": [{"what": "macro m", "file": "macros/m.sql", "line": 1, "column": 2}]}','{"rows_affected": 7}','6327ddf0e68ebb7c57cbf2ed480165c7','13b5c02110adc966b3d76f61277c7cc0',1,NULL,NULL);
CREATE TABLE runs (
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
, trigger text not null default '', actor text not null default '', git_sha text, dirty integer, audited integer, audit text) strict;
INSERT INTO "runs" VALUES('r1','build','dev','0.1',4,4,'{"select": ["a+"], "password": "****", "ratio": null}','["model.p.a", "test.p.t", "model.p.b", "model.p.c"]','failed','2026-01-01T09:00:00.000000+00:00','2026-01-01T09:00:00.000000+00:00',2.5,4242,'elsewhere','','','',NULL,NULL,NULL,NULL);
CREATE TABLE schedules (
  name text primary key,
  timing text not null,
  since text not null,
  seen text not null,
  paused text,
  paused_by text,
  removed text
) strict;
INSERT INTO "schedules" VALUES('nightly','0 2 * * * UTC','2026-01-01T00:00:00.000000+00:00','2026-01-02T02:00:00.000000+00:00',NULL,NULL,NULL);
CREATE TABLE texts (
  key text primary key,
  text text not null
) strict, without rowid;
INSERT INTO "texts" VALUES('13b5c02110adc966b3d76f61277c7cc0','select * from a where id is null limit 10');
INSERT INTO "texts" VALUES('6327ddf0e68ebb7c57cbf2ed480165c7','select * from a where id is null');
INSERT INTO "texts" VALUES('91cd3e53b7d5f192b99b398b32f3d5dc','select 1');
CREATE TABLE ticks (
  schedule text not null,
  at text not null,
  status text not null check (status in ('fired', 'missed', 'skipped_overlap', 'coalesced')),
  reason text not null,
  launch text,
  decided text not null,
  primary key (schedule, at)
) strict, without rowid;
INSERT INTO "ticks" VALUES('nightly','2026-01-02T02:00:00.000000+00:00','missed','nobody was there',NULL,'2026-01-02T09:00:00.000000+00:00');
CREATE TABLE tokens (
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
CREATE INDEX runs_by_time on runs (started);
CREATE INDEX results_by_node on results (node, finished);
CREATE INDEX notes_by_run on notes (run);
CREATE INDEX launches_open on launches (id) where status in ('queued', 'running') or followed = 0;
CREATE INDEX launches_by_time on launches (queued);
CREATE INDEX grounds_by_node on grounds (node);
CREATE INDEX events_by_node on events (run, node);
CREATE VIEW tests as
select run, node as test, because, status, failures, seconds, started, finished, message, inspect
from results where kind in ('test', 'unit_test');
CREATE INDEX audit_by_time on audit (at);
CREATE TRIGGER audit_is_not_changed before update on audit
begin
  select raise(abort, 'rows of the audit are never changed');
end;
CREATE TRIGGER audit_is_not_cut before delete on audit
when not exists (select 1 from audit p where p.action = 'audit.pruned' and cast(p.object as integer) >= old.seq and p.seq > old.seq)
begin
  select raise(abort, 'rows of the audit are not deleted');
end;
CREATE UNIQUE INDEX tokens_by_name on tokens (name) where revoked is null;
CREATE UNIQUE INDEX incidents_open on incidents (rule, target, subject, aspect) where closed is null;
CREATE INDEX incidents_by_time on incidents (opened);
CREATE INDEX outbox_waiting on outbox (due) where status = 'waiting';
CREATE INDEX outbox_by_number on outbox (number);
COMMIT;
