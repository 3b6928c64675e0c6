/** Who one is to the server, and what one may do there. */

import { useSyncExternalStore } from "react";

export interface Session {
  kind: string;
  name: string;
  scopes: readonly string[];
  csrf: string | null;
  /** Whether one has to log in, to see or to do more. */
  login: boolean;
}

const NOBODY: Session = { kind: "", name: "", scopes: [], csrf: null, login: false };

let known: Session | undefined;
let asking: Promise<Session> | undefined;
/** Nobody is told anything here without a token. */
let isUnknown = false;
const listeners = new Set<() => void>();
const changed = (): void => [...listeners].forEach((one) => one());
const follow = (one: () => void): (() => void) => {
  listeners.add(one);
  return () => listeners.delete(one);
};

const path = (): string => `${document.querySelector<HTMLMetaElement>("meta[name='orc-live']")?.content ?? ""}/session`;

/** Asked once, and again after `forgetSession`. A server that knows no sessions lets nobody do anything. */
export function readSession(): Promise<Session> {
  asking ??= fetch(path(), { cache: "no-store" })
    .then(async (answer) => (answer.ok ? ((await answer.json()) as Session) : NOBODY))
    .catch(() => NOBODY)
    .then((found) => {
      known = found;
      changed();
      return found;
    });
  return asking;
}

export function forgetSession(): void {
  asking = undefined;
}

export const csrf = async (): Promise<string> => (await readSession()).csrf ?? "";

export function unknown(): void {
  if (isUnknown) return;
  isUnknown = true;
  changed();
}

export function useSession(): Session | undefined {
  return useSyncExternalStore(follow, () => {
    if (!asking) void readSession();
    return known;
  });
}

export const useUnknown = (): boolean => useSyncExternalStore(follow, () => isUnknown);

export const may = (session: Session | undefined, scope: "run" | "admin"): boolean =>
  Boolean(session?.csrf && session.scopes.some((one) => one === "admin" || one === scope));

/** With a token in the place of a password. */
export async function login(token: string): Promise<void> {
  const answer = await fetch("/login", {
    method: "POST",
    cache: "no-store",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ token }),
  });
  if (!answer.ok) {
    const told = (await answer.json().catch(() => ({}))) as { error?: string };
    throw new Error(told.error ?? `${answer.status} ${answer.statusText}`);
  }
  if (location.hash.startsWith("#/login")) history.replaceState(null, "", "#/");
  location.reload(); // everything is asked for anew, by somebody who is known now
}

export async function logout(): Promise<void> {
  await fetch("/logout", { method: "POST", cache: "no-store", headers: { "x-csrf-token": await csrf() } });
  location.reload();
}
