/** The columns of a node; each opens to show what it is made of and what is made of it. */

import { Fragment, useEffect, useRef } from "react";
import { titleOf } from "../catalogue";
import type { Column, Edge, NodeDetail, NodeSummary, TestResult } from "../data";
import { SpotLink } from "../graph/trace-panel";
import { useCatalogue } from "../hooks";
import { Breaks, Pii, StatusMark, Tags } from "../parts/badge";
import { Expression } from "../parts/code";
import { Icon } from "../parts/icon";
import { nodePlace } from "../place";
import { change } from "../router";
import { Markdown } from "../text/markdown";

/** Longer than this a type (a struct) is broken into lines. */
const LONG_TYPE = 24;

export function Columns({ detail, node, chosen }: { detail: NodeDetail; node: NodeSummary; chosen: string | undefined }) {
  const opened = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    opened.current?.scrollIntoView({ block: "nearest" }); // it may be far down the page when a search led here
  }, [chosen]);
  return (
    <section aria-labelledby="columns">
      <h2 id="columns">
        Columns <span className="faint">{detail.columns.length}</span>
      </h2>
      {detail.incomplete ? <p className="note small">There may be more: {detail.incomplete}</p> : null}
      <table className="columns">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Type</th>
            <th scope="col">Description</th>
            <th scope="col">Tests</th>
          </tr>
        </thead>
        <tbody>
          {detail.columns.map((column) => {
            const isOpen = column.name === chosen;
            return (
              <Fragment key={column.name}>
                <tr className={isOpen ? "open" : ""}>
                  <th scope="row">
                    <button
                      type="button"
                      className="opener"
                      aria-expanded={isOpen}
                      onClick={() => change({ column: isOpen ? undefined : column.name })}
                      title="Where it comes from and where it goes"
                    >
                      <Icon name={isOpen ? "down" : "right"} size={12} />
                      <Breaks text={column.name} />
                    </button>
                  </th>
                  <td className={`mono small type${(column.type?.length ?? 0) <= LONG_TYPE ? " type-short" : ""}`}>{column.type}</td>
                  <td>
                    <Described column={column} />
                  </td>
                  <td>
                    <TestMarks tests={column.tests} />
                  </td>
                </tr>
                {isOpen ? (
                  <tr ref={opened} className="open-row">
                    <td colSpan={4}>
                      <ColumnLineage column={column} node={node} />
                    </td>
                  </tr>
                ) : null}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function Described({ column }: { column: Column }) {
  const { nodes } = useCatalogue();
  const origin = column.inherited ? nodes[column.inherited.node] : undefined;
  return (
    <>
      {column.description ? <Markdown text={column.description} inline /> : null}
      {column.inherited && origin ? (
        <span className="inherited small">
          {" "}
          from{" "}
          <a className="mono" href={nodePlace(origin.id, { column: column.inherited.column })}>
            {titleOf(origin)}.<wbr />
            {column.inherited.column}
          </a>
        </span>
      ) : null}
      {column.pii?.length || column.tags?.length || column.constraints?.length ? (
        <span className="badges">
          <Pii names={column.pii} />
          <Tags names={column.tags} />
          {column.constraints?.map((text) => (
            <span key={text} className="badge badge-plain">
              {text}
            </span>
          ))}
        </span>
      ) : null}
    </>
  );
}

function TestMarks({ tests }: { tests: readonly TestResult[] | undefined }) {
  if (!tests?.length) return null;
  return (
    <ul className="tests">
      {tests.map((test) => (
        <li key={test.name} title={test.name}>
          <StatusMark status={test.status} quiet />{" "}
          <span className="small">
            {test.label}
            {test.failures ? ` (${test.failures})` : ""}
          </span>
        </li>
      ))}
    </ul>
  );
}

function ColumnLineage({ column, node }: { column: Column; node: NodeSummary }) {
  const { nodes } = useCatalogue();
  return (
    <div className="column-lineage">
      {column.expression ? (
        <div>
          <h3>Expression</h3>
          <Expression text={column.expression} />
        </div>
      ) : null}
      <div>
        <h3>Made of</h3>
        <Spots
          edges={column.from}
          empty={column.unknown ? "" : node.kind === "model" ? "No column: a constant or a count of rows." : "It begins here."}
        />
        {column.unknown ? <p className="note small">Its origins are not known: {column.unknown}</p> : null}
      </div>
      <div>
        <h3>Goes into</h3>
        <Spots edges={column.to} empty="Nothing is made of it." />
        {column.rows?.length ? (
          <p className="small">
            Decides about rows of{" "}
            {column.rows.map(([child, , use], index) => (
              <span key={index}>
                {index ? ", " : ""}
                <SpotLink spot={{ node: child, column: "" }} /> <span className="faint">({use})</span>
              </span>
            ))}
          </p>
        ) : null}
      </div>
      <p>
        <a href={nodePlace(node.id, { tab: "lineage", column: column.name })}>
          Trace through {nodes.length > 1 ? "the project" : "the node"}
        </a>
      </p>
    </div>
  );
}

function Spots({ edges, empty }: { edges: readonly Edge<string>[] | undefined; empty: string }) {
  if (!edges?.length) return empty ? <p className="faint small">{empty}</p> : null;
  return (
    <ul className="plain-list">
      {edges.map(([node, column, use]) => (
        <li key={`${node}:${column}:${use}`}>
          <SpotLink spot={{ node, column }} /> <span className={`use use-${use}`}>{use}</span>
        </li>
      ))}
    </ul>
  );
}
