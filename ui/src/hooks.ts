/** What pages ask for, as React hooks. */

import { createContext, useContext, useEffect, useMemo, useState } from "react";
import type { Catalogue } from "./catalogue";
import type { Macro, NodeDetail } from "./data";
import { trace, type Spot, type Trace } from "./graph/trace";
import { readMacros, readNode } from "./source";

export const CatalogueContext = createContext<Catalogue | null>(null);

export function useCatalogue(): Catalogue {
  const found = useContext(CatalogueContext);
  if (!found) throw new Error("no project above this component");
  return found;
}

export interface Answer<Value> {
  value?: Value;
  error?: string;
}

/** The value of a promise that depends on `key`; a late answer to an older key is dropped. */
export function useAnswer<Value>(key: string | undefined, ask: (key: string) => Promise<Value>): Answer<Value> {
  const [answer, setAnswer] = useState<{ key?: string } & Answer<Value>>({});
  useEffect(() => {
    if (key === undefined) return undefined;
    let current = true;
    ask(key).then(
      (value) => current && setAnswer({ key, value }),
      (error: unknown) => current && setAnswer({ key, error: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      current = false;
    };
    // `ask` is one of the functions of source.ts and never changes.
    // eslint-disable-next-line
  }, [key]);
  return answer.key === key ? answer : {};
}

export const useNode = (file: string | undefined): Answer<NodeDetail> => useAnswer(file, readNode);
export const useMacros = (): Answer<Macro[]> => useAnswer("macros", readMacros);

/** Details of many nodes; grows as they come in. What cannot be read counts as empty, so that a trace ends. */
export function useDetails(wanted: readonly number[]): ReadonlyMap<number, NodeDetail> {
  const { nodes } = useCatalogue();
  const [details, setDetails] = useState<ReadonlyMap<number, NodeDetail>>(new Map());
  const key = wanted.filter((node) => !details.has(node)).join(",");
  useEffect(() => {
    if (!key) return undefined;
    let current = true;
    const asked = key.split(",").map(Number);
    const read = async (index: number): Promise<[number, NodeDetail]> => {
      const node = nodes[index];
      const empty: NodeDetail = { id: node?.id ?? "", index, columns: [] };
      return [index, node ? await readNode(node.file).catch(() => empty) : empty];
    };
    void Promise.all(asked.map(read)).then((found) => current && setDetails((before) => new Map([...before, ...found])));
    return () => {
      current = false;
    };
  }, [key, nodes]);
  return details;
}

/** Traces a column and fetches what it passes through, ring by ring. */
export function useTrace(start: Spot | undefined): { found?: Trace; isComplete: boolean; details: ReadonlyMap<number, NodeDetail> } {
  const [wanted, setWanted] = useState<readonly number[]>([]);
  const details = useDetails(wanted);
  const [node, column] = [start?.node, start?.column];
  const found = useMemo(
    () => (node === undefined || column === undefined ? undefined : trace({ node, column }, (index) => details.get(index))),
    [node, column, details],
  );
  const missing = found?.missing.join(",") ?? "";
  useEffect(() => {
    if (missing) setWanted((before) => [...new Set([...before, ...missing.split(",").map(Number)])]);
  }, [missing]);
  return { ...(found ? { found } : {}), isComplete: !missing, details };
}

/** Title of the page, for the tab, history and screen readers. */
export function useTitle(title: string): void {
  const { name } = useCatalogue().project;
  useEffect(() => {
    document.title = title === name ? name : `${title} · ${name}`;
  }, [title, name]);
}
