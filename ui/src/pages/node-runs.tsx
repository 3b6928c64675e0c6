/** What happened to a node in past runs: a trend, then every run. */

import type { ReactNode } from "react";
import type { RunOfNode } from "../data";
import { lookOf, StatusMark } from "../parts/badge";
import { bytes, counted, duration, moment, number } from "../parts/format";
import { Scroll } from "../parts/scroll";

const BARS = 40;
const HEIGHT = 64;
const STEP = 14;

/** `link` is the way to a run, where there is a page of it. */
export function Runs({ runs, link }: { runs: readonly RunOfNode[]; link?: (run: string) => ReactNode }) {
  return (
    <section>
      <h2 className="unseen">Runs</h2>
      <Trend runs={runs} />
      <Scroll label="Runs">
        <table className="list">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Status</th>
              <th scope="col" className="number">
                Took
              </th>
              <th scope="col" className="number">
                Rows
              </th>
              <th scope="col" className="number wide-only">
                Scanned
              </th>
              <th scope="col">Message</th>
            </tr>
          </thead>
          <tbody>
            {runs.map((run) => (
              <tr key={run.run + run.at}>
                <th scope="row">
                  {moment(run.at)}
                  <br />
                  {link ? link(run.run) : <span className="faint small mono">{run.run}</span>}
                </th>
                <td>
                  <StatusMark status={run.status} />
                </td>
                <td className="number">{duration(run.took)}</td>
                <td className="number">{run.rows === undefined ? "" : number(run.rows)}</td>
                <td className="number wide-only">{run.bytes === undefined ? "" : bytes(run.bytes)}</td>
                <td className="small breaks">{run.message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

/** What the bars say, in a sentence. */
export function trendText(runs: readonly RunOfNode[]): string {
  const only = runs.length === 1 ? runs[0] : undefined;
  if (only) return `The only run took ${duration(only.took)}.`;
  const took = runs.map((run) => run.took).sort((a, b) => a - b);
  const middle = took[Math.floor(took.length / 2)] ?? 0;
  const failed = runs.filter((run) => lookOf(run.status) === "error").length;
  return `The last ${counted(runs.length, "run")} took ${duration(took[0] ?? 0)} to ${duration(took[took.length - 1] ?? 0)}, typically ${duration(middle)}; ${failed ? `${number(failed)} failed` : "none failed"}.`;
}

function Trend({ runs }: { runs: readonly RunOfNode[] }) {
  const shown = runs.slice(0, BARS).reverse();
  const longest = Math.max(...shown.map((run) => run.took), 0.01);
  return (
    <figure className="trend">
      <svg
        width={shown.length * STEP}
        height={HEIGHT + 14}
        viewBox={`0 0 ${shown.length * STEP} ${HEIGHT + 14}`}
        role="img"
        aria-label={`Duration of each run, oldest first. ${trendText(shown)}`}
      >
        {shown.map((run, index) => {
          const height = Math.max(2, (HEIGHT * run.took) / longest);
          const look = lookOf(run.status);
          return (
            <g key={run.run + run.at} className={`bar bar-${look}`}>
              <title>{`${moment(run.at)}: ${run.status}, ${duration(run.took)}`}</title>
              <rect x={index * STEP + 2} y={14 + HEIGHT - height} width={STEP - 4} height={height} rx={2} />
              {look === "error" ? <path d={`M${index * STEP + 4} ${4 + HEIGHT - height}l6 6m0 -6l-6 6`} /> : null}
            </g>
          );
        })}
      </svg>
      <figcaption className="small">{trendText(shown)}</figcaption>
    </figure>
  );
}
