/** Measures the big project in a real browser: `node test/measure.mjs [models] [columns]`. Prints what README.md quotes. */

import { big } from "../fixture/make.mjs";
import { browse, openPage, serve, siteFolder } from "./site.mjs";

const [models = 5000, columns = 12] = process.argv.slice(2).map(Number);
const project = big(models, columns);
const server = await serve(siteFolder(project));
const { context, close } = await browse();
const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const say = (what, values, unit = "ms") =>
  console.log(`${what.padEnd(48)} median ${middle(values).toFixed(0)} ${unit}, worst ${Math.max(...values).toFixed(0)} ${unit}`);

/** Milliseconds from now until a selector is there and painted, measured inside the page. */
const until = (page, act, selector) =>
  page.evaluate(
    ([code, wanted]) =>
      new Promise((done) => {
        const start = performance.now();
        document.querySelectorAll(wanted).forEach((old) => old.setAttribute("data-old", ""));
        new Function(code)();
        const look = () =>
          document.querySelector(`${wanted}:not([data-old])`)
            ? requestAnimationFrame(() => done(performance.now() - start))
            : setTimeout(look, 1);
        look();
      }),
    [act, selector],
  );

const first = [];
for (let run = 0; run < 3; run += 1) {
  const page = await context.newPage();
  await page.goto(server.url, { waitUntil: "commit" });
  await page.waitForSelector(".counts");
  first.push(await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))));
  await page.close();
}
say("first page, from navigation to painted and idle", first);

const { page } = await openPage(context, server.url);
await page.waitForSelector(".counts");
await page.waitForSelector('.canvas[data-ready="true"]');
const opened = [];
for (let index = 7; index < models; index += Math.ceil(models / 20)) {
  opened.push(await until(page, `location.hash = "#/node/${project.project.nodes[index].id}"`, ".page-node table.columns"));
}
say("a model's page, from click to painted", opened);

const lineage = [];
const drawn = [];
for (const index of [Math.floor(models * 0.6), Math.floor(models * 0.5), Math.floor(models * 0.7)]) {
  await page.evaluate((id) => (location.hash = `#/node/${id}`), project.project.nodes[index].id);
  await page.waitForSelector("table.columns");
  lineage.push(
    await until(
      page,
      `location.hash = "#/node/${project.project.nodes[index].id}?tab=lineage&up=3&down=3"`,
      '.canvas[data-ready="true"] .react-flow__node',
    ),
  );
  drawn.push(await page.locator(".react-flow__node").count());
}
say(`lineage 3+model+3 drawn (${drawn.join(", ")} nodes)`, lineage);
await page.evaluate(() => (location.hash = "#/map"));
await page.waitForSelector(".page-map .react-flow__node");

await page.evaluate(() => (location.hash = "#/?find=%20"));
const indexing = Date.now();
await page.waitForFunction(() => document.querySelector(".search-said")?.textContent === "Type to search");
console.log(`columns and descriptions searchable after           ${Date.now() - indexing} ms`);
const queries = [
  "c",
  "cu",
  "cus",
  "customer",
  "orders amount",
  "fct finance",
  "refunds taxes",
  "amount",
  "stg_sales",
  "xyzzy",
  "custmoer",
  "email",
];
const typed = [];
for (const query of queries) {
  typed.push(
    await page.evaluate(
      (text) =>
        new Promise((done) => {
          const field = document.querySelector(".search input");
          const start = performance.now();
          const dialog = document.querySelector(".search");
          const look = () =>
            dialog.dataset.answers === text ? requestAnimationFrame(() => done(performance.now() - start)) : setTimeout(look, 1);
          Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, text);
          field.dispatchEvent(new Event("input", { bubbles: true }));
          look();
        }),
      query,
    ),
  );
  await page.waitForTimeout(150);
  console.log(
    `  “${query}”: ${await page.evaluate(() => document.querySelector(".search-said").textContent)}, in the worker ${Number(await page.evaluate(() => document.querySelector("dialog.search").dataset.milliseconds)).toFixed(1)} ms`,
  );
}
say("search, from key to painted", typed);

const session = await context.newCDPSession(page);
await session.send("HeapProfiler.collectGarbage");
const { usedSize } = await session.send("Runtime.getHeapUsage");
console.log(`heap of the page ${(usedSize / 1e6).toFixed(0)} MB`);
const question = JSON.stringify({ id: 1, method: "Runtime.getHeapUsage" });
session.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
  session.on("Target.receivedMessageFromTarget", (answer) => {
    const { id, result } = JSON.parse(answer.message);
    if (answer.sessionId === sessionId && id === 1)
      console.log(`heap of ${targetInfo.url.split("/").pop()} ${(result.usedSize / 1e6).toFixed(0)} MB`);
  });
  void session.send("Target.sendMessageToTarget", { sessionId, message: question });
});
await session.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
await page.waitForTimeout(1000);
await close();
server.close();
