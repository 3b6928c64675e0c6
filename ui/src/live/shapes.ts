/** What the API of `orc serve` answers: the shapes of docs/live.md. Times are ISO 8601 in UTC, lengths of time seconds. */

export type NodeStatus =
  | "queued"
  | "pending"
  | "running"
  | "waiting"
  | "success"
  | "warn"
  | "error"
  | "skipped"
  | "pass"
  | "fail"
  | "reused"
  | "no-op"
  | "partial success"
  | "not reached"
  | (string & {});

export interface RunListed {
  id: string;
  command: string;
  target: string;
  status: "queued" | "running" | "passed" | "failed" | "cancelled" | "interrupted";
  trigger: string;
  actor: string;
  git_sha: string | null;
  dirty: boolean | null;
  started_at: string;
  ended_at: string | null;
  elapsed: number | null;
  total: number;
  counts: Readonly<Record<string, number>>;
  schedule: string | null;
  launch: string | null;
  select: readonly string[];
  exclude: readonly string[];
}

export interface RunsPage {
  runs: RunListed[];
  next: string | null;
}

export interface ProblemTold {
  code: string;
  message: string;
  hint: string | null;
  at: { file: string; line: number; column: number } | null;
  trail: readonly { what: string; file: string; line: number }[];
}

export interface AttemptTold {
  attempt: number;
  label: string;
  status: string;
  started_at: string | null;
  ended_at: string;
  seconds: number | null;
  wait: number | null;
  message: string;
  problem: ProblemTold | null;
  sql?: string | null;
}

export interface NodeOfRun {
  node: string;
  name: string;
  kind: string;
  status: NodeStatus;
  started_at?: string;
  ended_at?: string;
  seconds?: number;
  message?: string;
  rows?: number;
  failures?: number;
  because?: string;
  reason?: string;
  bytes_processed?: number;
  attempts: readonly AttemptTold[];
  parents: readonly string[];
}

export interface ExcerptTold {
  file: string;
  first: number;
  line: number;
  column: number;
  lines: readonly string[];
}

export interface Cause {
  node: string;
  name: string;
  kind: string;
  status: string;
  message: string | null;
  problem: ProblemTold | null;
  inspect: string | null;
  sql: string | null;
  source: ExcerptTold | null;
  attempts: readonly AttemptTold[];
  gates: readonly {
    node: string;
    name: string;
    message: string;
    failures: number | null;
    inspect: string | null;
    source: ExcerptTold | null;
  }[];
  skipped: readonly { node: string; name: string; kind: string }[];
  log: readonly string[];
}

export interface LaunchTold {
  launch: string;
  run_id: string;
  schedule: string;
  trigger: string;
  status: string;
  reason: string;
  attempt: number;
  due: string | null;
  queued: string;
  deadline: string | null;
  late: boolean;
  waits_for?: string | null;
}

export interface RunTold {
  run: Partial<RunListed> & { id: string; status: RunListed["status"]; arguments?: Readonly<Record<string, unknown>> };
  launch: LaunchTold | null;
  causes: readonly Cause[];
  nodes: readonly NodeOfRun[];
  sequence?: number | null;
}

export interface NodeTold extends NodeOfRun {
  run: string;
  sql: string | null;
  cause: Cause | null;
  log: readonly { at: string; level: string; message: string }[];
}

export interface LogLine {
  number: number;
  at: string;
  level: string;
  node: string | null;
  name: string | null;
  attempt: number | null;
  text: string;
}

export interface LogTold {
  run: string;
  status: string;
  lines: LogLine[];
  more: boolean;
}

export interface RunEvent {
  sequence: number;
  at: string;
  node?: string;
  kind?: string;
  status?: NodeStatus;
  attempt?: number;
  seconds?: number;
  rows?: number;
  because?: string;
  started?: string;
  line?: LogLine;
}

export interface Home {
  now: string;
  project: { name: string; target: string | null; engine: string };
  trouble: string | null;
  failing: readonly { node: string; name: string; run: string; at: string; message: string }[];
  failing_count: number;
  healthy: number;
  models: number;
  running: readonly RunListed[];
  queued: readonly LaunchTold[];
  late: readonly LaunchTold[];
  stale: readonly Pick<PromiseTold, "node" | "name" | "state" | "reason" | "age" | "lag_seconds">[];
  paused: readonly string[];
  next: readonly { schedule: string; at: string; local: string }[];
  recent: readonly RunListed[];
  days: readonly { day: string; counts: Readonly<Record<string, number>> }[];
}

export interface ModelListed {
  node: string;
  name: string;
  kind: string;
  status: string | null;
  run?: string;
  at?: string;
  failing_tests: readonly string[];
}

export interface ModelsTold {
  target: string | null;
  site: string;
  models: readonly ModelListed[];
}

export interface Ended {
  run: string;
  trigger?: string;
  status: string;
  at: string;
  seconds: number;
  rows?: number;
  bytes?: number;
  message?: string;
  attempt?: number;
}

export interface ModelTold {
  node: string;
  name: string;
  target: string | null;
  status: string | null;
  built_at: string | null;
  age: number | null;
  promise: PromiseTold | null;
  runs: readonly Ended[];
  tests: readonly { node: string; name: string; status?: string; at?: string; run?: string; failures?: number; message?: string }[];
}

export interface TickTold {
  schedule: string;
  at: string;
  status: "fired" | "missed" | "skipped_overlap" | "coalesced";
  reason: string;
  launch: string | null;
}

export interface ScheduleTold {
  name: string;
  state: "enabled" | "disabled" | "paused" | "running" | "waiting";
  paused_since: string | null;
  when: string;
  words: readonly string[];
  zone: string;
  what: string;
  owner?: string;
  description?: string;
  target?: string;
  pool?: string;
  next: readonly { at: string; local: string }[];
  last: readonly TickTold[];
  going: readonly LaunchTold[];
}

export interface TriggerTold {
  name: string;
  path: string;
  words: readonly string[];
  variables: Readonly<Record<string, unknown>>;
  what: string;
  description?: string;
  going: readonly LaunchTold[];
  last: readonly LaunchTold[];
}

export interface SchedulesTold {
  now: string;
  schedules: readonly ScheduleTold[];
  triggers: readonly TriggerTold[];
}

export interface PoolsTold {
  max_runs: number;
  running: number;
  pools: readonly { name: string; limit: number; holders: readonly LaunchTold[]; waiters: readonly LaunchTold[] }[];
}

export interface SystemTold {
  version: string;
  python: string;
  role: "leader" | "standby";
  turned_at: string;
  leader: { host: string; pid: number; term: number; heartbeat: string } | null;
  state: { kind: string; bytes: number | null };
  history: { runs: number; first: string | null };
  project: { name: string; target: string | null; engine: string; nodes: number };
  site: string | null;
  schedules: number;
  triggers: number;
  guarded: boolean;
  now: string;
}

export interface ConditionTold {
  what: string;
  holds: boolean;
  value: string;
  below: readonly ConditionTold[];
}

export interface PromiseTold {
  node: string;
  name: string;
  state: string;
  reason: string;
  age: "kept" | "warned" | "late";
  lag_seconds: number;
  needed: string | null;
  begins: string | null;
  estimate_seconds: number;
  builds: readonly string[];
  promise: { max_lag: number | null; by: string | null; zone: string; build: string; strategy: string };
  conditions: readonly ConditionTold[];
}

export interface FreshnessTold {
  leads: boolean;
  promises: readonly PromiseTold[];
}

export interface IncidentTold {
  rule: string;
  target: string;
  subject: string;
  aspect: string;
  opened: string;
  told: string;
  closed: string | null;
  run: string | null;
}

export interface LetterTold {
  id: string;
  rule: string;
  address: string;
  kind: string;
  title: string;
  body: string;
  run: string | null;
  made: string;
  due: string;
  sent: string | null;
  status: "waiting" | "sent" | "failed";
  tries: number;
  error: string | null;
}

export interface AlertsTold {
  open: readonly IncidentTold[];
  closed: readonly IncidentTold[];
  letters: readonly LetterTold[];
}

export interface EntryTold {
  seq: number;
  at: string;
  kind: string;
  actor: string;
  source: string;
  action: string;
  object: string;
  run: string | null;
  hash: string;
  before: Readonly<Record<string, unknown>> | null;
  after: Readonly<Record<string, unknown>> | null;
}

export interface AuditTold {
  entries: readonly EntryTold[];
  verdict: { entries: number; head: string; faults: readonly string[] } | null;
}
