/** Small drawings; each stands beside a word that says the same. */

import type { Kind } from "../data";

const SHAPES: Record<string, string> = {
  model: "M8 1.8 13.5 5v6L8 14.2 2.5 11V5zM2.5 5 8 8.2 13.5 5M8 8.2v6",
  source: "M2.5 4c0-2.6 11-2.6 11 0v8c0 2.6-11 2.6-11 0zM2.5 4c0 2.6 11 2.6 11 0M2.5 8c0 2.6 11 2.6 11 0",
  seed: "M2.5 2.5h11v11h-11zM2.5 6.2h11M2.5 9.9h11M6.5 2.5v11",
  snapshot: "M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2M8 4.6V8l2.4 1.7",
  exposure: "M2.5 13.5h11M4.5 13V9M8 13V3.5M11.5 13V6.5",
  analysis: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 1 0 0-9M10.3 10.3l3.4 3.4",
  macro: "M6 2.5c-3 0-.5 5-3.5 5.5 3 .5.500 5.500 3.500 5.500M10 2.500c3 0 .5 5 3.500 5.500-3 .5-.5 5.500-3.500 5.500",
  folder:
    "M2 4.500c0-1 .5-1.500 1.500-1.500h3l1.500 2h4.500c1 0 1.500.5 1.500 1.500v5c0 1-.5 1.500-1.500 1.500h-9c-1 0-1.500-.5-1.500-1.500z",
  search: "M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 1 0 0-9M10.300 10.300l3.400 3.400",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 1 0 0-6M8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M13.500 9.500A6 6 0 0 1 6.500 2.500 6 6 0 1 0 13.500 9.500z",
  copy: "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3",
  target: "M8 3a5 5 0 1 0 0 10A5 5 0 1 0 8 3M8 1v3M8 12v3M1 8h3M12 8h3",
  right: "M6 3.500 10.500 8 6 12.500",
  down: "M3.500 6 8 10.500 12.500 6",
  close: "M4 4l8 8M12 4l-8 8",
  success: "M3 8.500 6.500 12 13 4.500",
  error: "M4 4l8 8M12 4l-8 8",
  warn: "M8 3v6M8 11.500v1.200",
  skipped: "M3.500 8h9",
  running: "M8 2.500a5.500 5.500 0 1 1-5.500 5.500",
  queued: "M8 4v4.300l2.600 1.600",
  pause: "M5.500 3.500v9M10.500 3.500v9",
  play: "M5 3.200v9.600L12.500 8z",
  retry: "M13 8a5 5 0 1 1-1.500-3.600M13 1.800v3h-3",
  stop: "M4 4h8v8H4z",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2M8 4.6V8l2.4 1.7",
  download: "M8 2.500v7.500M4.500 6.800 8 10.300l3.500-3.500M3 13.500h10",
  key: "M5.500 6a3 3 0 1 0 0 6 3 3 0 1 0 0-6M7.700 7.300 13.500 2.500M11 4.600l2 2.200",
  lock: "M4 7.500h8v6H4zM5.500 7.500v-2a2.500 2.500 0 0 1 5 0v2",
  graph: "M2 6h4v4H2zM10 1.500h4v4h-4zM10 10.500h4v4h-4zM6 8h2M8 3.500v9M8 3.500h2M8 12.500h2",
};

export function Icon({ name, size = 16 }: { name: Kind | (string & {}); size?: number }) {
  return (
    <svg className={`icon icon-${name}`} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={SHAPES[name] ?? SHAPES.model} />
    </svg>
  );
}
