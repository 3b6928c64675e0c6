/** The way of a column in words: every hop with its kind and the expression that makes it. */

import { titleOf } from "../catalogue";
import { useCatalogue } from "../hooks";
import { Expression } from "../parts/code";
import { counted } from "../parts/format";
import { Icon } from "../parts/icon";
import { nodePlace } from "../place";
import { change } from "../router";
import type { Hop, Spot, Trace } from "./trace";

export function TracePanel({ found, isComplete }: { found: Trace; isComplete: boolean }) {
  const { start, hops, rows, unknown } = found;
  const above = hops.filter((hop) => hop.distance < 0);
  const below = hops.filter((hop) => hop.distance > 0);
  return (
    <section className="trace" aria-labelledby="trace-title">
      <div className="row">
        <h2 id="trace-title">
          Trace of <span className="mono">{start.column}</span>
        </h2>
        <button type="button" className="button plain" aria-label="End the trace" onClick={() => change({ column: undefined })}>
          <Icon name="close" />
        </button>
      </div>
      <p className="faint small" role="status">
        {isComplete ? `${counted(above.length, "hop")} up, ${counted(below.length, "hop")} down` : "Reading on…"}
        {found.capped ? "; it goes on, but through too many nodes to show" : ""}
      </p>
      <Hops title="Made of" hops={above} empty="It begins here." />
      {unknown.map(({ spot, reason }) => (
        <p key={`${spot.node}:${spot.column}`} className="note small">
          Origins of <SpotLink spot={spot} /> are not known: {reason}
        </p>
      ))}
      <Hops title="Goes into" hops={below} empty="Nothing is made of it." />
      {rows.length ? (
        <>
          <h3>Decides about rows of</h3>
          <ul className="plain-list small">
            {rows.map(({ from, node, use }, index) => (
              <li key={index}>
                <span className="use">{use}</span> <SpotLink spot={{ node, column: "" }} /> <span className="faint">by {from.column}</span>
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </section>
  );
}

/** Uses whose expression is the column itself. */
const PLAIN: ReadonlySet<string> = new Set(["passed", "renamed"]);

function Hops({ title, hops, empty }: { title: string; hops: readonly Hop[]; empty: string }) {
  return (
    <>
      <h3>{title}</h3>
      {hops.length ? (
        <ol className="hops">
          {hops.map((hop) => (
            <li key={`${hop.from.node}:${hop.from.column}>${hop.to.node}:${hop.to.column}`}>
              <SpotLink spot={hop.from} /> <span className={`use use-${hop.use}`}>{hop.use}</span> <span className="faint">into</span>{" "}
              <SpotLink spot={hop.to} />
              {hop.expression && !PLAIN.has(hop.use) ? <Expression text={hop.expression} /> : null}
            </li>
          ))}
        </ol>
      ) : (
        <p className="faint small">{empty}</p>
      )}
    </>
  );
}

export function SpotLink({ spot }: { spot: Spot }) {
  const { nodes } = useCatalogue();
  const node = nodes[spot.node];
  if (!node) return <span className="mono">{spot.column}</span>;
  return (
    <a className="mono spot" href={nodePlace(node.id, { tab: "lineage", ...(spot.column ? { column: spot.column } : {}) })}>
      {titleOf(node)}
      {spot.column ? (
        <>
          .<wbr />
          {spot.column}
        </>
      ) : null}
    </a>
  );
}
