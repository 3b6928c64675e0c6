/** Search as a React hook: one worker for the whole visit, fed when somebody opens the search for the first time. */

import { useEffect, useState } from "react";
import { folderOf, type Catalogue } from "../catalogue";
import type { Macro } from "../data";
import { readMacros, readSearch } from "../source";
import { startWorker } from "../workers";
import type { Found } from "./engine";
import type { SearchAnswer, SearchQuestion } from "./search.worker";

export interface SearchState {
  /** The query that `found` answers. */
  query: string;
  found?: Found;
  milliseconds?: number;
  macros: readonly Macro[];
  /** Whether columns and descriptions can be searched already. */
  isReady: boolean;
}

let worker: Worker | undefined;
let asked = 0;
let state: SearchState = { query: "", macros: [], isReady: false };
const listeners = new Set<(state: SearchState) => void>();

const tell = (part: Partial<SearchState>): void => {
  state = { ...state, ...part };
  listeners.forEach((listener) => listener(state));
};
const ask = (question: SearchQuestion): void => worker?.postMessage(question);

function start(catalogue: Catalogue): void {
  if (worker) return;
  worker = startWorker("search");
  let latest = "";
  worker.onmessage = ({ data }: MessageEvent<SearchAnswer>) => {
    if (data.kind === "found") {
      if (data.number !== asked) return; // somebody typed on
      latest = data.query;
      tell({ query: data.query, found: data.found, milliseconds: data.milliseconds });
    } else {
      if (data.part === "texts") tell({ isReady: true });
      if (latest) search(latest); // there is more to find now
    }
  };
  ask({
    kind: "names",
    nodes: catalogue.nodes.map((node) => ({ name: node.name, words: `${folderOf(node)} ${node.kind} ${node.tags?.join(" ") ?? ""}` })),
  });
  const nothing = (): void => tell({ isReady: true });
  readMacros().then((macros) => {
    tell({ macros });
    ask({ kind: "macros", names: macros.map((macro) => macro.name) });
  }, nothing);
  readSearch().then((file) => ask({ kind: "texts", file }), nothing);
}

function search(query: string): void {
  asked += 1;
  ask({ kind: "search", query, number: asked });
}

export function useSearch(catalogue: Catalogue, query: string): SearchState {
  const [seen, setSeen] = useState(state);
  useEffect(() => {
    listeners.add(setSeen);
    start(catalogue);
    return () => void listeners.delete(setSeen);
  }, [catalogue]);
  useEffect(() => search(query), [query]);
  return seen;
}
