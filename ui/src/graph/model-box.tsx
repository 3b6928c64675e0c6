/** A node in the lineage graph: its name, and its columns as rows that lines can begin and end at. */

import { Handle, Position, useUpdateNodeInternals, type Node, type NodeProps } from "@xyflow/react";
import { memo, useEffect } from "react";
import { folderOf, titleOf } from "../catalogue";
import type { Column, NodeSummary } from "../data";
import { StatusMark } from "../parts/badge";
import { Icon } from "../parts/icon";
import { useTabIndex } from "./active";

export interface ModelContent extends Record<string, unknown> {
  node: NodeSummary;
  isFocus: boolean;
  isDim: boolean;
  isOpen: boolean;
  /** Columns to show, and how many more there are. */
  columns: readonly Column[];
  remainder: number;
  /** Columns on the way of the traced one, and how each is made of the one before: `renamed`. */
  traced: ReadonlyMap<string, string> | undefined;
  hidden: { up: number; down: number };
  href: string;
  onToggle: () => void;
  onGrow: (way: "up" | "down") => void;
  onColumn: (column: string) => void;
}

export const WIDTH = 264;
const HEAD = 54;
const ROW = 24;
const FOOT = 8;
/** Nobody reads a box of two hundred rows; the page of the model lists them all. */
export const ROWS = 30;

export const heightOf = (rows: number, remainder: number): number =>
  HEAD + (rows || remainder ? rows * ROW + (remainder ? ROW : 0) + FOOT : 0);

export const ModelBox = memo(function ModelBox({ id, data }: NodeProps<Node<ModelContent>>) {
  const { node, columns, traced, hidden } = data;
  const tabIndex = useTabIndex(id);
  const title = titleOf(node);
  const measure = useUpdateNodeInternals();
  const rows = columns.map((column) => column.name).join("\n");
  useEffect(() => measure(id), [measure, id, rows]); // other rows are other ends of lines, also where the box keeps its size
  return (
    <article
      className={`box${data.isFocus ? " box-focus" : ""}${data.isDim ? " box-dim" : ""}`}
      data-box={id}
      aria-label={`${node.kind} ${title}`}
    >
      <Handle type="target" position={Position.Left} id="in" isConnectable={false} className="handle-head" />
      <Handle type="source" position={Position.Right} id="out" isConnectable={false} className="handle-head" />
      {hidden.up ? <Grow way="up" count={hidden.up} title={title} tabIndex={tabIndex} onGrow={data.onGrow} /> : null}
      <header className="box-head">
        <Icon name={node.kind} />
        <div className="box-words">
          <a href={data.href} className="mono box-title" data-title tabIndex={tabIndex} title={title}>
            {title}
          </a>
          <span className="box-note">
            {folderOf(node)}
            {node.materialized ? ` · ${node.materialized}` : ""}
          </span>
        </div>
        <StatusMark status={node.status === "success" ? undefined : node.status} quiet />
        {node.columns ? (
          <button
            type="button"
            className="button plain nopan"
            tabIndex={tabIndex}
            aria-expanded={data.isOpen}
            aria-label={`Columns of ${title}`}
            title={data.isOpen ? "Hide columns" : "Show columns"}
            onClick={data.onToggle}
          >
            <Icon name={data.isOpen ? "down" : "right"} />
          </button>
        ) : null}
      </header>
      {columns.length || data.remainder ? (
        <ul className="box-columns">
          {columns.map((column) => (
            <li key={column.name} className={traced?.has(column.name) ? "traced" : ""}>
              <Handle type="target" position={Position.Left} id={`in:${column.name}`} isConnectable={false} />
              <button
                type="button"
                className="box-column nopan"
                tabIndex={tabIndex}
                onClick={() => data.onColumn(column.name)}
                title={column.expression ?? column.name}
              >
                <span className="unseen">Trace </span>
                <span className="mono clip">{column.name}</span>
                {column.pii?.length ? <Icon name="lock" size={11} /> : null}
                <span className="box-type">{traced?.get(column.name) || column.type}</span>
              </button>
              <Handle type="source" position={Position.Right} id={`out:${column.name}`} isConnectable={false} />
            </li>
          ))}
          {data.remainder ? <li className="box-rest">{data.remainder} more on its page</li> : null}
        </ul>
      ) : null}
      {hidden.down ? <Grow way="down" count={hidden.down} title={title} tabIndex={tabIndex} onGrow={data.onGrow} /> : null}
    </article>
  );
});

function Grow({
  way,
  count,
  title,
  tabIndex,
  onGrow,
}: {
  way: "up" | "down";
  count: number;
  title: string;
  tabIndex: number;
  onGrow: (way: "up" | "down") => void;
}) {
  const what = `Show ${count} more ${way === "up" ? (count === 1 ? "parent" : "parents") : count === 1 ? "child" : "children"} of ${title}`;
  return (
    <button
      type="button"
      className={`grow grow-${way} nopan`}
      tabIndex={tabIndex}
      aria-label={what}
      title={what}
      onClick={() => onGrow(way)}
    >
      +{count}
    </button>
  );
}
