/** What models and exposures promise about their age, how it is kept, and when something is done about it. */

import { useTitle } from "../hooks";
import { StatusMark, type Look } from "../parts/badge";
import { counted, duration, moment } from "../parts/format";
import { nodePlace } from "../place";
import { useFresh, useNow } from "./hooks";
import type { ConditionTold, FreshnessTold, PromiseTold } from "./shapes";
import { Trouble, When } from "./words";

const AGES: Readonly<Record<PromiseTold["age"], Look>> = { kept: "success", warned: "warn", late: "error" };
const AGE_WORDS: Readonly<Record<PromiseTold["age"], string>> = { kept: "kept", warned: "about to be late", late: "late" };

/** `at most 1 h old`, `current by 07:00 Europe/Berlin` */
export function PromiseWords({ one }: { one: PromiseTold }) {
  const { max_lag: lag, by, zone, build } = one.promise;
  return (
    <>
      {lag === null ? `current by ${by ?? ""}${zone === "UTC" ? "" : ` ${zone}`}` : `at most ${duration(lag)} old`}
      {build === "auto" ? "" : ", only watched"}
      {one.age === "kept" ? "" : `, ${AGE_WORDS[one.age]}`}
    </>
  );
}

export function FreshnessPage() {
  const { value: told, error } = useFresh<FreshnessTold>("/freshness");
  const now = useNow();
  useTitle("Freshness");
  return (
    <>
      <h1>Freshness</h1>
      <Trouble error={error} />
      {told?.promises.length === 0 ? (
        <p className="faint">
          {told.leads ? (
            <>
              Nothing promises how fresh it is: <code>freshness: {"{max_lag: 1h}"}</code> in the config of a model or an exposure does.
            </>
          ) : (
            "Another orc serve leads: it knows what becomes of promises."
          )}
        </p>
      ) : null}
      <div className="schedules">
        {told?.promises.map((one) => (
          <Promised key={one.node} one={one} now={now} />
        ))}
      </div>
    </>
  );
}

function Promised({ one, now }: { one: PromiseTold; now: number }) {
  return (
    <article className="schedule" aria-label={one.name} data-age={one.age} data-state={one.state}>
      <header className="row">
        <h2 className="mono">
          <a href={nodePlace(one.node)}>{one.name}</a>
        </h2>
        <StatusMark status={AGE_WORDS[one.age]} look={AGES[one.age]} />
        <span className="spread" />
        <span className="badge badge-plain">{one.state}</span>
      </header>
      <p>
        <PromiseWords one={{ ...one, age: "kept" }} />
        <span className="faint"> {one.lag_seconds ? `its rows lack changes for ${duration(one.lag_seconds)}` : "it lacks no change"}</span>
      </p>
      <p className="faint">{one.reason}</p>
      {one.needed || one.begins || one.builds.length ? (
        <dl className="run-facts">
          {one.begins ? (
            <div>
              <dt>begins</dt>
              <dd>
                <When at={one.begins} now={now} />
              </dd>
            </div>
          ) : null}
          {one.needed ? (
            <div>
              <dt>has to be there</dt>
              <dd title={moment(one.needed)}>
                <When at={one.needed} now={now} />
              </dd>
            </div>
          ) : null}
          {one.estimate_seconds ? (
            <div>
              <dt>takes about</dt>
              <dd>{duration(one.estimate_seconds)}</dd>
            </div>
          ) : null}
          {one.builds.length ? (
            <div>
              <dt>builds {counted(one.builds.length, "node")}</dt>
              <dd className="mono small breaks">{one.builds.map((id) => id.split(".").slice(2).join(".")).join(" ")}</dd>
            </div>
          ) : null}
        </dl>
      ) : null}
      <details>
        <summary>Conditions</summary>
        <Conditions of={one.conditions} />
      </details>
    </article>
  );
}

const Conditions = ({ of }: { of: readonly ConditionTold[] }) => (
  <ul className="conditions small">
    {of.map((one, index) => (
      <li key={index}>
        <StatusMark status={one.holds ? "holds" : "does not hold"} look={one.holds ? "success" : "skipped"} quiet /> {one.what}{" "}
        <span className="faint">{one.value}</span>
        {one.below.length ? <Conditions of={one.below} /> : null}
      </li>
    ))}
  </ul>
);
