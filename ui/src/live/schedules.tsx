/** Schedules: when they tick next, what became of the last ticks, what holds of them; triggers below. */

import { useEffect, useRef } from "react";
import { useTitle } from "../hooks";
import { StatusMark, type Look } from "../parts/badge";
import { moment } from "../parts/format";
import { formatPlace, type Place } from "../place";
import { PauseButton, ResumeButton, RunButton } from "./actions";
import { useFresh, useNow } from "./hooks";
import type { LaunchTold, ScheduleTold, SchedulesTold, TickTold, TriggerTold } from "./shapes";
import { RunLink, RunStatus, Trouble, When } from "./words";

const STATES: Readonly<Record<ScheduleTold["state"], Look>> = {
  enabled: "success",
  running: "running",
  waiting: "queued",
  paused: "warn",
  disabled: "skipped",
};
const TICKS: Readonly<Record<TickTold["status"], Look>> = {
  fired: "success",
  missed: "warn",
  skipped_overlap: "skipped",
  coalesced: "skipped",
};

export function SchedulesPage({ place }: { place: Place }) {
  const { value: told, error } = useFresh<SchedulesTold>("/schedules");
  const now = useNow();
  useTitle("Schedules");
  return (
    <>
      <h1>Schedules</h1>
      <Trouble error={error} />
      {told ? null : (
        <p role="status" className="faint">
          {error ? "" : "Reading…"}
        </p>
      )}
      {told && !told.schedules.length && !told.triggers.length ? (
        <p className="faint">
          Nothing is scheduled: <code>schedules.yml</code> beside the project file says when to run what.
        </p>
      ) : null}
      <div className="schedules">
        {told?.schedules.map((one) => (
          <Schedule key={one.name} one={one} now={now} isLookedFor={place.query.name === one.name} />
        ))}
      </div>
      {told?.triggers.length ? (
        <section aria-labelledby="triggers">
          <h2 id="triggers">Triggers</h2>
          <div className="schedules">
            {told.triggers.map((one) => (
              <Trigger key={one.name} one={one} now={now} />
            ))}
          </div>
        </section>
      ) : null}
    </>
  );
}

function Schedule({ one, now, isLookedFor }: { one: ScheduleTold; now: number; isLookedFor: boolean }) {
  const here = useRef<HTMLElement>(null);
  useEffect(() => {
    if (isLookedFor) here.current?.scrollIntoView({ block: "center" });
  }, [isLookedFor]);
  return (
    <article ref={here} className={isLookedFor ? "schedule schedule-here" : "schedule"} aria-label={one.name} data-state={one.state}>
      <header className="row">
        <h2>{one.name}</h2>
        <StatusMark status={one.state} look={STATES[one.state]} />
        <span className="spread" />
        {one.state === "disabled" ? null : one.state === "paused" ? <ResumeButton name={one.name} /> : <PauseButton name={one.name} />}
        <RunButton name={one.name} />
      </header>
      <p className="schedule-when">
        {one.when} {one.zone === "UTC" ? "" : <span className="faint">{one.zone}</span>} <span className="mono small">{one.what}</span>
        {one.target ? <span className="faint small"> on {one.target}</span> : null}
      </p>
      {one.description ? <p className="faint">{one.description}</p> : null}
      <div className="schedule-parts">
        <div>
          <h3>Next</h3>
          {one.next.length ? (
            <ol className="plain-list small">
              {one.next.map(({ at, local }) => (
                <li key={at} title={moment(at)}>
                  {local.slice(0, 16).replace("T", " ")}{" "}
                  <span className="faint">
                    <When at={at} now={now} />
                  </span>
                </li>
              ))}
            </ol>
          ) : (
            <p className="faint small">
              {one.state === "paused" ? (
                <>paused {one.paused_since ? <When at={one.paused_since} now={now} /> : null}</>
              ) : one.state === "disabled" ? (
                "not enabled"
              ) : (
                "when what it comes after has run"
              )}
            </p>
          )}
        </div>
        <div>
          <h3>Last</h3>
          {one.last.length ? (
            <ul className="plain-list small">
              {one.last.slice(0, 5).map((tick) => (
                <li key={tick.at} className="tick">
                  <StatusMark status={tick.status.replaceAll("_", " ")} look={TICKS[tick.status]} />
                  <span className="faint nowrap">
                    <When at={tick.at} now={now} />
                  </span>
                  <span className="faint clip" title={tick.reason}>
                    {tick.reason}
                  </span>
                </li>
              ))}
            </ul>
          ) : (
            <p className="faint small">No tick yet.</p>
          )}
          <p className="small">
            <a href={formatPlace({ path: ["runs"], query: { schedule: one.name } })}>Its runs</a>
          </p>
        </div>
        <div>
          <h3>What holds</h3>
          <ul className="plain-list small">
            {one.words.map((text) => (
              <li key={text}>{text}</li>
            ))}
            {one.owner ? <li className="faint">owner {one.owner}</li> : null}
          </ul>
        </div>
      </div>
      <Going launches={one.going} now={now} />
    </article>
  );
}

function Going({ launches, now }: { launches: readonly LaunchTold[]; now: number }) {
  if (!launches.length) return null;
  return (
    <ul className="rows small">
      {launches.map((launch) => (
        <li key={launch.launch}>
          <RunStatus status={launch.status} /> <RunLink id={launch.run_id} />
          <span className="faint">
            {launch.waits_for ? `waits for ${launch.waits_for}` : launch.reason}, since <When at={launch.queued} now={now} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Trigger({ one, now }: { one: TriggerTold; now: number }) {
  const names = Object.keys(one.variables);
  return (
    <article className="schedule" aria-label={one.name}>
      <header className="row">
        <h2>{one.name}</h2>
        <span className="mono small faint">POST {one.path}</span>
      </header>
      <p className="schedule-when">
        <span className="mono small">{one.what}</span>{" "}
        <span className="faint">{[...one.words, ...(names.length ? [`variables: ${names.join(", ")}`] : [])].join("; ")}</span>
      </p>
      <pre className="curl small" tabIndex={0} aria-label="How to call it">
        {`curl -X POST -H "Authorization: Bearer $TOKEN" -d '${JSON.stringify(one.variables)}' ${location.origin}${one.path}`}
      </pre>
      <Going launches={one.going} now={now} />
      {one.last.length ? (
        <ul className="plain-list small">
          {one.last.map((launch) => (
            <li key={launch.launch}>
              <RunStatus status={launch.status} /> <RunLink id={launch.run_id} />{" "}
              <span className="faint">
                <When at={launch.queued} now={now} />
              </span>
            </li>
          ))}
        </ul>
      ) : (
        <p className="faint small">Nobody has called it yet.</p>
      )}
    </article>
  );
}
