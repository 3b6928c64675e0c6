/** One server and one browser for a file of tests, and how to look at a place in it. */

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { shop } from "../../fixture/shop.mjs";
import { browse, openPage, serve, siteFolder } from "../site.mjs";

export const VALUE = "#/node/model.shop.customer_value";
let shared;

export async function start() {
  const folder = siteFolder(shop());
  return (shared = { folder, server: await serve(folder), browser: await browse() });
}

export async function stop() {
  await shared?.browser.close();
  shared?.server.close();
  if (shared) rmSync(shared.folder, { recursive: true, force: true });
}

/** Opens a place, does something there, and then wants a console without a word, no violation, no request to elsewhere. */
export async function at(hash, act, { file = "", context = shared.browser.context } = {}) {
  const { page, wrong } = await openPage(context, shared.server.url + file + hash);
  page.setDefaultTimeout(8000);
  try {
    await page.waitForSelector("h1");
    await act(page);
    assert.deepEqual(wrong, []);
  } finally {
    await page.close();
  }
}

export const drawn = (page) => page.waitForSelector('.canvas[data-ready="true"] .react-flow__edge', { state: "attached" });
export const texts = (page, selector) => page.locator(selector).allTextContents();
export const place = (page) => page.evaluate(() => location.hash);
