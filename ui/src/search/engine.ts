/** Full-text search over one project. Lives in a worker; pure enough to be tested without one. */

import MiniSearch, { type SearchOptions } from "minisearch";
import type { SearchFile } from "../data";

/** Where a hit was found; also the order of the groups. */
export type Area = "name" | "column" | "macro" | "text";

export interface Hit {
  area: Area;
  /** Index of the node, or of the macro. */
  index: number;
  /** Name of the column, or the words around what was found in a description. */
  label?: string;
  /** How many other nodes have a column of this name. */
  others?: number;
}

export interface Found {
  hits: Hit[];
  /** How many there are in each area. */
  totals: Record<Area, number>;
}

export interface Named {
  name: string;
  /** Further words: folder, source, tags. */
  words: string;
}

export const PER_AREA = 8;

/** `Order_itemsV2` → `order`, `items`, `v2`. */
export const tokens = (text: string): string[] =>
  text
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);

/** Names in a row as in `SearchFile.columns`. */
export const columnNames = (row: string): string[] => [...row.matchAll(/"([^"]*)"|(\S+)/g)].map((part) => part[1] ?? part[2] ?? "");

interface Doc {
  id: number;
  name: string;
  words?: string;
}

const index = (fields: string[]): MiniSearch<Doc> => new MiniSearch<Doc>({ fields, tokenize: tokens, processTerm: (term) => term });

/** One letter as a prefix fits almost everything; a wrong letter in a short word makes another word. */
const OPTIONS: SearchOptions = {
  tokenize: tokens,
  processTerm: (term) => term,
  prefix: true,
  combineWith: "AND",
  boost: { name: 4 },
};
const FUZZY: SearchOptions = { ...OPTIONS, fuzzy: (term) => (term.length > 4 ? 0.2 : false) };

export class Engine {
  private readonly names = index(["name", "words"]);
  private readonly macros = index(["name"]);
  private readonly columns = index(["name"]);
  private readonly texts = index(["name"]);
  private columnNames: string[] = [];
  /** Nodes that have the column, as `columnNames`. */
  private columnNodes: number[][] = [];
  private rawTexts: readonly string[] = [];
  private nodeNames: readonly string[] = [];
  private macroNames: readonly string[] = [];

  addNames(nodes: readonly Named[]): void {
    this.nodeNames = nodes.map((node) => node.name.toLowerCase());
    this.names.addAll(nodes.map((node, id) => ({ id, ...node })));
  }

  addMacros(names: readonly string[]): void {
    this.macroNames = names.map((name) => name.toLowerCase());
    this.macros.addAll(names.map((name, id) => ({ id, name })));
  }

  /** Columns of the same name are one entry: projects have many columns and far fewer names. */
  addColumns(rows: SearchFile["columns"]): void {
    const byName = new Map<string, number[]>();
    rows.forEach((row, node) => {
      for (const name of columnNames(row)) {
        const nodes = byName.get(name);
        if (nodes) nodes.push(node);
        else byName.set(name, [node]);
      }
    });
    this.columnNames = [...byName.keys()];
    this.columnNodes = [...byName.values()];
    this.columns.addAll(this.columnNames.map((name, id) => ({ id, name })));
  }

  addTexts(texts: SearchFile["texts"]): void {
    this.rawTexts = texts;
    this.texts.addAll(texts.map((name, id) => ({ id, name })).filter((doc) => doc.name));
  }

  search(query: string): Found {
    const wanted = query.trim();
    const none: Found = { hits: [], totals: { name: 0, column: 0, macro: 0, text: 0 } };
    if (!tokens(wanted).length) return none;
    const names = this.ranked(this.names, wanted, this.nodeNames);
    const columns = this.ranked(this.columns, wanted, this.columnNames);
    const macros = this.ranked(this.macros, wanted, this.macroNames);
    const texts = this.ranked(this.texts, wanted, []);
    const within = columns.length ? [] : this.columnsOf(wanted);
    const hits: Hit[] = [
      ...names.slice(0, PER_AREA).map((index): Hit => ({ area: "name", index })),
      ...columns.slice(0, PER_AREA).map((id): Hit => this.columnHit(id)),
      ...within.slice(0, PER_AREA),
      ...macros.slice(0, PER_AREA).map((index): Hit => ({ area: "macro", index })),
      ...texts.slice(0, PER_AREA).map((index): Hit => ({ area: "text", index, label: around(this.rawTexts[index] ?? "", wanted) })),
    ];
    return { hits, totals: { name: names.length, column: columns.length + within.length, macro: macros.length, text: texts.length } };
  }

  /** `orders.amount`, `orders amount`: columns that the last word finds, of nodes that the words before it find. */
  private columnsOf(wanted: string): Hit[] {
    const [, before = "", last = ""] = /^(.+)[.\s]+([^.\s]+)$/s.exec(wanted) ?? [];
    if (!tokens(before).length || !tokens(last).length) return [];
    const nodes = new Set(this.ranked(this.names, before, this.nodeNames));
    return this.ranked(this.columns, last, this.columnNames).flatMap((id) =>
      (this.columnNodes[id] ?? [])
        .filter((node) => nodes.has(node))
        .map((node): Hit => ({ area: "column", index: node, label: this.columnNames[id] ?? "", others: 0 })),
    );
  }

  private columnHit(id: number): Hit {
    const nodes = this.columnNodes[id] ?? [];
    return { area: "column", index: nodes[0] ?? 0, label: this.columnNames[id] ?? "", others: nodes.length - 1 };
  }

  /** Ids, best first: whole names, then names that begin so, then by score, then names that hold the text inside a word. */
  private ranked(where: MiniSearch<Doc>, wanted: string, names: readonly string[]): number[] {
    const exact = wanted.toLowerCase();
    if (exact.length <= SHORT) return beginning(names, exact);
    let found = where.search(wanted, OPTIONS);
    if (!found.length) found = where.search(wanted, FUZZY);
    const ids = found.map((hit) => hit.id as number);
    if (!names.length) return ids;
    const rank = (id: number): number => {
      const name = (names[id] ?? "").toLowerCase();
      return name === exact ? 0 : name.startsWith(exact) ? 1 : 2;
    };
    const ranks = new Map(ids.map((id) => [id, rank(id)]));
    ids.sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
    const known = new Set(ids);
    if (exact.length > 2) names.forEach((name, id) => !known.has(id) && name.toLowerCase().includes(exact) && ids.push(id));
    return ids;
  }
}

/** So few letters begin a word of very many names and descriptions: too many to weigh. */
const SHORT = 2;

/** Names with a word that begins so: the very name first, then in their order. */
function beginning(names: readonly string[], letters: string): number[] {
  const found = names.flatMap((name, id) => {
    const lower = name.toLowerCase();
    return lower.startsWith(letters) || lower.includes(`_${letters}`) ? id : [];
  });
  const isIt = (id: number): number => Number(names[id]?.toLowerCase() === letters);
  return found.sort((a, b) => isIt(b) - isIt(a));
}

const BEFORE = 30;
const AFTER = 90;

/** The part of a text where the first word of the query stands. */
export function around(text: string, query: string): string {
  const lower = text.toLowerCase();
  const at = Math.max(
    0,
    ...tokens(query)
      .map((word) => lower.indexOf(word))
      .filter((place) => place >= 0)
      .slice(0, 1),
  );
  const from = at > BEFORE ? text.indexOf(" ", at - BEFORE) + 1 : 0;
  const part = text.slice(from, at + AFTER);
  return `${from ? "… " : ""}${part}${at + AFTER < text.length ? " …" : ""}`;
}
