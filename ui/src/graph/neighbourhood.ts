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
  const nearest = near(links, around, cap, fan);
  const known = new Set([...nearest, ...around.keep]);
  const asked: number[] = [];
  for (const { node, way } of around.grown) {
    if (!known.has(node)) continue;
    asked.push(node, ...((way === "up" ? links.parents : links.children)[node] ?? []));
    asked.forEach((one) => known.add(one));
  }
  // What somebody asked for goes before what is merely near.
  const wanted = [...new Set([around.focus, ...around.keep, ...asked, ...nearest])];
  const capped = wanted.length > cap;
  const shown = new Set(wanted.slice(0, cap));

  const hidden = new Map<number, { up: number; down: number }>();
  for (const node of shown) {
    const unseen = (side: readonly number[] | undefined): number => (side ?? []).filter((other) => !shown.has(other)).length;
    const count = { up: unseen(links.parents[node]), down: unseen(links.children[node]) };
    if (count.up || count.down) hidden.set(node, count);
  }
  return { shown: [...shown], hidden, capped };
}

/** Ancestors and descendants up to their distance, nearest first; one more than fit is enough to know that not all fit. */
function near(links: Links, { focus, up, down }: Around, cap: number, fan: number): number[] {
  const found = new Set<number>([focus]);
  const ring = (nodes: readonly number[], side: Links["parents"]): number[] => {
    const next: number[] = [];
    for (const node of nodes) {
      for (const other of (side[node] ?? []).slice(0, fan)) {
        if (found.size > cap) return next;
        if (!found.has(other)) next.push(other);
        found.add(other);
      }
    }
    return next;
  };
  let above = [focus];
  let below = [focus];
  for (let distance = 1; distance <= Math.max(up, down) && (above.length || below.length); distance += 1) {
    above = distance > up ? [] : ring(above, links.parents);
    below = distance > down ? [] : ring(below, links.children);
  }
  return [...found];
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
