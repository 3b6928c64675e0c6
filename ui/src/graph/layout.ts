/** Places boxes in layers from left to right. */

import { coordGreedy, coordSimplex, decrossTwoLayer, graph, layeringLongestPath, layeringSimplex, sugiyama } from "d3-dag";

export interface Box {
  id: string;
  width: number;
  height: number;
}

export interface Line {
  from: string;
  to: string;
}

export interface Placed {
  /** Left upper corners. */
  at: Record<string, { x: number; y: number }>;
  /** Where a line from one box to another (`from>to`) passes between the boxes of the layers in between. */
  ways: Record<string, [number, number][]>;
  width: number;
  height: number;
}

const GAP_BETWEEN = 26;
const GAP_OF_LAYERS = 72;
/** With more boxes and lines than this the better ways of placing take half a second and more. */
const CAREFUL = 440;

export function layout(boxes: readonly Box[], lines: readonly Line[]): Placed {
  if (!boxes.length) return { at: {}, ways: {}, width: 0, height: 0 };
  const drawing = graph<Box, undefined>();
  const nodes = new Map(boxes.map((box) => [box.id, drawing.node(box)]));
  for (const { from, to } of withoutCircles(
    boxes.map((box) => box.id),
    lines,
  )) {
    const [source, target] = [nodes.get(from), nodes.get(to)];
    if (source && target) drawing.link(source, target, undefined);
  }
  // d3-dag draws downwards: width and height change places.
  const size = ({ data }: { data: Box }): [number, number] => [data.height, data.width];
  const gap: [number, number] = [GAP_BETWEEN, GAP_OF_LAYERS];
  const { width, height } =
    boxes.length + lines.length > CAREFUL
      ? sugiyama().layering(layeringLongestPath()).decross(decrossTwoLayer()).coord(coordGreedy()).nodeSize(size).gap(gap)(drawing)
      : sugiyama().layering(layeringSimplex()).decross(decrossTwoLayer()).coord(coordSimplex()).nodeSize(size).gap(gap)(drawing);
  const at: Placed["at"] = {};
  for (const node of drawing.nodes()) at[node.data.id] = { x: node.y - node.data.width / 2, y: node.x - node.data.height / 2 };
  const ways: Placed["ways"] = {};
  for (const { source, target, points } of drawing.links()) {
    if (points.length > 2) ways[`${source.data.id}>${target.data.id}`] = points.slice(1, -1).map(([x, y]) => [y, x]);
  }
  return { at, ways, width: height, height: width };
}

/** Folders may depend on each other both ways; the lines that close a circle do not take part in placing. */
export function withoutCircles(ids: readonly string[], lines: readonly Line[]): Line[] {
  const after = new Map<string, Line[]>(ids.map((id) => [id, []]));
  for (const line of lines) if (line.from !== line.to) after.get(line.from)?.push(line);
  const state = new Map<string, "open" | "done">();
  const kept: Line[] = [];
  const pairs = new Set<string>();
  for (const root of ids) {
    if (state.has(root)) continue;
    const stack: { id: string; next: number }[] = [{ id: root, next: 0 }];
    state.set(root, "open");
    while (stack.length) {
      const top = stack[stack.length - 1] as { id: string; next: number };
      const line = after.get(top.id)?.[top.next];
      if (!line) {
        state.set(top.id, "done");
        stack.pop();
        continue;
      }
      top.next += 1;
      const seen = state.get(line.to);
      const pair = `${line.from}\n${line.to}`;
      if (seen === "open" || !after.has(line.to) || pairs.has(pair)) continue;
      pairs.add(pair);
      kept.push(line);
      if (!seen) {
        state.set(line.to, "open");
        stack.push({ id: line.to, next: 0 });
      }
    }
  }
  return kept;
}
