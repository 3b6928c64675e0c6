/** A drawing of boxes and lines: laid out in a worker, panned and zoomed by mouse, walked through with arrow keys. */

import {
  Background,
  BackgroundVariant,
  MarkerType,
  Panel,
  ReactFlow,
  ReactFlowProvider,
  useNodesInitialized,
  useReactFlow,
  type Edge,
  type EdgeMarker,
  type Node,
  type NodeTypes,
} from "@xyflow/react";
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { Icon } from "../parts/icon";
import type { Box, Line, Placed } from "./layout";
import { useLayout } from "./useLayout";
import { ActiveContext } from "./active";
import { WayEdge } from "./way";

export interface Drawn<Content extends Record<string, unknown>> extends Box {
  type: string;
  content: Content;
}

const EDGE_TYPES = { way: WayEdge };
/** The same size on thick and on thin lines. */
export const ARROW: EdgeMarker = {
  type: MarkerType.ArrowClosed,
  width: 20,
  height: 20,
  markerUnits: "userSpaceOnUse",
  color: "var(--line-strong)",
};

interface CanvasProps<Content extends Record<string, unknown>> {
  label: string;
  drawn: readonly Drawn<Content>[];
  edges: Edge[];
  /** What places the boxes; edges between columns do not. */
  lines: Line[];
  types: NodeTypes;
  /** The box to look at when not all fit. */
  focus?: string | undefined;
  /** Boxes to bring into view instead of all. */
  look?: readonly string[] | undefined;
  isSmall?: boolean;
}

export function Canvas<Content extends Record<string, unknown>>(props: CanvasProps<Content>) {
  return (
    <ReactFlowProvider>
      <Drawing {...props} />
    </ReactFlowProvider>
  );
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function Drawing<Content extends Record<string, unknown>>({
  label,
  drawn,
  edges,
  lines,
  types,
  focus,
  look,
  isSmall = false,
}: CanvasProps<Content>) {
  const boxes = useMemo(() => drawn.map(({ id, width, height }) => ({ id, width, height })), [drawn]);
  const placed = useLayout(boxes, lines);
  const [active, setActive] = useState<string>();
  const frame = useRef<HTMLDivElement>(null);
  const nodes = useMemo(
    () =>
      placed
        ? drawn
            .filter(({ id }) => placed.at[id])
            .map((box): Node => ({
              id: box.id,
              type: box.type,
              data: box.content,
              position: placed.at[box.id] ?? { x: 0, y: 0 },
              width: box.width,
              height: box.height,
              measured: { width: box.width, height: box.height },
              style: { pointerEvents: "all" }, // boxes that cannot be dragged would let clicks through
              draggable: false,
              selectable: false,
              focusable: false,
              connectable: false,
            }))
        : [],
    [drawn, placed],
  );
  const shownEdges = useMemo(
    () =>
      placed
        ? edges.map((edge): Edge => ({
            type: "way",
            ...edge,
            data: { points: placed.ways[`${edge.source}>${edge.target}`], half: (boxes[0]?.width ?? 0) / 2 },
          }))
        : [],
    [placed, edges, boxes],
  );
  const { setCenter, getZoom } = useReactFlow();
  const first = active && placed?.at[active] ? active : (focus ?? drawn[0]?.id);

  const onKeyDown = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    const from = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>("[data-box]")?.dataset.box : undefined;
    if (!step || !from || !placed) return;
    event.preventDefault();
    const to = towards(boxes, placed, from, step);
    if (!to) return;
    setActive(to.id);
    const at = placed.at[to.id];
    if (at) void setCenter(at.x + to.width / 2, at.y + to.height / 2, { zoom: Math.max(getZoom(), 0.6) });
    frame.current?.querySelector<HTMLElement>(`[data-box="${CSS.escape(to.id)}"] [data-title]`)?.focus({ preventScroll: true });
  };

  return (
    <div
      ref={frame}
      className={`canvas${isSmall ? " canvas-small" : ""}`}
      role="group"
      aria-label={`${label}. Arrow keys move between boxes.`}
      onKeyDown={onKeyDown}
      data-ready={nodes.length > 0}
    >
      <ActiveContext value={first}>
        <ReactFlow
          nodes={nodes}
          edges={shownEdges}
          nodeTypes={types}
          edgeTypes={EDGE_TYPES}
          minZoom={0.08}
          maxZoom={1.6}
          nodesDraggable={false}
          nodesConnectable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          nodesFocusable={false}
          disableKeyboardA11y
          zoomOnScroll={!isSmall}
          preventScrolling={!isSmall}
          zoomOnDoubleClick={false}
          deleteKeyCode={null}
          selectionKeyCode={null}
        >
          <Background variant={BackgroundVariant.Dots} gap={22} size={1} />
          <Panel position="bottom-left">
            <ZoomButtons />
          </Panel>
          <View placed={placed} focus={focus} look={look} />
        </ReactFlow>
      </ActiveContext>
      {nodes.length ? null : (
        <p className="canvas-wait faint" role="status">
          Drawing…
        </p>
      )}
    </div>
  );
}

/** The nearest box in a direction; sideways distance counts double, so that left and right follow the lines. */
function towards(boxes: readonly Box[], placed: Placed, from: string, [dx, dy]: readonly [number, number]): Box | undefined {
  const middle = ({ id, width, height }: Box): [number, number] => [
    (placed.at[id]?.x ?? 0) + width / 2,
    (placed.at[id]?.y ?? 0) + height / 2,
  ];
  const start = boxes.find((box) => box.id === from);
  if (!start) return undefined;
  const [x, y] = middle(start);
  let best: { box: Box; cost: number } | undefined;
  for (const box of boxes) {
    const [bx, by] = middle(box);
    const [along, aside] = dx ? [(bx - x) * dx, Math.abs(by - y)] : [(by - y) * dy, Math.abs(bx - x)];
    if (along <= 1) continue;
    const cost = along + 2 * aside;
    if (!best || cost < best.cost) best = { box, cost };
  }
  return best?.box;
}

const LEGIBLE = 0.5;
/** Smaller than this nothing can be guessed either: the middle is shown and the rest is reached by moving. */
const SMALLEST = 0.3;

/** Brings what matters into view whenever other boxes were placed. */
function View({ placed, focus, look }: { placed: Placed | undefined; focus: string | undefined; look: readonly string[] | undefined }) {
  const { fitView, setCenter, getNode } = useReactFlow();
  const isMeasured = useNodesInitialized();
  const seen = look?.join(" ");
  useEffect(() => {
    if (!placed || !isMeasured) return;
    const pane = document.querySelector(".canvas");
    const fits = Math.min((pane?.clientWidth ?? 0) / placed.width, (pane?.clientHeight ?? 0) / placed.height) >= LEGIBLE;
    const box = focus ? getNode(focus) : undefined;
    if (seen) void fitView({ nodes: seen.split(" ").map((id) => ({ id })), padding: 0.08, maxZoom: 1, minZoom: 0.8 * LEGIBLE });
    else if (fits || !box) void fitView({ padding: 0.08, maxZoom: 1, minZoom: SMALLEST });
    else void setCenter(box.position.x + (box.width ?? 0) / 2, box.position.y + (box.height ?? 0) / 2, { zoom: 0.7 });
  }, [placed, focus, seen, isMeasured, fitView, setCenter, getNode]);
  return null;
}

function ZoomButtons() {
  const { zoomIn, zoomOut, fitView } = useReactFlow();
  return (
    <div className="zoom" role="group" aria-label="Zoom">
      <button type="button" className="button" onClick={() => void zoomIn()} aria-label="Zoom in">
        +
      </button>
      <button type="button" className="button" onClick={() => void zoomOut()} aria-label="Zoom out">
        −
      </button>
      <button type="button" className="button" onClick={() => void fitView({ padding: 0.08, maxZoom: 1 })} aria-label="Show all">
        <Icon name="target" />
      </button>
    </div>
  );
}
