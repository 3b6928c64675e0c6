/**
 * Takes the pictures of the live pages for docs/screenshots: `node test/screenshots-live.mjs [folder]`, with the demo project of this
 * repository, some runs of it, and one that goes on. Needs a Python that has what the repository needs (ORC_PYTHON).
 */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { serveProject } from "./orc.mjs";
import { browse, openPage } from "./site.mjs";

const ROOT = join(import.meta.dirname, "../..");
const OUT = process.argv[2] ?? join(ROOT, "docs/screenshots");
const demo = ["models", "macros", "seeds", "tests/assertions", "pyproject.toml", "profiles.yml", "README.md"].flatMap((top) =>
  /\.\w+$/.test(top)
    ? [top]
    : readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })
        .filter((one) => one.isFile() && !one.parentPath.includes("__pycache__"))
        .map((one) => join(one.parentPath, one.name).slice(ROOT.length + 1)),
);
const files = {
  ...Object.fromEntries(demo.map((path) => [path, readFileSync(join(ROOT, path), "utf8")])),
  "models/marts/delay_forecast.py":
    "import os, time\n\n\ndef model(ctx):\n    while not os.path.exists(os.environ['ORC_TEST_GO']):\n        time.sleep(0.05)\n    return ctx.ref('time_of_day').df()\n",
  "schedules.yml": [
    "schedules:",
    "  nightly: {cron: '0 2 * * *', timezone: America/New_York, deadline: '08:00', pool: warehouse, owner: data@nyc.example, description: Everything that the morning meeting looks at}",
    "  weather: {every: 30m, select: stg_weather+, overlap: skip, pool: warehouse}",
    "  report: {after: nightly, select: 'exposure:punctuality_report'}",
    "triggers:",
    "  flights_loaded: {select: raw_flights+, debounce: 60s, vars: {day: null}}",
    "pools: {warehouse: 2}",
  ].join("\n"),
};
const BROKEN = "models/marts/daily_operations.sql";

const project = await serveProject(files);
const ran = (...words) => {
  const { status, stderr } = project.orc(...words);
  if (status > 1) throw new Error(stderr);
};
project.go();
ran("build");
ran("build", "--select", "stg_weather+");
ran("test");
ran("build", "--select", "tag:published");
project.put(BROKEN, files[BROKEN].replace("sum(delay_minutes)", "sum(delays_minutes)"));
project.stay();
ran("schedule", "run", "nightly", "--no-wait");
const ask = async (path) => (await fetch(`${project.url}api/v1${path}`)).json();
let run;
for (let tries = 0; tries < 600; tries += 1) {
  await new Promise((later) => setTimeout(later, 100));
  run = (await ask("/runs?status=running")).runs[0]?.id ?? run;
  const nodes = run ? (await ask(`/runs/${run}`)).nodes : [];
  const is = (name, status) => nodes.some((one) => one.name === name && one.status === status);
  if (is("delay_forecast", "running") && !nodes.some((one) => one.status === "running" && one.name !== "delay_forecast")) break;
}
const node = `#/node/model.nyc_flights.carrier_punctuality?tab=runs`;
/** Name of the picture, place, and colours. */
const PICTURES = [
  ["live-home", "#/", "light"],
  ["live-run", `#/run/${run}`, "light"],
  ["live-graph-dark", `#/run/${run}?tab=graph`, "dark"],
  ["live-timeline", `#/run/${run}?tab=timeline`, "light"],
  ["live-schedules", "#/schedules", "light"],
  ["live-history", node, "light"],
];
mkdirSync(OUT, { recursive: true });
try {
  for (const colorScheme of ["light", "dark"]) {
    const { context, close } = await browse({ colorScheme, viewport: { width: 1240, height: 780 } });
    for (const [name, hash] of PICTURES.filter(([, , colours]) => colours === colorScheme)) {
      const { page, wrong } = await openPage(context, project.url + hash);
      await page.waitForSelector("h1");
      await page.waitForTimeout(1500);
      if (wrong.length) throw new Error(`${name}: ${wrong}`);
      await page.screenshot({ path: join(OUT, `${name}.png`) });
      await page.close();
    }
    await close();
  }
} finally {
  await project.close();
}
