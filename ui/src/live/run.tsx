/** A run: why it ran and who wanted it, what went wrong first, then its nodes as a table, a drawing, a timeline, and its log. */

import { useTitle } from "../hooks";
import { duration, moment } from "../parts/format";
import { formatPlace, type Place } from "../place";
import { CancelButton, RetryButton } from "./actions";
import { Causes, CausesShort } from "./causes";
import { useNow } from "./hooks";
import { RunGraph } from "./run-graph";
import { RunLog } from "./run-log";
import { RunNodes } from "./run-nodes";
import { progress } from "./run-state";
import { Timeline } from "./run-timeline";
import type { RunTold } from "./shapes";
import { useRun, type Watched } from "./useRun";
import { asked, ProgressBar, progressWords, runPlace, RunStatus, shortId, Took, TriggerWords, Trouble, When } from "./words";

const TABS = [
  ["", "Nodes"],
  ["graph", "Graph"],
  ["timeline", "Timeline"],
  ["log", "Log"],
] as const;

export function RunPage({ place }: { place: Place }) {
  const id = place.path[1] ?? "";
  const watched = useRun(id);
  const { told, error } = watched;
  useTitle(`Run ${shortId(id)}`);
  return (
    <>
      <nav aria-label="Where this is" className="crumbs">
        <a href="#/runs">runs</a>
      </nav>
      {told ? null : <h1 className="mono">Run {shortId(id)}</h1>}
      <Trouble error={error} />
      {told ? (
        <Shown told={told} place={place} watched={watched} />
      ) : (
        <p role="status" className="faint">
          {error ? "" : "Reading…"}
        </p>
      )}
    </>
  );
}

function Shown({ told, place, watched }: { told: RunTold; place: Place; watched: Watched }) {
  const { run } = told;
  const isGoing = run.status === "running";
  const now = useNow(isGoing || run.status === "queued");
  const done = progress(told.nodes);
  const tab = TABS.find(([key]) => key === place.query.tab)?.[0] ?? "";
  return (
    <>
      <div className="title run-title" data-run-status={run.status}>
        <h1>
          <span className="mono">
            {run.command ? asked({ command: run.command, select: run.select ?? [], exclude: run.exclude ?? [] }) : "Run"}
          </span>{" "}
          <span className="mono faint">{shortId(run.id)}</span>
        </h1>
        <RunStatus status={run.status} />
        <span className="spread" />
        {isGoing || run.status === "queued" ? <CancelButton run={run.id} launch={told.launch?.launch} onDone={watched.again} /> : null}
        {run.status === "failed" || run.status === "cancelled" || run.status === "interrupted" ? <RetryButton run={run.id} /> : null}
      </div>
      <Facts told={told} now={now} />
      {told.nodes.length ? (
        <div className="run-progress">
          <ProgressBar of={done} label="This run" />
          <span className="small faint" role="status">
            {progressWords(done)}
          </span>
        </div>
      ) : null}
      {tab ? <CausesShort causes={told.causes} href={runPlace(run.id)} /> : <Causes causes={told.causes} />}
      {run.status === "queued" ? (
        <p className="faint">
          It waits{told.launch?.waits_for ? ` for ${told.launch.waits_for}` : " to begin"}; this page goes on by itself.
        </p>
      ) : (
        <>
          <nav aria-label="Parts of the page" className="tabs">
            <ul>
              {TABS.map(([key, title]) => (
                <li key={key}>
                  <a
                    href={formatPlace({ path: place.path, query: key ? { tab: key } : {} })}
                    {...(tab === key ? { "aria-current": "page" as const } : {})}
                  >
                    {title}
                    {key === "" ? <span className="count">{told.nodes.length}</span> : null}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          {tab === "graph" ? (
            <RunGraph told={told} />
          ) : tab === "timeline" ? (
            <Timeline told={told} now={now} place={place} />
          ) : tab === "log" ? (
            <RunLog run={run.id} place={place} isGoing={isGoing} live={watched.lines} nodes={told.nodes} />
          ) : (
            <RunNodes told={told} place={place} now={now} />
          )}
        </>
      )}
    </>
  );
}

/** Why it ran, who wanted it, from which code, until when it had to be done. */
function Facts({ told, now }: { told: RunTold; now: number }) {
  const { run, launch } = told;
  const facts: [string, React.ReactNode][] = [];
  if (run.trigger) facts.push(["began by", <TriggerWords trigger={run.trigger} />]);
  if (launch?.reason) facts.push(["because", launch.reason]);
  if (run.actor && !run.trigger?.startsWith("schedule:")) facts.push(["who", run.actor]);
  if (run.target) facts.push(["target", run.target]);
  if (run.started_at) facts.push(["began", <When at={run.started_at} now={now} />]);
  if (run.elapsed != null || run.status === "running")
    facts.push([run.status === "running" ? "for" : "took", <Took run={run} now={now} />]);
  if (launch?.deadline) facts.push([launch.late ? "was due" : "due", moment(launch.deadline)]);
  if (run.git_sha)
    facts.push([
      "code",
      <>
        <span className="mono">{run.git_sha.slice(0, 10)}</span>
        {run.dirty ? " and changes" : ""}
      </>,
    ]);
  if (launch && launch.attempt > 1) facts.push(["attempt", String(launch.attempt)]);
  const waited = launch?.queued && run.started_at ? (Date.parse(run.started_at) - Date.parse(launch.queued)) / 1000 : 0;
  if (waited > 1) facts.push(["waited", duration(waited)]);
  return (
    <dl className="run-facts">
      {facts.map(([word, value]) => (
        <div key={word}>
          <dt>{word}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
