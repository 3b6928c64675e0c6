/** The whole project on one screen: nodes folded into their folders, one level at a time. */

import { plural, type Catalogue } from "../catalogue";

export interface Group {
  /** Path of the folder: `models/marts`; for a single node its id. */
  key: string;
  label: string;
  nodes: number[];
  /** Set when the group is one node that lies directly in the folder. */
  node?: number;
  /** Outside of the folder that is shown. */
  outside: boolean;
  /** Where a click leads, when there is something to open. */
  opens?: string;
}

export interface Folded {
  groups: Group[];
  /** Indexes into `groups`; how many connections between their nodes. */
  edges: { from: number; to: number; count: number }[];
}

export const GROUP_CAP = 100;
/** With more sources (or seeds' folders …) than this, they are one group at the top. */
const SPREAD = 24;

/** `models/marts/finance`: the area, then the folders. */
export const pathOf = (catalogue: Catalogue, index: number): string[] => {
  const node = catalogue.nodes[index];
  return node ? [plural(node.kind), ...node.folder] : [];
};

export function fold(catalogue: Catalogue, at: readonly string[], cap = GROUP_CAP): Folded {
  const paths = catalogue.nodes.map((_, index) => pathOf(catalogue, index));
  const spread = spreadAreas(paths);
  const topKey = (path: readonly string[]): string => (spread.has(path[0] ?? "") ? path.slice(0, 2).join("/") : (path[0] ?? ""));
  const isInside = (path: readonly string[]): boolean => at.every((part, depth) => path[depth] === part);
  const direct = paths.filter((path) => at.length > 0 && isInside(path) && path.length === at.length).length;

  const groups = new Map<string, Group>();
  const keyOf = paths.map((path, index) => {
    const inside = at.length > 0 && isInside(path);
    const own = inside && path.length === at.length && direct <= cap;
    const key = own ? (catalogue.nodes[index]?.id ?? "") : inside ? path.slice(0, at.length + 1).join("/") : topKey(path);
    const group = groups.get(key);
    if (group) group.nodes.push(index);
    else
      groups.set(key, {
        key,
        label: labelOf(key, path, inside, own ? catalogue.nodes[index]?.name : undefined),
        nodes: [index],
        outside: at.length > 0 && !inside,
        ...(own ? { node: index } : {}),
      });
    return key;
  });
  for (const group of groups.values()) if (group.node === undefined) group.opens = group.key;

  const kept = keepLargest([...groups.values()], cap);
  const place = new Map<string, number>();
  kept.forEach((group, position) =>
    (group.key === OTHERS ? othersOf(groups, kept) : [group.key]).forEach((key) => place.set(key, position)),
  );

  const counts = new Map<string, number>();
  catalogue.parents.forEach((parents, child) => {
    const to = place.get(keyOf[child] ?? "");
    for (const parent of parents) {
      const from = place.get(keyOf[parent] ?? "");
      if (from === undefined || to === undefined || from === to || (kept[from]?.outside && kept[to]?.outside)) continue;
      counts.set(`${from}>${to}`, (counts.get(`${from}>${to}`) ?? 0) + 1);
    }
  });
  const edges = [...counts].map(([pair, count]) => {
    const [from = 0, to = 0] = pair.split(">").map(Number);
    return { from, to, count };
  });
  return withoutStrangers(kept, edges);
}

const OTHERS = "…";

function labelOf(key: string, path: readonly string[], inside: boolean, name: string | undefined): string {
  if (name !== undefined) return name;
  const parts = key.split("/");
  if (inside) return path.length >= parts.length && parts.length > 0 ? `${parts[parts.length - 1]}` : key;
  return parts.length > 1 && parts[0] === "models" ? parts.slice(1).join("/") : parts.length > 1 ? `${parts[1]} (${parts[0]})` : key;
}

function spreadAreas(paths: readonly (readonly string[])[]): Set<string> {
  const folders = new Map<string, Set<string>>();
  for (const [area = "", folder = ""] of paths) folders.set(area, (folders.get(area) ?? new Set()).add(folder));
  return new Set(
    [...folders].filter(([area, names]) => area === "models" || (names.size <= SPREAD && area === "sources")).map(([area]) => area),
  );
}

function keepLargest(groups: Group[], cap: number): Group[] {
  if (groups.length <= cap) return groups;
  const bySize = [...groups].sort((a, b) => Number(a.outside) - Number(b.outside) || b.nodes.length - a.nodes.length);
  const rest = bySize.slice(cap - 1);
  const others: Group = {
    key: OTHERS,
    label: `${rest.length} more folders`,
    nodes: rest.flatMap((group) => group.nodes),
    outside: rest.every((group) => group.outside),
  };
  return [...bySize.slice(0, cap - 1), others];
}

const othersOf = (groups: ReadonlyMap<string, Group>, kept: readonly Group[]): string[] => {
  const names = new Set(kept.map((group) => group.key));
  return [...groups.keys()].filter((key) => !names.has(key));
};

/** Of what lies outside, only what is connected to the inside is worth a place. */
function withoutStrangers(groups: Group[], edges: Folded["edges"]): Folded {
  const touched = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const kept = groups
    .map((group, position) => (!group.outside || touched.has(position) ? position : -1))
    .filter((position) => position >= 0);
  const moved = new Map(kept.map((position, now) => [position, now]));
  return {
    groups: kept.map((position) => groups[position] as Group),
    edges: edges.map(({ from, to, count }) => ({ from: moved.get(from) ?? 0, to: moved.get(to) ?? 0, count })),
  };
}
