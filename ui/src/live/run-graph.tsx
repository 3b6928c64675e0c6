/** A run as a drawing: a box for each model, seed and snapshot, with what it is doing. */

import { Handle, Position, type Edge, type Node, type NodeProps } from "@xyflow/react";
import { memo, useMemo } from "react";
import { useTabIndex } from "../graph/active";
import { ARROW, Canvas, type Drawn } from "../graph/canvas";
import { lookOf, StatusMark } from "../parts/badge";
import { counted, duration } from "../parts/format";
import { Icon } from "../parts/icon";
import type { NodeOfRun, RunTold } from "./shapes";
import { runPlace } from "./words";

interface Content extends Record<string, unknown> {
  one: NodeOfRun;
  href: string;
}

const TYPES = { run: memo(RunBox) };
const SIZE = { width: 220, height: 56 };
/** More boxes than this nobody can read: what ran well goes first. */
export const MOST = 200;

const isDrawn = ({ kind }: NodeOfRun): boolean => kind !== "test" && kind !== "unit_test";

/** The nodes to draw: all, or of too many those that did not simply succeed, and their parents. */
export function drawnNodes(nodes: readonly NodeOfRun[], most = MOST): readonly NodeOfRun[] {
  const all = nodes.filter(isDrawn);
  if (all.length <= most) return all;
  const told = all.filter(({ status }) => lookOf(status) !== "success" && status !== "pending");
  const near = new Set([...told.map(({ node }) => node), ...told.flatMap(({ parents }) => parents)]);
  const first = all.filter(({ node }) => near.has(node));
  return [...first, ...all.filter(({ node }) => !near.has(node))].slice(0, most);
}

export function RunGraph({ told }: { told: RunTold }) {
  const nodes = useMemo(() => drawnNodes(told.nodes), [told.nodes]);
  const all = told.nodes.filter(isDrawn).length;
  const drawn = useMemo(
    () =>
      nodes.map((one): Drawn<Content> => ({
        id: one.node,
        type: "run",
        ...SIZE,
        content: { one, href: runPlace(told.run.id, { node: one.node }) },
      })),
    [nodes, told.run.id],
  );
  const shape = JSON.stringify(nodes.map(({ node, parents }) => [node, parents]));
  const { lines, edges } = useMemo(() => {
    const pairs = (JSON.parse(shape) as [string, string[]][]).flatMap(([to, parents], _, every) => {
      const inside = new Set(every.map(([id]) => id));
      return parents.filter((from) => inside.has(from)).map((from) => ({ from, to }));
    });
    return {
      lines: pairs,
      edges: pairs.map(({ from, to }): Edge => ({ id: `${from}>${to}`, source: from, target: to, markerEnd: ARROW })),
    };
  }, [shape]);
  if (!nodes.length) return <p className="faint">The run has nothing but tests; the table lists them.</p>;
  return (
    <>
      {nodes.length < all ? (
        <p className="faint small">{`${counted(nodes.length, "node")} of ${all}: what did not simply succeed comes first.`}</p>
      ) : null}
      <Canvas label="The run" drawn={drawn} edges={edges} lines={lines} types={TYPES} />
    </>
  );
}

function RunBox({ id, data }: NodeProps<Node<Content>>) {
  const tabIndex = useTabIndex(id);
  const { one } = data;
  const look = lookOf(one.status);
  const took = one.seconds !== undefined && one.status !== "skipped" ? ` · ${duration(one.seconds)}` : "";
  return (
    <article
      className={`box run-box run-box-${look}`}
      data-box={id}
      data-status={one.status}
      aria-label={`${one.kind} ${one.name}, ${one.status}`}
    >
      <Handle type="target" position={Position.Left} isConnectable={false} className="handle-head" />
      <Handle type="source" position={Position.Right} isConnectable={false} className="handle-head" />
      <header className="box-head">
        <Icon name={one.kind} />
        <div className="box-words">
          <a href={data.href} className="mono box-title" data-title tabIndex={tabIndex} title={one.name}>
            {one.name}
          </a>
          <span className="box-note">
            {one.status}
            {took}
          </span>
        </div>
        <StatusMark status={one.status} quiet />
      </header>
    </article>
  );
}
