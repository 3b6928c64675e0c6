/**
 * What the site reads: the shapes of the files that `orc docs generate` writes below `data/`.
 *
 * `data/project.json` is read first and whole: small for every node. `data/search.json` and `data/macros.json` are read when
 * somebody searches or opens a macro; `data/nodes/<file>.json` when a node is opened or a column is traced through it.
 * In a single file, the same texts stand in `<script type="application/json" data-file="project.json">` elements.
 * Absent optional keys mean "nothing to say"; numbers of nodes are indexes into `Project.nodes`.
 */

export type Kind = "model" | "seed" | "snapshot" | "source" | "exposure" | "analysis";

/** The worst that is known of a node: of its last build and the last results of its tests. */
export type Status = "success" | "warn" | "error" | "skipped";

export interface Project {
  /** Version of these shapes. */
  format: 1;
  name: string;
  target: string;
  /** duckdb, postgres, bigquery */
  engine: string;
  version: string;
  /** ISO 8601, UTC */
  generated_at: string;
  /** Sanitised when shown: Markdown of the docs block `__overview__`, or of README.md. */
  overview?: string;
  nodes: NodeSummary[];
  /** Counts the project as a whole can show. */
  counts: { tests: number; unit_tests: number; macros: number; columns: number; traced: number };
}

export interface NodeSummary {
  /** dbt's unique id: `model.shop.orders` */
  id: string;
  kind: Kind;
  name: string;
  /** `data/nodes/<file>.json` */
  file: string;
  /** Folders below the resource's root, e.g. `["marts", "finance"]`; a source's is `[source name]`. */
  folder: string[];
  /** Physical schema. */
  schema?: string;
  materialized?: string;
  tags?: string[];
  group?: string;
  owner?: string;
  access?: string;
  /** First sentence, plain text. */
  summary?: string;
  columns: number;
  tests: number;
  status?: Status;
  /** Direct parents that are nodes of this list. */
  parents?: number[];
}

export type ValueUse = "passed" | "renamed" | "transformed" | "aggregated" | "window" | "conditional";
export type RowUse = "filter" | "join" | "group" | "sort";

/** A column of another node: `[node index, column name, use]`. */
export type Edge<Use extends string> = [number, string, Use];

export interface Column {
  name: string;
  /** As in the warehouse, or declared, or worked out. */
  type?: string;
  /** Markdown */
  description?: string;
  /** Where the description was taken over from. */
  inherited?: { node: number; column: string };
  tags?: string[];
  /** Personal data classes, own or inherited. */
  pii?: string[];
  constraints?: string[];
  tests?: TestResult[];
  /** What makes the column in this node's query, as written. */
  expression?: string;
  /** Parents' columns this one is made of. */
  from?: Edge<ValueUse>[];
  /** Children's columns made of this one. */
  to?: Edge<ValueUse>[];
  /** Children whose rows it decides about (column name is empty). */
  rows?: Edge<RowUse>[];
  /** Why its origins are not known. */
  unknown?: string;
}

export interface TestResult {
  name: string;
  /** e.g. `unique`, `accepted_values(values: [a, b])`, `singular`, `unit` */
  label: string;
  status?: "pass" | "warn" | "fail" | "error" | "skipped";
  failures?: number;
  /** ISO 8601 of the last run. */
  at?: string;
  severity?: "warn" | "error";
  description?: string;
  path?: string;
}

/** `data/nodes/<file>.json` */
export interface NodeDetail {
  id: string;
  /** The node's own index, for checking. */
  index: number;
  /** Markdown */
  description?: string;
  path?: string;
  line?: number;
  patch_path?: string;
  /** Fully qualified physical name. */
  relation?: string;
  language?: "sql" | "python";
  columns: Column[];
  /** Why there may be further columns. */
  incomplete?: string;
  /** Parents' columns that decide which rows there are. */
  rows?: Edge<RowUse>[];
  raw?: string;
  compiled?: string;
  /** Tests of the node that belong to no column. */
  tests?: TestResult[];
  /** Shown as a table of words and values, in this order. */
  config?: [string, string][];
  meta?: [string, string][];
  owner?: { name?: string; email?: string };
  /** Unique ids: `macro.shop.cents`. */
  macros?: string[];
  /** Physical facts of the warehouse's catalog. */
  catalog?: { type?: string; owner?: string; comment?: string; rows?: number; bytes?: number };
  freshness?: { loaded_at_field?: string; warn_after?: string; error_after?: string; status?: string; max_loaded_at?: string; age?: string };
  /** Latest first. */
  runs?: RunOfNode[];
  exposure?: { type: string; url?: string; maturity?: string; label?: string };
  source?: { name: string; description?: string; loader?: string };
}

export interface RunOfNode {
  run: string;
  /** ISO 8601 */
  at: string;
  status: string;
  /** Seconds. */
  took: number;
  rows?: number;
  bytes?: number;
  message?: string;
}

/** `data/search.json`: what is not in `project.json` already. Index i belongs to node i. */
export interface SearchFile {
  /** Column names of each node, separated by a space (a name with a space in it stands in double quotes). */
  columns: string[];
  /** Plain text of each node's description and of its columns' descriptions. */
  texts: string[];
}

/** `data/macros.json` */
export interface Macro {
  name: string;
  package: string;
  path: string;
  arguments?: { name: string; type?: string; description?: string }[];
  description?: string;
  sql: string;
  /** Nodes that use it. */
  used_by?: number[];
}
