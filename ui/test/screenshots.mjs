/**
 * Takes the pictures of docs/screenshots: `node test/screenshots.mjs <folder of a generated site>`, with the demo's site.
 * Uses the site as it is in the folder, so generate it with the assets that are to be shown.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { browse, openPage, serve } from "./site.mjs";

const OUT = join(import.meta.dirname, "../../docs/screenshots");
const node = (name, query = "") => `#/node/model.nyc_flights.${name}${query}`;
/** Name of the picture, place, and colours. */
const PICTURES = [
  ["overview", "#/", "light"],
  ["overview-dark", "#/", "dark"],
  ["model", node("carrier_punctuality", "?column=late_pct"), "light"],
  ["model-dark", node("stg_flights"), "dark"],
  ["code", node("carrier_punctuality", "?tab=code"), "light"],
  ["lineage", node("stg_flights", "?tab=lineage"), "light"],
  ["trace", node("stg_flights", "?tab=lineage&column=arrival_delay"), "light"],
  ["trace-dark", node("carrier_punctuality", "?tab=lineage&column=late_pct"), "dark"],
  ["runs", node("stg_flights", "?tab=runs"), "light"],
  ["search", "#/?find=late", "light"],
  ["list-dark", "#/list?kind=model", "dark"],
  ["tests", node("stg_flights", "?tab=tests"), "light"],
  ["source", "#/node/source.nyc_flights.calendar.us_holidays", "light"],
  ["seed", "#/node/seed.nyc_flights.airports", "light"],
  ["exposure", "#/node/exposure.nyc_flights.punctuality_report", "light"],
  ["macros", "#/macros", "light"],
  ["map", "#/map", "light"],
  ["column", "#/column/late_pct", "light"],
];

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("the folder of a generated site is needed");
mkdirSync(OUT, { recursive: true });
const server = await serve(folder);
for (const colorScheme of ["light", "dark"]) {
  const { context, close } = await browse({ colorScheme, viewport: { width: 1240, height: 780 } });
  for (const [name, hash] of PICTURES.filter(([, , colours]) => colours === colorScheme)) {
    const { page, wrong } = await openPage(context, server.url + hash);
    await page.waitForSelector("h1");
    await page.waitForLoadState("networkidle");
    await page.waitForTimeout(700);
    if (wrong.length) throw new Error(`${name}: ${wrong}`);
    await page.screenshot({ path: join(OUT, `${name}.png`) });
    await page.close();
  }
  await close();
}
server.close();
