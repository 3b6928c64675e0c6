/** A run that goes on while somebody looks at it: asked for once, then event by event, and again when it is over. */

import { useEffect, useReducer, useRef, useState } from "react";
import { address, ask, LoginNeeded, part } from "./api";
import { useNews } from "./hooks";
import { applied } from "./run-state";
import type { LogLine, RunEvent, RunTold } from "./shapes";

export interface Watched {
  told?: RunTold;
  error?: string;
  /** Lines of its log since it was opened. */
  lines: readonly LogLine[];
  again: () => void;
}

type Change = { kind: "whole"; told: RunTold } | { kind: "events"; events: RunEvent[] } | { kind: "gone" };

function change(told: RunTold | undefined, next: Change): RunTold | undefined {
  if (next.kind === "whole") return next.told;
  if (next.kind === "gone" || !told) return undefined;
  return next.events.reduce(applied, told);
}

/** Events come in heaps: a page that drew after each would do nothing else. */
const TOGETHER = 100;
const KEPT = 5000;

export function useRun(id: string): Watched {
  const [told, tell] = useReducer(change, undefined);
  const [error, setError] = useState<string>();
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  const count = useRef(0);
  const again = (): void => {
    const number = (count.current += 1);
    ask<RunTold>(`/runs/${part(id)}`).then(
      (found) => {
        if (number !== count.current) return;
        setError(undefined);
        tell({ kind: "whole", told: found });
      },
      (why: unknown) =>
        number === count.current && !(why instanceof LoginNeeded) && setError(why instanceof Error ? why.message : String(why)),
    );
  };
  useEffect(() => {
    setLines([]);
    tell({ kind: "gone" });
    again();
    return () => {
      count.current += 1;
    };
    // `again` is made of the id alone.
    // eslint-disable-next-line
  }, [id]);

  const status = told?.run.status;
  const full = told?.run.id;
  useNews(() => {
    if (status === "queued") again(); // it may have begun
  });
  useEffect(() => {
    if (status !== "running" || !full) return undefined;
    const stream = new EventSource(address(`/runs/${part(full)}/events?after=${told?.sequence ?? -1}`));
    let heap: RunEvent[] = [];
    let timer: number | undefined;
    const pour = (): void => {
      timer = undefined;
      const events = heap;
      heap = [];
      tell({ kind: "events", events });
      const said = events.flatMap((event) => event.line ?? []);
      if (said.length) setLines((before) => [...before, ...said].slice(-KEPT));
      if (events.some((event) => event.status === "error" || event.status === "fail")) again(); // with the evidence
    };
    const hear = (event: MessageEvent<string>): void => {
      heap.push(JSON.parse(event.data) as RunEvent);
      timer ??= window.setTimeout(pour, TOGETHER);
    };
    for (const kind of ["run", "node", "note"]) stream.addEventListener(kind, hear);
    stream.addEventListener("end", () => {
      stream.close();
      again();
    });
    return () => {
      stream.close();
      window.clearTimeout(timer);
    };
    // The stream goes on from what was known when it was opened.
    // eslint-disable-next-line
  }, [status, full]);
  return { ...(told ? { told } : {}), ...(error ? { error } : {}), lines, again };
}
