/** Values that stay true: asked for once, and again whenever the server says that something is new. */

import { useEffect, useRef, useState } from "react";
import { address, ask, isLive, LoginNeeded } from "./api";

/** Who wants to know that something is new; one stream for the whole page, and only while somebody looks at it. */
const told = new Set<() => void>();
let stream: EventSource | undefined;
let wasAway = false;

function listen(): void {
  const wanted = isLive && told.size > 0 && document.visibilityState === "visible";
  if (wanted && !stream) {
    stream = new EventSource(address("/events"));
    stream.addEventListener("changed", () => tell());
    stream.onopen = () => {
      if (wasAway) tell(); // something may have happened while nobody listened
      wasAway = false;
    };
    stream.onerror = () => {
      wasAway = true;
    };
  } else if (!wanted && stream) {
    stream.close();
    stream = undefined;
    wasAway = true;
  }
}

/** Everybody asks again. */
export const tell = (): void => [...told].forEach((one) => one());

if (isLive) document.addEventListener("visibilitychange", listen);

/** What comes within this many milliseconds is one piece of news. */
const TOGETHER = 150;

/** Calls whenever something is new, soon and then at most once in `pause` milliseconds. */
export function useNews(act: () => void, pause = TOGETHER): void {
  const latest = useRef(act);
  latest.current = act;
  const acted = useRef(0);
  useEffect(() => {
    let timer: number | undefined;
    const hear = (): void => {
      timer ??= window.setTimeout(
        () => {
          timer = undefined;
          acted.current = Date.now();
          latest.current();
        },
        Math.max(TOGETHER, acted.current + pause - Date.now()),
      );
    };
    told.add(hear);
    listen();
    return () => {
      window.clearTimeout(timer);
      told.delete(hear);
      listen();
    };
  }, [pause]);
}

export interface Fresh<Value> {
  value?: Value;
  error?: string;
  again: () => void;
}

/** What a path answers, kept up to date; the old value stays while a new one is asked for. `pause` as for news. */
export function useFresh<Value>(path: string | undefined, pause?: number): Fresh<Value> {
  const [answer, setAnswer] = useState<{ path?: string | undefined; value?: Value; error?: string }>({});
  const count = useRef(0);
  const again = (): void => {
    if (path === undefined) return;
    const number = (count.current += 1);
    ask<Value>(path).then(
      (value) => number === count.current && setAnswer({ path, value }),
      (error: unknown) => {
        if (number !== count.current || error instanceof LoginNeeded) return;
        const why = error instanceof TypeError ? "orc serve does not answer" : error instanceof Error ? error.message : String(error);
        setAnswer((before) => ({ path, ...(before.path === path && before.value ? { value: before.value } : {}), error: why }));
      },
    );
  };
  useEffect(() => {
    again();
    return () => {
      count.current += 1;
    };
    // `again` is made of the path alone.
    // eslint-disable-next-line
  }, [path]);
  useNews(again, pause);
  const current = answer.path === path ? answer : {};
  return { ...("value" in current ? { value: current.value as Value } : {}), ...(current.error ? { error: current.error } : {}), again };
}

/** The time, once a second, while something on the page grows older with it. */
export function useNow(isNeeded = true): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!isNeeded) return undefined;
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [isNeeded]);
  return now;
}
