/** The way of one column through the project, up to its origins and down to all that is made of it. */

import type { NodeDetail, RowUse, ValueUse } from "../data";

/** A column of a node. */
export interface Spot {
  node: number;
  column: string;
}

/** One step of the way, in the direction the values flow. */
export interface Hop {
  from: Spot;
  to: Spot;
  use: ValueUse;
  /** What makes `to` in its node's query, when it is known. */
  expression?: string | undefined;
  /** Steps from the traced column: negative above it, positive below. */
  distance: number;
}

export interface RowHop {
  from: Spot;
  node: number;
  use: RowUse;
}

export interface Trace {
  start: Spot;
  hops: Hop[];
  /** Nodes whose rows the traced column, or one made of it, decides about. */
  rows: RowHop[];
  /** Nodes whose details are needed to say more. */
  missing: number[];
  /** Why the way ends where it does, for columns whose origins are not known. */
  unknown: { spot: Spot; reason: string }[];
  /** Whether it was cut off because it passes through too many nodes. */
  capped: boolean;
}

export const spotKey = (spot: Spot): string => `${spot.node}:${spot.column}`;

export const TRACE_CAP = 150;

/** `detailOf` answers with what is there already; ask again when the `missing` ones have come. */
export function trace(start: Spot, detailOf: (node: number) => NodeDetail | undefined, cap = TRACE_CAP): Trace {
  const found: Trace = { start, hops: [], rows: [], missing: [], unknown: [], capped: false };
  const nodes = new Set<number>([start.node]);
  const missing = new Set<number>();
  const steps = new Set<string>();

  const columnOf = ({ node, column }: Spot) => {
    const detail = detailOf(node);
    if (!detail) missing.add(node);
    return detail?.columns.find((one) => one.name === column);
  };
  const enter = (spot: Spot): boolean => {
    if (!nodes.has(spot.node) && nodes.size >= cap) {
      found.capped = true;
      return false;
    }
    nodes.add(spot.node);
    return true;
  };
  const walk = (way: "from" | "to"): void => {
    const seen = new Set([spotKey(start)]);
    let ring: Spot[] = [start];
    for (let distance = 1; ring.length; distance += 1) {
      const next: Spot[] = [];
      for (const spot of ring) {
        const column = columnOf(spot);
        if (way === "from" && column?.unknown) found.unknown.push({ spot, reason: column.unknown });
        if (way === "to") for (const [node, , use] of column?.rows ?? []) found.rows.push({ from: spot, node, use });
        for (const [node, name, use] of column?.[way] ?? []) {
          const other = { node, column: name };
          if (!enter(other)) continue;
          const [from, to] = way === "from" ? [other, spot] : [spot, other];
          const step = `${spotKey(from)}>${spotKey(to)}`;
          if (!steps.has(step)) {
            steps.add(step);
            found.hops.push({ from, to, use, expression: columnOf(to)?.expression, distance: way === "from" ? -distance : distance });
          }
          if (seen.has(spotKey(other))) continue;
          seen.add(spotKey(other));
          next.push(other);
        }
      }
      ring = next;
    }
  };
  walk("from");
  walk("to");
  found.missing = [...missing];
  found.hops.sort((a, b) => a.distance - b.distance);
  return found;
}

/** The columns on the way by node, each with how it is made of the ones before it: `renamed`, `aggregated, window`, or nothing. */
export function tracedColumns(found: Trace): Map<number, Map<string, string>> {
  const columns = new Map<number, Map<string, string>>();
  const add = ({ node, column }: Spot, use: string): void => {
    const known = columns.get(node) ?? new Map<string, string>();
    const uses = known.get(column)?.split(", ").filter(Boolean) ?? [];
    known.set(column, (uses.includes(use) || !use ? uses : [...uses, use]).join(", "));
    columns.set(node, known);
  };
  add(found.start, "");
  for (const hop of found.hops) {
    add(hop.from, "");
    add(hop.to, hop.use);
  }
  return columns;
}
