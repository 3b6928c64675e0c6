/** A run on a page, and what an event of it changes. Pure. */

import type { NodeOfRun, NodeStatus, RunEvent, RunTold } from "./shapes";

export interface Progress {
  /** Shares of all nodes, in the order of the bar. */
  parts: { look: "success" | "warn" | "error" | "skipped" | "running"; count: number }[];
  done: number;
  total: number;
}

const ENDED = new Set<NodeStatus>(["success", "warn", "error", "skipped", "pass", "fail", "reused", "no-op", "partial success"]);
export const isOver = (status: NodeStatus): boolean => ENDED.has(status);

/** The run after an event. What is known of a node beyond its status is asked for when the run is over. */
export function applied(told: RunTold, event: RunEvent): RunTold {
  const { node, status } = event;
  if (!node || !status) return told;
  let isKnown = false;
  const nodes = told.nodes.map((one) => {
    if (one.node !== node) return one;
    isKnown = true;
    if (status === "queued" && one.status !== "pending") return one;
    return changedNode(one, event, status);
  });
  return isKnown ? { ...told, nodes } : told;
}

function changedNode(one: NodeOfRun, event: RunEvent, status: NodeStatus): NodeOfRun {
  const next: NodeOfRun = { ...one, status };
  if (status === "running") next.started_at = one.started_at ?? event.at;
  if (!isOver(status)) return next;
  next.ended_at = event.at;
  if (event.started) next.started_at = one.started_at ?? event.started;
  if (event.seconds !== undefined) next.seconds = event.seconds;
  if (event.rows !== undefined) next.rows = event.rows;
  if (event.because !== undefined) next.because = event.because;
  return next;
}

const LOOKS: Readonly<Record<string, Progress["parts"][number]["look"]>> = {
  success: "success",
  pass: "success",
  reused: "success",
  "no-op": "success",
  warn: "warn",
  "partial success": "error",
  error: "error",
  fail: "error",
  skipped: "skipped",
  running: "running",
  waiting: "running",
};
const ORDER = ["success", "warn", "error", "skipped", "running"] as const;

export function progress(nodes: readonly { status: NodeStatus }[]): Progress {
  const counts = new Map<string, number>();
  for (const { status } of nodes) {
    const look = LOOKS[status];
    if (look) counts.set(look, (counts.get(look) ?? 0) + 1);
  }
  const parts = ORDER.flatMap((look) => (counts.has(look) ? [{ look, count: counts.get(look) ?? 0 }] : []));
  return { parts, done: nodes.filter(({ status }) => isOver(status)).length, total: nodes.length };
}

/** The same, of a run in a list: only its counts are known. */
export function progressOf(counts: Readonly<Record<string, number>>, total: number): Progress {
  const words: Readonly<Record<string, Progress["parts"][number]["look"]>> = {
    passed: "success",
    reused: "success",
    nothing: "success",
    warned: "warn",
    failed: "error",
    crashed: "error",
    partial: "error",
    skipped: "skipped",
    cancelled: "skipped",
  };
  const sums = new Map<string, number>();
  for (const [word, count] of Object.entries(counts)) sums.set(words[word] ?? "skipped", (sums.get(words[word] ?? "skipped") ?? 0) + count);
  const parts = ORDER.flatMap((look) => (sums.has(look) ? [{ look, count: sums.get(look) ?? 0 }] : []));
  return { parts, done: parts.reduce((sum, { count }) => sum + count, 0), total };
}

/** A stretch of the timeline: an attempt, or the wait for the next one. */
export interface Bar {
  node: string;
  name: string;
  from: number;
  to: number;
  look: "success" | "warn" | "error" | "skipped" | "running" | "wait";
  attempt: number;
}

const time = (iso: string | null | undefined): number | undefined => (iso ? Date.parse(iso) : undefined);

/** Bars of all attempts by node, in order of their beginnings; what runs goes on until `now`. Milliseconds. */
export function bars(nodes: readonly NodeOfRun[], now: number): Bar[][] {
  const rows = nodes.flatMap((one) => {
    const found: Bar[] = [];
    for (const tried of one.attempts) {
      const to = time(tried.ended_at) ?? now;
      const from = time(tried.started_at) ?? to - 1000 * (tried.seconds ?? 0);
      const isGood = tried.status === "success";
      found.push({
        node: one.node,
        name: one.name,
        from,
        to,
        look: isGood ? (one.status === "warn" ? "warn" : "success") : "error",
        attempt: tried.attempt,
      });
      if (tried.wait)
        found.push({
          node: one.node,
          name: one.name,
          from: to,
          to: Math.min(to + 1000 * tried.wait, now),
          look: "wait",
          attempt: tried.attempt,
        });
    }
    const began = time(one.started_at);
    if (one.status === "running" && began !== undefined) {
      const last = found[found.length - 1];
      found.push({
        node: one.node,
        name: one.name,
        from: last ? last.to : began,
        to: now,
        look: "running",
        attempt: one.attempts.length + 1,
      });
    } else if (!found.length && began !== undefined) {
      const ended = time(one.ended_at);
      if (ended !== undefined && one.status !== "skipped")
        found.push({ node: one.node, name: one.name, from: began, to: ended, look: LOOKS[one.status] ?? "skipped", attempt: 1 });
    }
    return found.length ? [found] : [];
  });
  return rows.sort((a, b) => (a[0]?.from ?? 0) - (b[0]?.from ?? 0));
}

/** The nodes that the run's length is made of: from the one that ended last back over the parent that ended last. */
export function criticalPath(nodes: readonly NodeOfRun[]): Set<string> {
  const known = new Map(nodes.map((one) => [one.node, one]));
  const end = (one: NodeOfRun): number => (one.status === "skipped" ? -1 : (time(one.ended_at) ?? -1));
  const latest = (some: readonly NodeOfRun[]): NodeOfRun | undefined =>
    some.reduce<NodeOfRun | undefined>((best, one) => (end(one) > (best ? end(best) : -1) ? one : best), undefined);
  const way = new Set<string>();
  let here = latest(nodes.filter(({ kind }) => kind !== "test" && kind !== "unit_test"));
  while (here && !way.has(here.node)) {
    way.add(here.node);
    here = latest(here.parents.flatMap((id) => known.get(id) ?? []));
  }
  return way;
}

/** Whole seconds on the axis of a timeline: at most `most` marks, at round distances. */
export function marks(seconds: number, most = 6): number[] {
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  const step = steps.find((one) => seconds / one <= most) ?? seconds;
  const found: number[] = [];
  for (let at = 0; at <= seconds && found.length <= most; at += step) found.push(Math.round(at * 1000) / 1000);
  return found;
}

/** `0`, `0.2 s`, `30 s`, `1 min`, `2 min 30 s`, `3 h` */
export function axisLabel(seconds: number): string {
  if (seconds === 0) return "0";
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), Math.round((seconds % 60) * 100) / 100];
  return [hours && `${hours} h`, minutes && `${minutes} min`, rest && `${rest} s`].filter(Boolean).join(" ");
}
