/** Whether everything is fine: what fails, runs, is late and comes next; how it went lately. */

import { useTitle } from "../hooks";
import { StatusMark } from "../parts/badge";
import { counted, duration, number } from "../parts/format";
import { formatPlace, nodePlace } from "../place";
import { useFresh, useNow } from "./hooks";
import { Days } from "./days";
import { progressOf } from "./run-state";
import type { Home as HomeTold, LaunchTold, RunListed } from "./shapes";
import { asked, ProgressBar, RunLink, runPlace, RunStatus, Took, TriggerWords, Trouble, When } from "./words";

const SHOWN = 8;

export function Home() {
  const { value: told, error } = useFresh<HomeTold>("/home");
  const now = useNow();
  useTitle("Home");
  if (!told)
    return (
      <>
        <h1>Home</h1>
        <Trouble error={error} />
        {error ? null : (
          <p role="status" className="faint">
            Reading…
          </p>
        )}
      </>
    );
  const { project } = told;
  const stale = told.stale.filter(({ age }) => age === "late");
  return (
    <>
      <div className="row kicker">
        <span>{[project.engine, project.target && `target ${project.target}`].filter(Boolean).join(" · ")}</span>
        <a href="#/project">About the project</a>
      </div>
      <Headline told={told} />
      <Trouble error={error} />
      {told.trouble ? (
        <div className="note trouble" role="alert">
          <p>The project cannot be read; runs would fail, and the pages show it as it was.</p>
          <pre>{told.trouble}</pre>
        </div>
      ) : null}
      <dl className="counts">
        <Count label="failing" value={told.failing_count} href={formatPlace({ path: ["list"], query: { status: "error" } })} isBad />
        <Count
          label={`good, of ${number(told.models)} models`}
          value={told.healthy}
          href={formatPlace({ path: ["list"], query: { kind: "model" } })}
        />
        <Count label="running" value={told.running.length} href={formatPlace({ path: ["runs"], query: { status: "running" } })} />
        <Count label="waiting" value={told.queued.length} href="#/schedules" />
        <Count label="late" value={told.late.length + stale.length} href={stale.length ? "#/freshness" : "#/schedules"} isBad />
        {told.paused.length ? <Count label="paused schedules" value={told.paused.length} href="#/schedules" /> : null}
      </dl>
      <div className="halves">
        <div>
          <Failing told={told} now={now} />
          <Running told={told} now={now} />
          <Recent runs={told.recent} now={now} />
        </div>
        <div>
          <Next told={told} now={now} />
          <Late launches={told.late} now={now} />
          <Stale told={told} />
          <section aria-labelledby="days">
            <h2 id="days">Runs per day</h2>
            <Days days={told.days} />
          </section>
        </div>
      </div>
    </>
  );
}

function Headline({ told }: { told: HomeTold }) {
  const bad = told.failing_count;
  const stale = told.stale.filter(({ age }) => age === "late").length;
  const [status, words] = bad
    ? (["error", `${counted(bad, "model")} ${bad === 1 ? "is" : "are"} failing`] as const)
    : told.late.length
      ? (["warn", `${counted(told.late.length, "run")} ${told.late.length === 1 ? "is" : "are"} late`] as const)
      : stale
        ? (["warn", `${counted(stale, "promise")} about freshness ${stale === 1 ? "is" : "are"} broken`] as const)
        : told.trouble
          ? (["warn", "The project cannot be read"] as const)
          : told.recent.length
            ? (["success", "Everything is fine"] as const)
            : (["skipped", "Nothing ran yet"] as const);
  return (
    <div className="title headline">
      <StatusMark status={status} quiet />
      <h1>{words}</h1>
    </div>
  );
}

function Count({ label, value, href, isBad = false }: { label: string; value: number; href: string; isBad?: boolean }) {
  return (
    <div className={isBad && value ? "count-bad" : ""}>
      <dt>{label}</dt>
      <dd>
        <a href={href}>{number(value)}</a>
      </dd>
    </div>
  );
}

function Failing({ told, now }: { told: HomeTold; now: number }) {
  if (!told.failing.length) return null;
  return (
    <section aria-labelledby="failing">
      <h2 id="failing">Failing</h2>
      <ul className="rows">
        {told.failing.slice(0, SHOWN).map(({ node, name, run, at, message }) => (
          <li key={node} className="failing">
            <StatusMark status="error" quiet />
            <a className="mono" href={nodePlace(node, { tab: "runs" })}>
              {name}
            </a>
            <a className="clip small failing-why" href={runPlace(run)} title={message}>
              {message}
            </a>
            <span className="faint small nowrap">
              <When at={at} now={now} />
            </span>
          </li>
        ))}
      </ul>
      {told.failing_count > SHOWN ? (
        <p className="more">
          <a href={formatPlace({ path: ["list"], query: { status: "error" } })}>All {number(told.failing_count)}</a>
        </p>
      ) : null}
    </section>
  );
}

function Running({ told, now }: { told: HomeTold; now: number }) {
  if (!told.running.length && !told.queued.length) return null;
  return (
    <section aria-labelledby="running">
      <h2 id="running">Running now</h2>
      <ul className="rows">
        {told.running.map((run) => {
          const done = progressOf(run.counts, run.total);
          return (
            <li key={run.id} className="running-row">
              <RunStatus status="running" quiet />
              <RunLink id={run.id} />
              <span className="clip">{run.schedule ? <TriggerWords trigger={run.trigger} /> : asked(run)}</span>
              <ProgressBar of={done} label={`Run ${run.id.slice(0, 8)}`} />
              <span className="small nowrap number">
                {done.done} / {done.total}
              </span>
              <span className="faint small nowrap number">
                <Took run={run} now={now} />
              </span>
            </li>
          );
        })}
        {told.queued.map((launch) => (
          <li key={launch.launch}>
            <RunStatus status="queued" quiet />
            <RunLink id={launch.run_id} />
            <span className="clip">{launch.schedule}</span>
            <span className="faint small">
              waits since <When at={launch.queued} now={now} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Recent({ runs, now }: { runs: readonly RunListed[]; now: number }) {
  return (
    <section aria-labelledby="recent">
      <div className="row">
        <h2 id="recent">Recent runs</h2>
        <a href="#/runs">All runs</a>
      </div>
      {runs.length ? (
        <ul className="rows">
          {runs.map((run) => (
            <li key={run.id} className="recent-row">
              <RunStatus status={run.status} quiet />
              <RunLink id={run.id} />
              <span className="clip">
                <span className="mono small">{asked(run)}</span>{" "}
                <span className="faint small">
                  <TriggerWords trigger={run.trigger} />
                </span>
              </span>
              <span className="faint small nowrap number">
                <Took run={run} now={now} />
              </span>
              <span className="faint small nowrap number">
                <When at={run.started_at} now={now} />
              </span>
            </li>
          ))}
        </ul>
      ) : (
        <p className="faint">
          Nothing ran yet: <code>orc build</code> does it, or a schedule.
        </p>
      )}
    </section>
  );
}

function Next({ told, now }: { told: HomeTold; now: number }) {
  return (
    <section aria-labelledby="next">
      <div className="row">
        <h2 id="next">Next</h2>
        <a href="#/schedules">Schedules</a>
      </div>
      {told.next.length ? (
        <ul className="rows">
          {told.next.map(({ schedule, at, local }) => (
            <li key={`${schedule} ${at}`}>
              <span className="clip">
                <a href={formatPlace({ path: ["schedules"], query: { name: schedule } })}>{schedule}</a>
              </span>
              <span className="spread" />
              <span className="small nowrap">{local.slice(11, 16)}</span>
              <span className="faint small nowrap number next-in">
                <When at={at} now={now} />
              </span>
            </li>
          ))}
        </ul>
      ) : (
        <p className="faint">Nothing is scheduled.</p>
      )}
    </section>
  );
}

function Stale({ told }: { told: HomeTold }) {
  if (!told.stale.length) return null;
  return (
    <section aria-labelledby="stale">
      <div className="row">
        <h2 id="stale">Not as fresh as promised</h2>
        <a href="#/freshness">Freshness</a>
      </div>
      <ul className="rows">
        {told.stale.map((one) => (
          <li key={one.node}>
            <StatusMark status={one.age === "late" ? "error" : "warn"} quiet />
            <a className="mono clip" href={nodePlace(one.node)}>
              {one.name}
            </a>
            <span className="small nowrap">{duration(one.lag_seconds)}</span>
            <span className="faint small nowrap">{one.state}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Late({ launches, now }: { launches: readonly LaunchTold[]; now: number }) {
  if (!launches.length) return null;
  return (
    <section aria-labelledby="late">
      <h2 id="late">Late</h2>
      <ul className="rows">
        {launches.map((launch) => (
          <li key={launch.launch}>
            <StatusMark status="warn" quiet />
            <RunLink id={launch.run_id} /> <span className="clip">{launch.schedule}</span>
            <span className="spread" />
            <span className="faint small">was due {launch.deadline ? <When at={launch.deadline} now={now} /> : null}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
