/** When each attempt ran, and what the length of the run is made of. */

import { useMemo } from "react";
import { counted, duration } from "../parts/format";
import { axisLabel, bars, criticalPath, marks, type Bar } from "./run-state";
import type { Place } from "../place";
import { change } from "../router";
import type { RunTold } from "./shapes";
import { runPlace } from "./words";

const LOOK_WORDS: Readonly<Record<Bar["look"], string>> = {
  success: "good",
  warn: "good, with warnings",
  error: "failed",
  skipped: "skipped",
  running: "running",
  wait: "waiting for the next attempt",
};
const percent = (part: number): string => `${Math.max(0, 100 * part).toFixed(3)}%`;
const MOST = 500;

const isTest = ({ kind }: { kind: string }): boolean => kind === "test" || kind === "unit_test";

export function Timeline({ told, now, place }: { told: RunTold; now: number; place: Place }) {
  const tests = told.nodes.filter(isTest).length;
  const isAll = place.query.only === "all" || tests === told.nodes.length;
  const rows = useMemo(() => bars(isAll ? told.nodes : told.nodes.filter((one) => !isTest(one)), now), [told.nodes, now, isAll]);
  const way = useMemo(() => criticalPath(told.nodes), [told.nodes]);
  if (!rows.length) return <p className="faint">Nothing has run yet.</p>;
  const from = Math.min(...rows.map((row) => row[0]?.from ?? Infinity));
  const to = Math.max(...rows.flatMap((row) => row.map((bar) => bar.to)), from + 10);
  const length = to - from;
  const axis = marks(length / 1000);
  return (
    <figure className="timeline">
      <figcaption className="small faint">
        {counted(rows.length, "node")} in {duration(length / 1000)}. Outlined: what the length of the run is made of,{" "}
        {counted(way.size, "node")}.{" "}
        {tests && tests < told.nodes.length ? (
          <button type="button" className="button plain" aria-pressed={isAll} onClick={() => change({ only: isAll ? undefined : "all" })}>
            {isAll ? "Without tests" : `With ${counted(tests, "test")}`}
          </button>
        ) : null}
      </figcaption>
      <div className="timeline-rows" role="list" aria-label="Timeline">
        <div className="timeline-axis" aria-hidden="true">
          <span />
          <span className="timeline-lane">
            {axis.map((at) => (
              <span key={at} className="timeline-mark" style={{ left: percent((1000 * at) / length) }}>
                {axisLabel(at)}
              </span>
            ))}
          </span>
        </div>
        {rows.slice(0, MOST).map((row) => {
          const first = row[0];
          if (!first) return null;
          return (
            <div key={first.node} role="listitem" className={way.has(first.node) ? "timeline-row timeline-way" : "timeline-row"}>
              <a className="mono small clip" href={runPlace(told.run.id, { node: first.node })}>
                {first.name}
              </a>
              <span className="timeline-lane">
                {row.map((bar, index) => (
                  <span
                    key={index}
                    className={`timeline-bar fill-${bar.look}`}
                    style={{ left: percent((bar.from - from) / length), width: percent((bar.to - bar.from) / length) }}
                    title={`${bar.name}, attempt ${bar.attempt}: ${LOOK_WORDS[bar.look]}, ${duration((bar.to - bar.from) / 1000)}`}
                  >
                    <span className="unseen">{`attempt ${bar.attempt} ${LOOK_WORDS[bar.look]}, ${duration((bar.to - bar.from) / 1000)}`}</span>
                  </span>
                ))}
              </span>
            </div>
          );
        })}
      </div>
      {rows.length > MOST ? (
        <p className="faint small">
          The first {MOST} of {rows.length}; the table lists all.
        </p>
      ) : null}
    </figure>
  );
}
