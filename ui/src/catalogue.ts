/** The project as the pages ask about it: links in both directions, names, folders. */

import type { Kind, NodeSummary, Project, Status } from "./data";

export interface Catalogue {
  project: Project;
  nodes: readonly NodeSummary[];
  parents: readonly (readonly number[])[];
  children: readonly (readonly number[])[];
  byId: ReadonlyMap<string, number>;
}

export function catalogue(project: Project): Catalogue {
  const nodes = project.nodes;
  const children: number[][] = nodes.map(() => []);
  nodes.forEach((node, index) => node.parents?.forEach((parent) => children[parent]?.push(index)));
  return {
    project,
    nodes,
    parents: nodes.map((node) => node.parents ?? []),
    children,
    byId: new Map(nodes.map((node, index) => [node.id, index])),
  };
}

export const KINDS: readonly Kind[] = ["model", "source", "seed", "snapshot", "exposure", "analysis"];
export const STATUSES: readonly Status[] = ["success", "warn", "error", "skipped"];

const PLURALS: Record<Kind, string> = {
  model: "models",
  source: "sources",
  seed: "seeds",
  snapshot: "snapshots",
  exposure: "exposures",
  analysis: "analyses",
};
export const plural = (kind: Kind): string => PLURALS[kind];

/** `marts/finance`, or the kind's name where there is no folder. */
export const folderOf = (node: NodeSummary): string => (node.folder.length ? node.folder.join("/") : plural(node.kind));

/** As people call it: a source's table with its source. */
export const titleOf = (node: NodeSummary): string =>
  node.kind === "source" && node.folder[0] ? `${node.folder[0]}.${node.name}` : node.name;

export interface Filter {
  kind?: string | undefined;
  tag?: string | undefined;
  status?: string | undefined;
  /** A folder with all below it: `marts` or `marts/finance`. */
  folder?: string | undefined;
  /** Part of a name, any case. */
  text?: string | undefined;
}

export const isFiltering = (filter: Filter): boolean => Boolean(filter.kind || filter.tag || filter.status || filter.folder || filter.text);

export function passes(node: NodeSummary, filter: Filter): boolean {
  if (filter.kind && node.kind !== filter.kind) return false;
  if (filter.tag && !node.tags?.includes(filter.tag)) return false;
  if (filter.status && (node.status ?? "none") !== filter.status) return false;
  if (filter.folder && !`${folderOf(node)}/`.startsWith(`${filter.folder}/`)) return false;
  return !filter.text || titleOf(node).toLowerCase().includes(filter.text.toLowerCase());
}

/** Every tag with how many nodes have it, by name. */
export function tagsOf(nodes: readonly NodeSummary[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const node of nodes) for (const tag of node.tags ?? []) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a.localeCompare(b));
}

export const hasTrouble = (node: NodeSummary): boolean => node.status === "error" || node.status === "warn";
