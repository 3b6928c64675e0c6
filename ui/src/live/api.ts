/** Asks `orc serve`, when it is what serves this page. */

import { csrf, forgetSession, readSession, unknown } from "./session";

const META = "meta[name='orc-live']";
const BASE = document.querySelector<HTMLMetaElement>(META)?.content;

/** Whether there is somebody to ask: the static site has no such pages. */
export const isLive = BASE !== undefined;

/** Nobody may ask here without saying who they are. */
export class LoginNeeded extends Error {}

/** A refusal, with its status. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function said(answer: Response): Promise<unknown> {
  const body: unknown = answer.headers.get("content-type")?.includes("json") ? await answer.json() : await answer.text();
  if (answer.ok) return body;
  const why = typeof body === "object" && body && "error" in body ? String(body.error) : `${answer.status} ${answer.statusText}`;
  if (answer.status === 401) {
    if ((await readSession()).scopes.includes("read")) throw new Refused(401, "This is for those who log in.");
    unknown();
    throw new LoginNeeded(why);
  }
  throw new Refused(answer.status, why);
}

export const address = (path: string): string => `${BASE ?? ""}${path}`;

export const ask = async <Shape>(path: string): Promise<Shape> =>
  (await said(await fetch(address(path), { cache: "no-store", headers: { accept: "application/json" } }))) as Shape;

/** A wish. It comes with what only a page of ours knows; a server that was begun anew wants another, which is asked for once. */
export async function wish<Shape>(path: string, body: Readonly<Record<string, unknown>> = {}): Promise<Shape> {
  const send = async (): Promise<Response> =>
    fetch(address(path), {
      method: "POST",
      cache: "no-store",
      headers: { "content-type": "application/json", accept: "application/json", "x-csrf-token": await csrf() },
      body: JSON.stringify(body),
    });
  let answer = await send();
  if (answer.status === 403) {
    forgetSession();
    answer = await send();
  }
  return (await said(answer)) as Shape;
}

export const part = (text: string): string => encodeURIComponent(text);
