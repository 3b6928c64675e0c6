/** The worker around `Engine`. Names can be searched before columns and descriptions are there. */

import type { SearchFile } from "../data";
import { Engine, type Found, type Named } from "./engine";

export type SearchQuestion =
  | { kind: "names"; nodes: Named[] }
  | { kind: "macros"; names: string[] }
  | { kind: "texts"; file: SearchFile }
  | { kind: "search"; query: string; number: number };

export type SearchAnswer =
  | { kind: "ready"; part: "names" | "macros" | "texts" }
  | { kind: "found"; number: number; query: string; found: Found; milliseconds: number };

const engine = new Engine();
const say = (answer: SearchAnswer): void => self.postMessage(answer);

self.onmessage = ({ data }: MessageEvent<SearchQuestion>) => {
  switch (data.kind) {
    case "names":
      engine.addNames(data.nodes);
      return say({ kind: "ready", part: "names" });
    case "macros":
      engine.addMacros(data.names);
      return say({ kind: "ready", part: "macros" });
    case "texts":
      engine.addColumns(data.file.columns);
      engine.addTexts(data.file.texts);
      return say({ kind: "ready", part: "texts" });
    case "search": {
      const start = performance.now();
      const found = engine.search(data.query);
      return say({ kind: "found", number: data.number, query: data.query, found, milliseconds: performance.now() - start });
    }
  }
};
