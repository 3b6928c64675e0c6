/** Reads the files of `data.ts`: over HTTP next to the page, or from `<script data-file>` elements of a single file. */

import type { Macro, NodeDetail, Project, SearchFile } from "./data";

const inline = (name: string): string | undefined =>
  document.querySelector(`script[data-file="${CSS.escape(name)}"]`)?.textContent ?? undefined;

/** Whether all data stands in this document. */
export const isSingleFile = (): boolean => document.querySelector("script[data-file]") !== null;

async function text(name: string): Promise<string> {
  const here = inline(name);
  if (here !== undefined) return here;
  if (isSingleFile()) throw new Error(`${name} is not in this file`);
  // "no-cache" asks the server whether the file changed: a site that was generated anew shows itself.
  const answer = await fetch(`data/${name}`, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`data/${name}: ${answer.status} ${answer.statusText}`);
  return answer.text();
}

/** A few hundred parsed files are kept: going back is instant, and the memory of a long visit stays bounded. */
const kept = new Map<string, Promise<unknown>>();
const KEPT_FILES = 400;

function json<Shape>(name: string): Promise<Shape> {
  const known = kept.get(name);
  if (known) return known as Promise<Shape>;
  const fresh = text(name).then((found) => JSON.parse(found) as Shape);
  fresh.catch(() => kept.delete(name));
  kept.set(name, fresh);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT_FILES) break;
    if (oldest !== "project.json") kept.delete(oldest);
  }
  return fresh;
}

/** The site was made anew: what was read of the old one is nothing any more. */
export const forget = (): void => kept.clear();

export const readProject = (): Promise<Project> => json<Project>("project.json");
export const readNode = (file: string): Promise<NodeDetail> => json<NodeDetail>(`nodes/${file}.json`);
export const readMacros = (): Promise<Macro[]> => json<Macro[]>("macros.json");
/** Not kept: it is big, and the search worker makes something better of it. */
export const readSearch = (): Promise<SearchFile> => text("search.json").then((found) => JSON.parse(found) as SearchFile);
