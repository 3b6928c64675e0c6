/** All runs, newest first, narrowed down by what the address says. */

import { useEffect, useState } from "react";
import { useTitle } from "../hooks";
import { duration } from "../parts/format";
import { Scroll } from "../parts/scroll";
import { change } from "../router";
import type { Place } from "../place";
import { ask } from "./api";
import { useFresh, useNow } from "./hooks";
import { progressOf } from "./run-state";
import type { RunListed, RunsPage as Page, SchedulesTold } from "./shapes";
import { asked, ProgressBar, RunLink, RunStatus, Took, TriggerWords, Trouble, When } from "./words";

const KEYS = ["status", "schedule", "trigger", "target", "actor", "model", "since"] as const;
const STATUSES = ["running", "passed", "failed", "cancelled", "interrupted"];
const TRIGGERS = ["cli", "ci", "schedule", "manual", "api"];
const SINCE: readonly (readonly [string, string])[] = [
  ["1h", "an hour"],
  ["1d", "a day"],
  ["7d", "a week"],
  ["30d", "a month"],
];

function question(place: Place, before?: string): string {
  const pairs = KEYS.flatMap((key) => (place.query[key] ? [`${key}=${encodeURIComponent(place.query[key])}`] : []));
  return `/runs?${[...pairs, ...(before ? [`before=${encodeURIComponent(before)}`] : [])].join("&")}`;
}

export function RunsPage({ place }: { place: Place }) {
  const path = question(place);
  const { value, error } = useFresh<Page>(path);
  const { value: known } = useFresh<SchedulesTold>("/schedules");
  const [more, setMore] = useState<{ path: string; runs: RunListed[]; next: string | null }>();
  const now = useNow(Boolean(value?.runs.some((run) => run.status === "running")));
  useTitle("Runs");
  const mine = more?.path === path ? more : undefined;
  useEffect(() => setMore(undefined), [path]);
  const first = value?.runs ?? [];
  const seen = new Set(first.map(({ id }) => id));
  const runs = [...first, ...(mine?.runs.filter(({ id }) => !seen.has(id)) ?? [])];
  const next = mine ? mine.next : value?.next;
  const longest = Math.max(...runs.map((run) => run.elapsed ?? 0), 0.01);
  const load = (): void => {
    if (!next) return;
    void ask<Page>(question(place, next)).then((page) =>
      setMore((before) => ({ path, runs: [...(before?.path === path ? before.runs : []), ...page.runs], next: page.next })),
    );
  };
  return (
    <>
      <h1>Runs</h1>
      <Filters place={place} schedules={known ? [...known.schedules, ...known.triggers].map(({ name }) => name) : []} />
      <Trouble error={error} />
      <Scroll label="Runs">
        <table className="list runs">
          <thead>
            <tr>
              <th scope="col">Status</th>
              <th scope="col">Run</th>
              <th scope="col">What</th>
              <th scope="col">Began by</th>
              <th scope="col" className="wide-only">
                Target
              </th>
              <th scope="col">Results</th>
              <th scope="col" className="number">
                Took
              </th>
              <th scope="col" className="number">
                Began
              </th>
            </tr>
          </thead>
          <tbody>
            {runs.map((run) => (
              <Row key={run.id} run={run} now={now} longest={longest} />
            ))}
          </tbody>
        </table>
      </Scroll>
      {value && !runs.length ? <p className="faint empty">No run is like that.</p> : null}
      <p className="unseen" role="status">
        {value ? `${runs.length} runs shown` : "Reading…"}
      </p>
      {next ? (
        <button type="button" className="button" onClick={load}>
          Show earlier runs
        </button>
      ) : null}
    </>
  );
}

function Row({ run, now, longest }: { run: RunListed; now: number; longest: number }) {
  const done = progressOf(run.counts, run.total);
  return (
    <tr>
      <td>
        <RunStatus status={run.status} />
      </td>
      <th scope="row">
        <RunLink id={run.id} />
      </th>
      <td className="mono small what">{asked(run)}</td>
      <td className="small">
        <TriggerWords trigger={run.trigger} />
        {run.actor && run.trigger !== "ci" && !run.trigger.startsWith("schedule:") ? <span className="faint"> {run.actor}</span> : null}
      </td>
      <td className="small wide-only">{run.target}</td>
      <td className="results">
        <ProgressBar of={done} label="Results" />
        <span className="small faint">
          {done.parts
            .filter(({ look }) => look === "error" || look === "skipped")
            .map(({ look, count }) => `${count} ${look === "error" ? "failed" : "skipped"}`)
            .join(", ") || (run.status === "running" ? `${done.done} of ${done.total}` : `${done.done} good`)}
        </span>
      </td>
      <td className="number">
        <Took run={run} now={now} />
        {run.elapsed == null ? null : (
          <svg className="spark" viewBox="0 0 60 4" aria-hidden="true">
            <rect className="fill-quiet" x={60 - (60 * run.elapsed) / longest} y={0} width={(60 * run.elapsed) / longest} height={4}>
              <title>{duration(run.elapsed)}</title>
            </rect>
          </svg>
        )}
      </td>
      <td className="number nowrap">
        <When at={run.started_at} now={now} />
      </td>
    </tr>
  );
}

function Filters({ place, schedules }: { place: Place; schedules: readonly string[] }) {
  const { query } = place;
  const choice = (label: string, name: (typeof KEYS)[number], options: readonly (readonly [string, string])[]) => (
    <label>
      {label}{" "}
      <select value={query[name] ?? ""} onChange={(event) => change({ [name]: event.target.value })}>
        <option value="">any</option>
        {query[name] && !options.some(([key]) => key === query[name]) ? <option value={query[name]}>{query[name]}</option> : null}
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
  const field = (label: string, name: (typeof KEYS)[number]) => (
    <label>
      {label}{" "}
      <input type="search" size={12} value={query[name] ?? ""} onChange={(event) => change({ [name]: event.target.value }, "replace")} />
    </label>
  );
  const pairs = (words: readonly string[]) => words.map((word): [string, string] => [word, word]);
  return (
    <div className="filters" role="search" aria-label="Narrow down">
      {choice("Status", "status", pairs(STATUSES))}
      {schedules.length || query.schedule ? choice("Schedule", "schedule", pairs(schedules)) : null}
      {choice("Began by", "trigger", pairs(TRIGGERS))}
      {choice("In the last", "since", SINCE)}
      {field("Model", "model")}
      {field("Target", "target")}
      {KEYS.some((key) => query[key]) ? (
        <button type="button" className="button plain" onClick={() => change(Object.fromEntries(KEYS.map((key) => [key, undefined])))}>
          Clear
        </button>
      ) : null}
    </div>
  );
}
