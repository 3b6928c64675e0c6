/** The nodes of a run as a table; one of them can be opened: its attempts, what was sent, what it said. */

import { useMemo, useState } from "react";
import { StatusMark } from "../parts/badge";
import { Code } from "../parts/code";
import { bytes, counted, duration, number } from "../parts/format";
import { Icon } from "../parts/icon";
import { Scroll } from "../parts/scroll";
import { nodePlace, type Place } from "../place";
import { change } from "../router";
import { part } from "./api";
import { useFresh } from "./hooks";
import type { NodeOfRun, NodeTold, RunTold } from "./shapes";
import { Trouble } from "./words";

const CHUNK = 300;
const URGENCY: Readonly<Record<string, number>> = { error: 0, fail: 0, "partial success": 0, running: 1, waiting: 1, warn: 2, skipped: 3 };
const isTest = ({ kind }: { kind: string }): boolean => kind === "test" || kind === "unit_test";

export function RunNodes({ told, place, now }: { told: RunTold; place: Place; now: number }) {
  const [limit, setLimit] = useState(CHUNK);
  const word = place.query.only ?? "";
  const sorted = useMemo(() => {
    const order = (one: NodeOfRun): number => URGENCY[one.status] ?? 4;
    return told.nodes
      .map((one, index) => ({ one, index }))
      .filter(({ one }) => (word === "tests" ? isTest(one) : word === "models" ? !isTest(one) : true))
      .sort((a, b) => order(a.one) - order(b.one) || a.index - b.index)
      .map(({ one }) => one);
  }, [told.nodes, word]);
  const longest = Math.max(...told.nodes.map((one) => one.seconds ?? 0), 0.01);
  const tests = told.nodes.filter(isTest).length;
  return (
    <>
      {tests && tests < told.nodes.length ? (
        <p className="switch-row">
          <span className="switch" role="group" aria-label="Which nodes">
            {(["", "models", "tests"] as const).map((key) => (
              <button key={key} type="button" aria-pressed={word === key} onClick={() => change({ only: key })}>
                {key === "" ? "all" : `${key} ${key === "tests" ? tests : told.nodes.length - tests}`}
              </button>
            ))}
          </span>
        </p>
      ) : null}
      <Scroll label="Nodes of the run">
        <table className="list run-nodes">
          <thead>
            <tr>
              <th scope="col">Status</th>
              <th scope="col">Node</th>
              <th scope="col" className="wide-only">
                Why
              </th>
              <th scope="col" className="number">
                Took
              </th>
              <th scope="col" className="number">
                Rows
              </th>
              <th scope="col">Says</th>
            </tr>
          </thead>
          <tbody>
            {sorted.slice(0, limit).map((one) => (
              <Row key={one.node} one={one} run={told.run.id} isOpen={place.query.node === one.node} now={now} longest={longest} />
            ))}
          </tbody>
        </table>
      </Scroll>
      {sorted.length > limit ? (
        <button type="button" className="button" onClick={() => setLimit(limit + 5 * CHUNK)}>
          Show more of {number(sorted.length)}
        </button>
      ) : null}
    </>
  );
}

interface RowProps {
  one: NodeOfRun;
  run: string;
  isOpen: boolean;
  now: number;
  longest: number;
}

function Row({ one, run, isOpen, now, longest }: RowProps) {
  const seconds =
    one.status === "running" && one.started_at
      ? Math.max(0, (now - Date.parse(one.started_at)) / 1000)
      : one.status === "skipped"
        ? undefined
        : one.seconds;
  return (
    <>
      <tr data-node={one.node} data-status={one.status} className={isOpen ? "open" : ""}>
        <td>
          <StatusMark status={one.status} />
        </td>
        <th scope="row">
          <button type="button" className="opener" aria-expanded={isOpen} onClick={() => change({ node: isOpen ? undefined : one.node })}>
            <Icon name={isOpen ? "down" : "right"} size={12} />
            <span className="mono">{one.name}</span>
          </button>
        </th>
        <td className="small faint wide-only">{one.reason}</td>
        <td className="number">
          {seconds === undefined ? "" : duration(seconds)}
          {one.seconds ? (
            <svg className="spark" viewBox="0 0 60 4" aria-hidden="true">
              <rect className="fill-quiet" x={60 - (60 * one.seconds) / longest} y={0} width={(60 * one.seconds) / longest} height={4} />
            </svg>
          ) : null}
        </td>
        <td className="number">{one.rows === undefined ? "" : number(one.rows)}</td>
        <td className="small says">
          {one.attempts.length > 1 ? <span className="badge badge-plain">{counted(one.attempts.length, "attempt")}</span> : null}{" "}
          {one.because ? (
            <span className="faint">because of {one.because.split(".").slice(2).join(".")}</span>
          ) : one.message === "OK" ? (
            ""
          ) : (
            one.message
          )}
        </td>
      </tr>
      {isOpen ? (
        <tr className="open-row">
          <td colSpan={6}>
            <Opened run={run} one={one} />
          </td>
        </tr>
      ) : null}
    </>
  );
}

function Opened({ run, one }: { run: string; one: NodeOfRun }) {
  const { value: told, error } = useFresh<NodeTold>(`/runs/${part(run)}/nodes/${part(one.node)}`);
  if (!told) return error ? <Trouble error={error} /> : <p className="faint">Reading…</p>;
  return (
    <div className="opened">
      <p className="row small">
        {isTest(one) ? null : <a href={nodePlace(one.node, { tab: "runs" })}>Page of {one.name}</a>}
        <a href={`#/run/${part(run)}?tab=log&node=${part(one.node)}`}>Its log</a>
        {told.reason ? <span className="faint">in the run because: {told.reason}</span> : null}
        {told.bytes_processed ? <span className="faint">{bytes(told.bytes_processed)} scanned</span> : null}
      </p>
      {told.log.length ? (
        <Code text={told.log.map(({ level, message }) => `${level}: ${message}`).join("\n")} language="sql" label="Log" bare />
      ) : null}
      {told.attempts.map((tried) => (
        <details key={`${tried.attempt} ${tried.label}`} open={told.attempts.length === 1}>
          <summary>
            Attempt {tried.attempt}{" "}
            <span className="faint">
              {tried.status.replaceAll("_", " ")}
              {tried.seconds === null ? "" : ` in ${duration(tried.seconds)}`}
              {tried.wait ? `, then waited ${duration(tried.wait)}` : ""}
              {told.attempts.length > 1 && tried.message ? `: ${tried.message}` : ""}
            </span>
          </summary>
          {tried.sql ? (
            <Code text={tried.sql} language="sql" label={`What attempt ${tried.attempt} sent`} />
          ) : (
            <p className="faint small">Nothing was sent.</p>
          )}
        </details>
      ))}
      {!told.attempts.length && told.sql ? <Code text={told.sql} language="sql" label="What was sent" /> : null}
    </div>
  );
}
