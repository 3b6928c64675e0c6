/** A small project with a real `orc serve` in front of it, for tests and pictures of the live pages. */

import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
/** Any Python that has what this repository needs. */
const PYTHON = process.env.ORC_PYTHON ?? "python3";
const PATIENCE = 30_000;

/** `slow` runs until there is a file `go`; `broken` reads a column that is not there. */
export const FILES = {
  "models/stg_trips.sql":
    "{{ config(materialized='table') }}\nselect * from (values (1, 10, date '2026-01-01'), (2, 20, date '2026-01-02')) as t (id, fare, day)\n",
  "models/slow.py":
    "import os, time\n\n\ndef model(ctx):\n    while not os.path.exists(os.environ['ORC_TEST_GO']):\n        time.sleep(0.05)\n    return ctx.ref('stg_trips').df()\n",
  "models/fares.sql": "-- one row per day\nselect\n    day,\n    sum(fair) as fare\nfrom {{ ref('stg_trips') }}\ngroup by day\n",
  "models/report.sql": "select count(*) as days from {{ ref('fares') }}\n",
  "models/after.sql": "select count(*) as n from {{ ref('slow') }}\n",
  "schedules.yml": [
    "schedules:",
    "  nightly: {cron: '0 2 * * *', timezone: Europe/Berlin, deadline: '08:00', description: <b>every</b> night}",
    "  reports: {after: nightly, select: report}",
    "triggers:",
    "  loaded: {select: stg_trips+, debounce: 60s, vars: {day: null}}",
    "",
  ].join("\n"),
};
export const FIXED = FILES["models/fares.sql"].replace("fair", "fare");

/** Of somebody who may do more than look. */
export const TOKEN = "a-token-of-the-tests";

export async function serveProject(files = FILES) {
  const above = mkdtempSync(join(tmpdir(), "orc-live-"));
  const name = "rides";
  const root = join(above, name);
  const put = (path, text) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [path, text] of Object.entries(files)) put(path, text);
  const kept = Object.entries(process.env).filter(([name]) => !/^(ORC|DBT)_/.test(name));
  const env = {
    ...Object.fromEntries(kept),
    PYTHONPATH: ROOT,
    ORC_TEST_GO: join(root, "go"),
    ORC_ACTOR: "ann",
    ORC_TOKENS: `ann:run=${TOKEN}`,
  };
  const orc = (...words) => {
    const done = spawnSync(PYTHON, ["-m", "orchestrator", ...words], { cwd: root, env, encoding: "utf8" });
    if (done.error) throw done.error;
    return done;
  };
  const daemon = spawn(PYTHON, ["-m", "orchestrator", "serve", "--port", "0", "--poll", "0.1"], { cwd: root, env });
  let heard = "";
  const url = await new Promise((ready, failed) => {
    const late = setTimeout(() => failed(new Error(`orc serve says nothing of where it listens:\n${heard}`)), PATIENCE);
    const hear = (data) => {
      heard += data;
      const found = /listening at (http:\S+)/.exec(heard);
      if (!found) return;
      clearTimeout(late);
      ready(found[1]);
    };
    daemon.stderr.on("data", hear);
    daemon.stdout.on("data", hear);
    daemon.on("exit", (code) => failed(new Error(`${PYTHON} -m orchestrator serve ended with ${code}:\n${heard}`)));
  });
  const close = async () => {
    put("go", "");
    daemon.removeAllListeners("exit");
    const gone = new Promise((over) => daemon.on("exit", over));
    daemon.kill("SIGKILL"); // its runs end with it
    await gone;
    for (let tries = 0; ; tries += 1) {
      try {
        return rmSync(above, { recursive: true, force: true });
      } catch (error) {
        if (tries > 20) throw error; // a run that is being ended still writes
        await new Promise((later) => setTimeout(later, 100));
      }
    }
  };
  return {
    root,
    name,
    url,
    put,
    orc,
    close,
    go: () => put("go", ""),
    stay: () => rmSync(join(root, "go")),
    copyTo: (folder) => cpSync(root, folder, { recursive: true }),
  };
}
