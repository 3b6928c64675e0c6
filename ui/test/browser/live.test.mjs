/** The live pages in a real browser, with a real `orc serve` behind them. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { FIXED, serveProject, TOKEN } from "../orc.mjs";
import { browse, openPage } from "../site.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SOON = 2000;
let project;
let browser;
/** The run that the first test begins; the others look at it. */
let run;

before(async () => {
  [project, browser] = await Promise.all([serveProject(), browse()]);
});
after(async () => {
  await browser?.close();
  await project?.close();
});

/** Opens a place, does something there, and then wants a console without a word, no violation, no request to elsewhere. */
async function at(hash, act, { allowed } = {}) {
  const { page, wrong } = await openPage(browser.context, project.url + hash);
  page.setDefaultTimeout(15_000);
  try {
    await page.waitForSelector("h1");
    await act(page);
    assert.deepEqual(
      wrong.filter((line) => !allowed?.test(line)),
      [],
    );
  } finally {
    await page.close();
  }
}

/** Waits until the server knows something of the run: from then on the page has two seconds. */
async function known(what) {
  for (let tries = 0; tries < 600; tries += 1) {
    if (what(await (await fetch(`${project.url}api/v1/runs/${run}`)).json())) return;
    await new Promise((later) => setTimeout(later, 50));
  }
  throw new Error("the run did not come so far in 30 s");
}

const statuses = (page) =>
  page.$$eval(".run-box", (boxes) =>
    Object.fromEntries(boxes.map((box) => [box.querySelector("[data-title]").textContent, box.dataset.status])),
  );
const status = (name, wanted) => `.run-box[data-status="${wanted}"]:has-text("${name}")`;

test("0.6, 4.13: a run appears by itself, its drawing has a box for each model, and a model that ends is seen within two seconds", () =>
  at("#/", async (page) => {
    await page.waitForSelector("h1:has-text('Nothing ran yet')");
    assert.equal(project.orc("schedule", "run", "nightly", "--no-wait").status, 0);
    await page.click("section:has(#running) li:has-text('nightly') a.mono");
    await page.waitForSelector("[data-run-status=running]");
    run = new URL(page.url()).hash.split("/")[2];
    await page.click(".tabs a:has-text('Graph')");
    await page.waitForSelector(status("slow", "running"));
    await page.waitForSelector(status("report", "skipped"));
    assert.deepEqual(await statuses(page), {
      after: "pending",
      fares: "error",
      report: "skipped",
      slow: "running",
      stg_trips: "success",
    });
    project.go();
    await known((told) => told.nodes.find(({ name }) => name === "slow").status === "success");
    await page.waitForSelector(status("slow", "success"), { timeout: SOON });
    await known((told) => told.run.status === "failed");
    await page.waitForSelector("[data-run-status=failed]", { timeout: SOON });
    assert.equal((await statuses(page)).after, "success");
  }));

test("4.14: a link to a run shows the root cause with its line, what was sent is one click away, and what was skipped is folded", () =>
  at(`runs/${run}`, async (page) => {
    assert.equal(new URL(page.url()).hash.split("?")[0], `#/run/${run}`);
    await page.waitForSelector("[data-cause='model.rides.fares'], .cause");
    assert.equal(await page.locator(".cause").count(), 1);
    assert.match(await page.textContent(".excerpt-here"), /sum\(fair\)/);
    assert.equal(await page.isVisible(".skipped-because a"), false);
    await page.click("summary:has-text('Statement that was sent')");
    assert.match(await page.textContent(".cause .code:visible"), /create or replace view/);
    await page.click(".skipped-because summary");
    await page.click(".skipped-because a:has-text('report')");
    await page.waitForSelector("h1:has-text('report')");
  }));

test("the first failed node stands first in the table, and opens to its attempts", () =>
  at(`#/run/${run}`, async (page) => {
    await page.waitForSelector(".run-nodes tbody tr");
    const rows = await page.$$eval(".run-nodes tbody tr", (all) => all.map((row) => [row.dataset.node.split(".")[2], row.dataset.status]));
    assert.deepEqual(rows.slice(0, 2), [
      ["fares", "error"],
      ["report", "skipped"],
    ]);
    await page.click(".opener:has-text('stg_trips')");
    await page.waitForSelector(".opened .code:has-text('create or replace table')");
    assert.match(page.url(), /node=model\.[\w-]+\.stg_trips/);
  }));

test("the timeline has a bar for each attempt, and the log narrows down", () =>
  at(`#/run/${run}?tab=timeline`, async (page) => {
    await page.waitForSelector(".timeline-row");
    const names = await page.$$eval(".timeline-row a", (all) => all.map((link) => link.textContent));
    assert.deepEqual([...names].sort(), ["after", "fares", "slow", "stg_trips"]);
    assert.equal(await page.locator(".timeline-bar").count(), 4);
    assert.equal(await page.locator(".timeline-way").count(), 3);
    await page.click(".tabs a:has-text('Log')");
    await page.waitForSelector(".log-line");
    await page.selectOption(".filters select >> nth=0", "error");
    await page.waitForFunction(() => document.querySelectorAll(".log-line").length === 1);
    assert.match(await page.textContent(".log-error"), /fares.*fair/);
  }));

test("1.13: runs narrow down by what the address says", () =>
  at("#/runs?status=passed", async (page) => {
    await page.waitForSelector(".empty");
    await page.selectOption("select:near(:text('Status'), 60)", "failed");
    await page.waitForSelector(".runs tbody tr");
    assert.match(page.url(), /status=failed/);
    assert.match(await page.textContent(".runs tbody tr"), /failed.*build.*nightly/);
    await page.goBack();
    await page.waitForSelector(".empty");
  }));

test("schedules say when and why; names and descriptions are text", () =>
  at("#/schedules", async (page) => {
    const card = page.locator("article.schedule", { has: page.locator("h2:text-is('nightly')") });
    await card.waitFor();
    assert.match(await card.textContent(), /every day at 02:00.*<b>every<\/b> night.*to be done by 08:00/);
    assert.equal(await page.locator("article.schedule b").count(), 0);
    assert.equal(await card.locator("ol li").count(), 5);
  }));

test("a model's page tells its history, and lists say how models are doing now", () =>
  at("#/list?kind=model", async (page) => {
    assert.match(await page.textContent("tr:has-text('fares')"), /error/);
    await page.click("a:has-text('fares')");
    await page.click(".tabs a:has-text('History')");
    await page.waitForSelector(".strip a");
    assert.match(await page.textContent("main"), /built well.*never/);
    await page.click(".strip a");
    await page.waitForSelector(".cause");
  }));

test("who is known by nobody sees no buttons; a token lets in, and wishes of elsewhere are refused", () =>
  at(
    `#/run/${run}`,
    async (page) => {
      await page.waitForSelector(".cause");
      assert.equal(await page.locator(".action").count(), 0);
      await page.click("a:has-text('Log in')");
      await page.fill("#token", TOKEN);
      await page.click("button:has-text('Log in')");
      await page.waitForSelector(".who:has-text('ann')");
      const sent = (headers) =>
        page.evaluate(
          async (given) => (await fetch("/api/v1/schedules/nightly/pause", { method: "POST", headers: given })).status,
          headers,
        );
      assert.equal(await sent({}), 403); // the cookie alone is what a page of elsewhere could send
    },
    { allowed: /403/ },
  ));

test("0.11: a schedule is paused and resumed, and the audit tells who did it", () =>
  at("#/schedules", async (page) => {
    const card = page.locator("article.schedule", { has: page.locator("h2:text-is('nightly')") });
    await card.locator("button:has-text('Pause')").click();
    await page.waitForSelector("article[data-state=paused]", { timeout: SOON });
    assert.match(await card.textContent(), /paused (just now|\d+ s ago)/);
    await card.locator("button:has-text('Resume')").click();
    await page.waitForSelector("article[data-state=paused]", { state: "detached", timeout: SOON });
    await page.click("nav a:has-text('Audit')");
    await page.waitForSelector("tr:has-text('schedule.paused'):has-text('nightly'):has-text('ann')");
    await page.click("button:has-text('Verify')");
    await page.waitForSelector(".status:has-text('none changed')");
  }));

test("a retry of what failed does what was left, and everything is fine", () =>
  at(`#/run/${run}`, async (page) => {
    project.put("models/fares.sql", FIXED);
    await page.click("button:has-text('Retry')");
    await page.waitForSelector("[data-run-status=passed]");
    const rows = await page.$$eval(".run-nodes tbody tr", (all) => all.map((row) => [row.dataset.node.split(".")[2], row.dataset.status]));
    const done = rows.filter(([, status]) => status !== "reused");
    assert.deepEqual(Object.fromEntries(done), { fares: "success", report: "success" });
    await page.click(".brand");
    await page.waitForSelector("h1:has-text('Everything is fine')", { timeout: SOON });
  }));

test("run now leads to the run, which is cancelled there", () =>
  at("#/schedules", async (page) => {
    project.stay(); // `slow` does not end by itself
    await page
      .locator("article.schedule", { has: page.locator("h2:text-is('nightly')") })
      .locator("button:has-text('Run now')")
      .click();
    await page.waitForSelector("[data-run-status=running]");
    assert.match(await page.textContent(".run-facts"), /nightly.*asked for over HTTP/);
    await page.click("button:has-text('Cancel')");
    await page.waitForSelector("[data-run-status=cancelled]");
  }));

/** Goes from place to place on one page, which is quicker than to open each anew. */
async function through(page, hashes, act) {
  for (const hash of hashes) {
    await page.evaluate((next) => (location.hash = next), hash);
    await page.waitForFunction(() => {
      const waits = [...document.querySelectorAll("[role=status]")].some((one) => /^(Reading|Drawing)|…$/.test(one.textContent));
      return document.querySelector("h1") && !waits;
    });
    await page.waitForTimeout(100);
    await act(hash);
  }
}

test("nothing sticks out of a small screen", () =>
  at("#/", async (page) => {
    await page.setViewportSize({ width: 360, height: 700 });
    await through(page, PLACES(), async (hash) => {
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 360, `${hash} is ${width} wide`);
    });
  }));

const PLACES = () => [
  "#/",
  "#/runs",
  `#/run/${run}`,
  `#/run/${run}?node=model.${project.name}.stg_trips`,
  `#/run/${run}?tab=graph`,
  `#/run/${run}?tab=timeline`,
  `#/run/${run}?tab=log`,
  "#/schedules",
  "#/freshness",
  "#/alerts",
  "#/audit",
  "#/system",
  `#/node/model.${project.name}.fares?tab=runs`,
  "#/login",
];

test("axe finds nothing but what is minor, in light and in dark colours", async () => {
  const own = await browse({ colorScheme: "light", bypassCSP: true }); // axe is put into the page as a script
  try {
    const { page } = await openPage(own.context, project.url);
    await page.waitForSelector("h1");
    await page.evaluate(AXE);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.waitForSelector(`:root[data-theme=${colorScheme}]`, { state: "attached" });
      await through(page, PLACES(), async (hash) => {
        // Dark is other colours, and nothing else.
        const rules = colorScheme === "dark" ? { runOnly: ["color-contrast", "link-in-text-block"] } : {};
        const { violations } = await page.evaluate((only) => window.axe.run(document, { resultTypes: ["violations"], ...only }), rules);
        const bad = violations
          .filter(({ impact }) => impact !== "minor")
          .map(
            ({ id, nodes }) =>
              `${id}: ${nodes
                .slice(0, 4)
                .map((node) => `${node.html} ${node.any[0]?.message ?? ""}`)
                .join(" | ")}`,
          );
        assert.deepEqual(bad, [], `${hash} in ${colorScheme}`);
      });
    }
  } finally {
    await own.close();
  }
});
