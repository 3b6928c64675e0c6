/** What is not well as alerts have it, and who was told. */

import { useTitle } from "../hooks";
import { StatusMark, type Look } from "../parts/badge";
import { moment } from "../parts/format";
import { Scroll } from "../parts/scroll";
import { nodePlace } from "../place";
import { useFresh, useNow } from "./hooks";
import type { AlertsTold, IncidentTold, LetterTold } from "./shapes";
import { RunLink, Trouble, When } from "./words";

const LETTERS: Readonly<Record<LetterTold["status"], Look>> = { sent: "success", waiting: "queued", failed: "error" };

export function AlertsPage() {
  const { value: told, error } = useFresh<AlertsTold>("/alerts");
  const now = useNow();
  useTitle("Alerts");
  return (
    <>
      <h1>Alerts</h1>
      <Trouble error={error} />
      {told ? (
        <>
          <section aria-labelledby="open">
            <h2 id="open">Open incidents</h2>
            {told.open.length ? (
              <Incidents of={told.open} now={now} />
            ) : (
              <p className="faint">
                None
                {told.letters.length ? (
                  ""
                ) : (
                  <>
                    ; <code>alerts.yml</code> beside the project file says who hears of what
                  </>
                )}
                .
              </p>
            )}
          </section>
          {told.letters.length ? <Letters of={told.letters} now={now} /> : null}
          {told.closed.length ? (
            <section aria-labelledby="closed">
              <h2 id="closed">Over</h2>
              <Incidents of={told.closed} now={now} />
            </section>
          ) : null}
        </>
      ) : null}
    </>
  );
}

/** A node by its name, a schedule by its own, a command as it is. */
function Subject({ of }: { of: string }) {
  if (of.startsWith("schedule:")) return <a href={`#/schedules?name=${encodeURIComponent(of.slice(9))}`}>{of.slice(9)}</a>;
  if (/^(model|seed|snapshot|source|exposure)\./.test(of))
    return <a href={nodePlace(of, { tab: "runs" })}>{of.split(".").slice(2).join(".")}</a>;
  return <>{of.startsWith("test.") ? of.split(".")[2] : of}</>;
}

const Incidents = ({ of, now }: { of: readonly IncidentTold[]; now: number }) => (
  <Scroll label="Incidents">
    <table className="list">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Is</th>
          <th scope="col" className="wide-only">
            Target
          </th>
          <th scope="col">Rule</th>
          <th scope="col">Run</th>
          <th scope="col" className="number">
            Since
          </th>
          <th scope="col" className="number">
            {of.some(({ closed }) => closed) ? "Over" : "Told"}
          </th>
        </tr>
      </thead>
      <tbody>
        {of.map((one) => (
          <tr key={`${one.rule} ${one.target} ${one.subject} ${one.aspect} ${one.opened}`}>
            <th scope="row" className="mono small">
              <Subject of={one.subject} />
            </th>
            <td>
              <StatusMark status={one.aspect} look={one.closed ? "skipped" : "error"} />
            </td>
            <td className="small wide-only">{one.target}</td>
            <td className="small">{one.rule}</td>
            <td>{one.run ? <RunLink id={one.run} /> : null}</td>
            <td className="number small">
              <When at={one.opened} now={now} />
            </td>
            <td className="number small">
              <When at={one.closed ?? one.told} now={now} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </Scroll>
);

const Letters = ({ of, now }: { of: readonly LetterTold[]; now: number }) => (
  <section aria-labelledby="letters">
    <h2 id="letters">Letters</h2>
    <ul className="letters">
      {of.map((one) => (
        <li key={one.id}>
          <details>
            <summary>
              <StatusMark status={one.status} look={LETTERS[one.status]} />
              <span className="letter-title">{one.title}</span>
              <span className="faint small nowrap">
                {one.rule}, {one.address}
              </span>
              <span className="faint small nowrap">
                <When at={one.sent ?? one.made} now={now} />
              </span>
            </summary>
            {one.error ? (
              <p className="note small">
                {one.status === "failed" ? "Given up" : `Tried ${one.tries} times, again ${moment(one.due)}`}: {one.error}
              </p>
            ) : null}
            <pre className="letter" tabIndex={0} aria-label="Letter">
              {one.body}
            </pre>
            {one.run ? (
              <p className="small">
                Run <RunLink id={one.run} />
              </p>
            ) : null}
          </details>
        </li>
      ))}
    </ul>
  </section>
);
