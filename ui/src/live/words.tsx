/** Times, states and progress of what is live, each as a small component. */

import type { Look } from "../parts/badge";
import { StatusMark } from "../parts/badge";
import { duration, moment } from "../parts/format";
import { formatPlace } from "../place";
import type { Progress } from "./run-state";
import type { RunListed } from "./shapes";

/** `just now`, `12 s ago`, `5 min ago`, `3 h ago`, `in 2 h`, else the day. */
export function relative(iso: string, now: number): string {
  const seconds = (now - Date.parse(iso)) / 1000;
  const size = Math.abs(seconds);
  if (Number.isNaN(size)) return iso;
  const text =
    size < 60
      ? `${Math.floor(size)} s`
      : size < 3600
        ? `${Math.floor(size / 60)} min`
        : size < 48 * 3600
          ? `${Math.floor(size / 3600)} h`
          : `${Math.floor(size / 86400)} d`;
  if (size < 3) return "just now";
  return seconds >= 0 ? `${text} ago` : `in ${text}`;
}

export const When = ({ at, now }: { at: string; now: number }) => (
  <time dateTime={at} title={moment(at)}>
    {relative(at, now)}
  </time>
);

const RUN_LOOKS: Readonly<Record<string, string>> = {
  passed: "success",
  failed: "error",
  running: "running",
  queued: "queued",
  cancelled: "skipped",
  interrupted: "warn",
  timed_out: "error",
  skipped: "skipped",
};

export const RunStatus = ({ status, quiet = false }: { status: string; quiet?: boolean }) => (
  <StatusMark status={status} look={(RUN_LOOKS[status] ?? "skipped") as Look} quiet={quiet} />
);

export const shortId = (id: string): string => id.slice(0, 8);
export const runPlace = (id: string, query: Readonly<Record<string, string>> = {}): string => formatPlace({ path: ["run", id], query });

export const RunLink = ({ id }: { id: string }) => (
  <a className="mono" href={runPlace(id)}>
    {shortId(id)}
  </a>
);

/** What began a run: `nightly` with its kind, or the kind alone. */
export function TriggerWords({ trigger }: { trigger: string }) {
  const [kind = "", name = ""] = trigger.split(/:(.*)/s);
  const words: Readonly<Record<string, string>> = {
    cli: "command line",
    ci: "CI",
    schedule: "schedule",
    manual: "by hand",
    api: "over HTTP",
  };
  if (!name) return <>{words[kind] ?? kind}</>;
  return (
    <>
      <a href={formatPlace({ path: ["schedules"], query: { name } })}>{name}</a>
      {kind === "schedule" ? null : <span className="faint"> {words[kind] ?? kind}</span>}
    </>
  );
}

/** `build stg_trips+ --exclude x` */
export const asked = (run: Pick<RunListed, "command" | "select" | "exclude">): string =>
  [run.command, ...run.select, ...run.exclude.map((word) => `--exclude ${word}`)].join(" ");

/** How far a run has come, as a bar; the words beside it say the same. */
export function ProgressBar({ of, label }: { of: Progress; label: string }) {
  const total = Math.max(of.total, 1);
  let at = 0;
  return (
    <svg className="progress" viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label={`${label}: ${progressWords(of)}`}>
      {of.parts.map(({ look, count }) => {
        const x = at;
        at += (100 * count) / total;
        return <rect key={look} className={`fill-${look}`} x={x} y={0} width={(100 * count) / total} height={1} />;
      })}
    </svg>
  );
}

const PART_WORDS = { success: "good", warn: "with warnings", error: "failed", skipped: "skipped", running: "running" } as const;
export const progressWords = ({ parts, done, total }: Progress): string =>
  [
    `${done} of ${total} done`,
    ...parts.filter(({ look }) => look !== "success").map(({ look, count }) => `${count} ${PART_WORDS[look]}`),
  ].join(", ");

/** How long a run took, or how long it has been going on. */
export function Took({ run, now }: { run: Partial<RunListed>; now: number }) {
  if (run.status === "running" && run.started_at) return <>{duration(Math.max(0, (now - Date.parse(run.started_at)) / 1000))}</>;
  return <>{run.elapsed == null ? "" : duration(run.elapsed)}</>;
}

/** Something that could not be asked for. */
export const Trouble = ({ error }: { error: string | undefined }) =>
  error ? (
    <p role="alert" className="note">
      {error}
    </p>
  ) : null;
