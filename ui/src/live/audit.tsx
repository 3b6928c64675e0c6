/** Who did what, when, from where; whether the record of it is whole. */

import { useState } from "react";
import { useTitle } from "../hooks";
import { StatusMark } from "../parts/badge";
import { counted, moment } from "../parts/format";
import { Scroll } from "../parts/scroll";
import type { Place } from "../place";
import { change } from "../router";
import { ask, part } from "./api";
import { useFresh } from "./hooks";
import type { AuditTold, EntryTold } from "./shapes";
import { RunLink, Trouble } from "./words";

const ACTIONS = ["run", "schedule", "trigger", "login", "token", "backfill", "gates", "request"];

export function AuditPage({ place }: { place: Place }) {
  const { action = "", actor = "" } = place.query;
  const [limit, setLimit] = useState(50);
  const { value: told, error } = useFresh<AuditTold>(`/audit?limit=${limit}&action=${part(action)}&actor=${part(actor)}`);
  useTitle("Audit");
  return (
    <>
      <div className="row">
        <h1>Audit</h1>
        <span className="spread" />
        <Verify />
      </div>
      <div className="filters audit-filters" role="search" aria-label="Narrow down">
        <label>
          Action{" "}
          <select value={action} onChange={(event) => change({ action: event.target.value })}>
            <option value="">any</option>
            {ACTIONS.map((word) => (
              <option key={word} value={word}>
                {word}
              </option>
            ))}
          </select>
        </label>
        <label>
          Who <input type="search" value={actor} onChange={(event) => change({ actor: event.target.value }, "replace")} />
        </label>
      </div>
      <Trouble error={error} />
      {told ? (
        <Scroll label="Audit">
          <table className="list">
            <thead>
              <tr>
                <th scope="col" className="number">
                  No.
                </th>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">Did what</th>
                <th scope="col">To what</th>
                <th scope="col">More</th>
              </tr>
            </thead>
            <tbody>
              {told.entries.map((one) => (
                <Row key={one.seq} one={one} />
              ))}
            </tbody>
          </table>
          {told.entries.length ? null : <p className="faint empty">No entry is like that.</p>}
        </Scroll>
      ) : null}
      {told && told.entries.length === limit && limit < 200 ? (
        <button type="button" className="button" onClick={() => setLimit(200)}>
          Show more
        </button>
      ) : null}
    </>
  );
}

function Row({ one }: { one: EntryTold }) {
  const more = one.after ?? one.before;
  return (
    <tr>
      <td className="number faint small">{one.seq}</td>
      <td className="small nowrap">{moment(one.at)}</td>
      <td className="small">
        {one.actor || one.kind} <span className="faint">{[one.actor ? one.kind : "", one.source].filter(Boolean).join(", ")}</span>
      </td>
      <td className="mono small nowrap">{one.action}</td>
      <td className="mono small breaks">{one.run ? <RunLink id={one.run} /> : one.object}</td>
      <td className="small faint breaks">
        {more
          ? Object.entries(more)
              .filter(([, value]) => value !== null && value !== "")
              .map(([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
              .join(", ")
          : ""}
      </td>
    </tr>
  );
}

/** Reads the whole chain, which takes a while when it is long: only when somebody asks. */
function Verify() {
  const [verdict, setVerdict] = useState<AuditTold["verdict"] | "going" | string>(null);
  const check = (): void => {
    setVerdict("going");
    ask<AuditTold>("/audit?limit=1&verify=1").then(
      ({ verdict: found }) => setVerdict(found),
      (error: unknown) => setVerdict(error instanceof Error ? error.message : String(error)),
    );
  };
  return (
    <span className="row" aria-live="polite">
      {typeof verdict === "object" && verdict ? (
        verdict.faults.length ? (
          <StatusMark status={verdict.faults.join("; ")} look="error" />
        ) : (
          <StatusMark status={`${counted(verdict.entries, "entry", "entries")}, none changed`} look="success" />
        )
      ) : typeof verdict === "string" && verdict !== "going" ? (
        <span className="refusal small">{verdict}</span>
      ) : null}
      <button type="button" className="button" disabled={verdict === "going"} onClick={check}>
        Verify
      </button>
    </span>
  );
}
