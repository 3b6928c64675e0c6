/** A line that keeps clear of boxes: level while it passes a layer, a curve from one layer to the next. */

import { BaseEdge, type Edge, type EdgeProps } from "@xyflow/react";

export type Way = Edge<{ points?: [number, number][]; half?: number }>;

/** Half a box's width before and behind each point the line is level. */
export function wayPath(from: [number, number], points: readonly [number, number][], to: [number, number], half: number): string {
  const parts = [`M${from[0]},${from[1]}`];
  let [x, y] = from;
  const curve = (toX: number, toY: number): void => {
    const bend = Math.max(20, (toX - x) / 2);
    parts.push(`C${x + bend},${y} ${toX - bend},${toY} ${toX},${toY}`);
    [x, y] = [toX, toY];
  };
  for (const [pointX, pointY] of points) {
    curve(pointX - half, pointY);
    parts.push(`L${pointX + half},${pointY}`);
    x = pointX + half;
  }
  curve(to[0], to[1]);
  return parts.join("");
}

export function WayEdge({ id, sourceX, sourceY, targetX, targetY, markerEnd, data }: EdgeProps<Way>) {
  return (
    <BaseEdge
      id={id}
      path={wayPath([sourceX, sourceY], data?.points ?? [], [targetX, targetY], data?.half ?? 0)}
      {...(markerEnd ? { markerEnd } : {})}
    />
  );
}
