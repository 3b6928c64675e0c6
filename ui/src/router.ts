/** The browser's address as a value that React follows. Plain `<a href="#/…">` links need nothing else. */

import { useMemo, useSyncExternalStore } from "react";
import { changed, formatPlace, parsePlace, type Change, type Place } from "./place";

const MOVED = "placechange";

function follow(tell: () => void): () => void {
  const events = ["hashchange", "popstate", MOVED];
  events.forEach((name) => window.addEventListener(name, tell));
  return () => events.forEach((name) => window.removeEventListener(name, tell));
}

/** Whether the last move was back or forward: then the browser knows where on the page somebody was. */
let isReturn = false;
window.navigation?.addEventListener("navigate", (event) => {
  isReturn = event.navigationType === "traverse";
});
export const cameBack = (): boolean => isReturn;

export function go(place: Place, how: "push" | "replace" = "push"): void {
  const hash = formatPlace(place);
  if (hash === location.hash) return;
  if (how === "push") history.pushState(null, "", hash);
  else history.replaceState(null, "", hash);
  window.dispatchEvent(new Event(MOVED));
}

/** Changes the query of where we are now. */
export const change = (what: Change, how: "push" | "replace" = "push"): void => go(changed(parsePlace(location.hash), what), how);

export function usePlace(): Place {
  const hash = useSyncExternalStore(follow, () => location.hash);
  return useMemo(() => parsePlace(hash), [hash]);
}
