/** The graph around one node: who feeds it, who reads it, and the way of one column through it all. */

import type { Edge } from "@xyflow/react";
import { useMemo } from "react";
import { isFiltering, passes, type Catalogue, type Filter } from "../catalogue";
import type { Column, NodeDetail } from "../data";
import { useCatalogue, useDetails, useTrace } from "../hooks";
import { filterOf, Filters } from "../parts/filters";
import { counted } from "../parts/format";
import { listOf, nodePlace, textOf, type Place } from "../place";
import { change } from "../router";
import { ARROW, Canvas, type Drawn } from "./canvas";
import { heightOf, ModelBox, ROWS, WIDTH, type ModelContent } from "./model-box";
import { bridges, neighbourhood, type Around, type Bridge } from "./neighbourhood";
import { spotKey, tracedColumns, type Trace } from "./trace";
import { LineageTable } from "./lineage-table";
import { TracePanel } from "./trace-panel";

const TYPES = { model: ModelBox };
const DEPTHS = [0, 1, 2, 3, 4, 5, 10];
const NORMAL_DEPTH = 2;

const depthOf = (text: string | undefined): number =>
  Math.min(50, Math.max(0, Number.parseInt(text ?? "", 10) || (text === "0" ? 0 : NORMAL_DEPTH)));

/** `model.shop.orders.up`: a node and the side that was asked to grow. */
function grownOf({ byId }: Catalogue, text: string | undefined): Around["grown"] {
  return listOf(text).flatMap((item) => {
    const cut = item.lastIndexOf(".");
    const node = byId.get(item.slice(0, cut));
    const way = item.slice(cut + 1);
    return node !== undefined && (way === "up" || way === "down") ? [{ node, way }] : [];
  });
}

export function Lineage({ place, focus }: { place: Place; focus: number }) {
  const known = useCatalogue();
  const { nodes, byId } = known;
  const { query } = place;
  const column = query.column;
  const { found, isComplete, details: traced } = useTrace(column ? { node: focus, column } : undefined);
  const columns = useMemo(() => (found && column ? tracedColumns(found) : undefined), [found, column]);

  const [up, down] = [depthOf(query.up), depthOf(query.down)];
  const grown = useMemo(() => grownOf(known, query.grow), [known, query.grow]);
  const around = useMemo(
    () => neighbourhood(known, { focus, up, down, grown, keep: [...(columns?.keys() ?? [])] }),
    [known, focus, up, down, grown, columns],
  );

  const filter: Filter = filterOf({ ...place, query: { ...query, q: "", folder: "" } });
  const filterKey = JSON.stringify(filter);
  const visible = useMemo(
    () => new Set(around.shown.filter((node) => node === focus || columns?.has(node) || (nodes[node] && passes(nodes[node], filter)))),
    [around, focus, columns, nodes, filterKey],
  );
  const links = useMemo(() => bridges(known, around.shown, visible), [known, around, visible]);

  const open = useMemo(() => new Set(listOf(query.open).flatMap((id) => byId.get(id) ?? [])), [query.open, byId]);
  const opened = useDetails(useMemo(() => [...open], [open]));
  const drawn = useMemo(
    () =>
      [...visible].map((node) =>
        boxOf(known, node, {
          place,
          focus,
          open,
          columns,
          detail: opened.get(node) ?? (columns?.has(node) ? traced.get(node) : undefined),
          hidden: around.hidden.get(node),
        }),
      ),
    [known, visible, place, focus, open, columns, opened, traced, around],
  );
  const rows = useMemo(() => new Map(drawn.map((box) => [box.id, new Set(box.content.columns.map((one) => one.name))])), [drawn]);
  const edges = useMemo(() => edgesOf(known, links, column ? found : undefined, rows), [known, links, column, found, rows]);
  const lines = useMemo(() => links.map(({ from, to }) => ({ from: nodes[from]?.id ?? "", to: nodes[to]?.id ?? "" })), [links, nodes]);
  const look = useMemo(() => (columns ? [...columns.keys()].map((node) => nodes[node]?.id ?? "") : undefined), [columns, nodes]);

  const isTable = query.view === "table";
  return (
    <div className="lineage">
      <div className="row lineage-bar">
        <Depth label="Up" name="up" value={up} />
        <Depth label="Down" name="down" value={down} />
        <Filters place={{ ...place, query: { ...query, q: "", folder: "" } }} nodes={nodes} />
        <span className="spread" />
        <button type="button" className="button" aria-pressed={isTable} onClick={() => change({ view: isTable ? undefined : "table" })}>
          As a table
        </button>
      </div>
      <p className="faint small" role="status">
        {counted(visible.size, "node")}
        {isFiltering(filter) ? ` of ${around.shown.length}` : ""}
        {around.capped ? ", as many as fit: narrow it down or go on from another node" : ""}
        {column ? ` · tracing ${column}${isComplete ? "" : " …"}` : ""}
      </p>
      <div className={column ? "lineage-split" : ""}>
        {isTable ? (
          <LineageTable visible={visible} focus={focus} />
        ) : (
          <Canvas
            label={`Lineage of ${nodes[focus]?.name ?? ""}`}
            drawn={drawn}
            edges={edges}
            lines={lines}
            types={TYPES}
            focus={nodes[focus]?.id}
            look={look}
          />
        )}
        {column && found ? <TracePanel found={found} isComplete={isComplete} /> : null}
      </div>
    </div>
  );
}

function Depth({ label, name, value }: { label: string; name: string; value: number }) {
  const options = DEPTHS.includes(value) ? DEPTHS : [...DEPTHS, value].sort((a, b) => a - b);
  return (
    <label>
      {label}{" "}
      <select
        value={value}
        onChange={(event) => change({ [name]: event.target.value === String(NORMAL_DEPTH) ? undefined : event.target.value })}
      >
        {options.map((depth) => (
          <option key={depth} value={depth}>
            {depth}
          </option>
        ))}
      </select>
    </label>
  );
}

interface Setting {
  place: Place;
  focus: number;
  open: ReadonlySet<number>;
  columns: ReadonlyMap<number, ReadonlyMap<string, string>> | undefined;
  detail: NodeDetail | undefined;
  hidden: { up: number; down: number } | undefined;
}

function boxOf({ nodes }: Catalogue, index: number, { place, focus, open, columns, detail, hidden }: Setting): Drawn<ModelContent> {
  const node = nodes[index];
  if (!node) throw new Error(`node ${index} is not in the project`);
  const traced = columns?.get(index);
  const isOpen = open.has(index);
  const shown = rowsOf(detail?.columns ?? [], isOpen, traced);
  const remainder = isOpen && detail ? detail.columns.length - shown.length : 0;
  const { query } = place;
  const toggled = isOpen ? listOf(query.open).filter((id) => id !== node.id) : [...listOf(query.open), node.id];
  return {
    id: node.id,
    type: "model",
    width: WIDTH,
    height: heightOf(shown.length, remainder),
    content: {
      node,
      columns: shown,
      remainder,
      traced,
      isOpen,
      isFocus: index === focus,
      isDim: Boolean(columns && !traced),
      hidden: hidden ?? { up: 0, down: 0 },
      href: nodePlace(node.id, { tab: "lineage", ...(query.up ? { up: query.up } : {}), ...(query.down ? { down: query.down } : {}) }),
      onToggle: () => change({ open: textOf(toggled) }),
      onGrow: (way) => change({ grow: textOf([...listOf(query.grow), `${node.id}.${way}`]) }),
      onColumn: (name) =>
        index === focus
          ? change({ column: query.column === name ? undefined : name })
          : (location.hash = nodePlace(node.id, { tab: "lineage", column: name })),
    },
  };
}

/** Of an open node the first columns, and traced ones in any case. */
function rowsOf(columns: readonly Column[], isOpen: boolean, traced: ReadonlyMap<string, string> | undefined): readonly Column[] {
  if (!isOpen) return traced ? columns.filter((column) => traced.has(column.name)) : [];
  return columns.filter((column, position) => position < ROWS || traced?.has(column.name));
}

function edgesOf(
  { nodes }: Catalogue,
  links: readonly Bridge[],
  found: Trace | undefined,
  rows: ReadonlyMap<string, ReadonlySet<string>>,
): Edge[] {
  const id = (index: number): string => nodes[index]?.id ?? "";
  const between = links.map(({ from, to, through }): Edge => ({
    id: `${id(from)}>${id(to)}`,
    source: id(from),
    target: id(to),
    sourceHandle: "out",
    targetHandle: "in",
    className: `${through ? "edge-bridge" : ""}${found ? " edge-dim" : ""}`,
    markerEnd: ARROW,
    ...(through ? { ariaLabel: `over ${counted(through, "hidden node")}` } : {}),
  }));
  if (!found) return between;
  const traced = found.hops.flatMap(({ from, to, use }): Edge[] => {
    const [source, target] = [id(from.node), id(to.node)];
    if (!rows.get(source)?.has(from.column) || !rows.get(target)?.has(to.column)) return [];
    return [
      {
        id: `${spotKey(from)}>${spotKey(to)}`,
        source,
        target,
        sourceHandle: `out:${from.column}`,
        targetHandle: `in:${to.column}`,
        className: `edge-traced use-${use}`,
        zIndex: 1,
      },
    ];
  });
  return [...between, ...traced];
}
