/** Which nodes of a large graph to show around one: `2+model+2`, never more than fit a screen. */

export interface Links {
  parents: readonly (readonly number[])[];
  children: readonly (readonly number[])[];
}

export interface Around {
  focus: number;
  up: number;
  down: number;
  /** Nodes all of whose parents (`up`) or children (`down`) were asked for, in the order they were asked. */
  grown: readonly { node: number; way: "up" | "down" }[];
  /** Nodes to show whatever the distance: those a traced column passes through. */
  keep: readonly number[];
}

export interface Neighbourhood {
  /** In the order they were found: nearest first. */
  shown: number[];
  /** How many direct neighbours of a shown node are not shown. */
  hidden: Map<number, { up: number; down: number }>;
  /** Whether the cap, and not the distance, ended it. */
  capped: boolean;
}

export const CAP = 150;
/** How many neighbours on one side of one node are shown before somebody asks for more. */
export const FAN = 24;

export function neighbourhood(links: Links, around: Around, cap = CAP, fan = FAN): Neighbourhood {
  const shown = new Set<number>([around.focus]);
  let capped = false;
  const add = (nodes: readonly number[]): number[] => {
    const added: number[] = [];
    for (const node of nodes) {
      if (shown.has(node)) continue;
      if (shown.size >= cap) {
        capped = true;
        break;
      }
      shown.add(node);
      added.push(node);
    }
    return added;
  };
  add(around.keep);
  let above = [around.focus];
  let below = [around.focus];
  for (let distance = 1; distance <= Math.max(around.up, around.down); distance += 1) {
    above = distance > around.up ? [] : above.flatMap((node) => add((links.parents[node] ?? []).slice(0, fan)));
    below = distance > around.down ? [] : below.flatMap((node) => add((links.children[node] ?? []).slice(0, fan)));
  }
  for (const { node, way } of around.grown) if (shown.has(node)) add((way === "up" ? links.parents : links.children)[node] ?? []);

  const hidden = new Map<number, { up: number; down: number }>();
  for (const node of shown) {
    const unseen = (side: readonly number[] | undefined): number => (side ?? []).filter((other) => !shown.has(other)).length;
    const count = { up: unseen(links.parents[node]), down: unseen(links.children[node]) };
    if (count.up || count.down) hidden.set(node, count);
  }
  return { shown: [...shown], hidden, capped };
}

/** A connection between visible nodes; `through` counts the invisible nodes that a bridge passes over. */
export interface Bridge {
  from: number;
  to: number;
  through: number;
}

/** Connections among `visible`; where only nodes of `shown` that are not visible lie between two of them, a bridge. */
export function bridges(links: Links, shown: readonly number[], visible: ReadonlySet<number>): Bridge[] {
  const inside = new Set(shown);
  const found: Bridge[] = [];
  for (const to of visible) {
    const reached = new Set<number>();
    let ring = (links.parents[to] ?? []).filter((parent) => inside.has(parent));
    for (let through = 0; ring.length; through += 1) {
      const next: number[] = [];
      for (const node of ring) {
        if (reached.has(node)) continue;
        reached.add(node);
        if (visible.has(node)) found.push({ from: node, to, through });
        else next.push(...(links.parents[node] ?? []).filter((parent) => inside.has(parent)));
      }
      ring = next;
    }
  }
  return found;
}

/** All nodes above (or below) one, nearest first, without itself. */
export function reach(sides: readonly (readonly number[])[], start: number): number[] {
  const found = new Set<number>([start]);
  for (const node of found) for (const next of sides[node] ?? []) found.add(next);
  found.delete(start);
  return [...found];
}
