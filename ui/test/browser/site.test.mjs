/** The site in a real browser, as a folder and as one file: what it does. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import { openPage } from "../site.mjs";
import { at, drawn, place, start, stop, texts, VALUE } from "./at.mjs";

let server;
let browser;
let folder;

before(async () => ({ server, browser, folder } = await start()));
after(stop);

for (const [name, file] of [
  ["a folder", ""],
  ["one file", "one.html"],
]) {
  test(`${name}: overview, search, a model, its lineage`, () =>
    at(
      "",
      async (page) => {
        assert.match(await page.title(), /shop/);
        assert.deepEqual((await texts(page, "[aria-labelledby=trouble] .node-link a")).sort(), ["churn_score", "customer_value"]);
        await drawn(page);
        await page.keyboard.press("/");
        await page.keyboard.type("customer_v");
        await page.waitForSelector('[role=option][aria-selected="true"]:has-text("customer_value")');
        await page.keyboard.press("Enter");
        await page.waitForSelector("h1:has-text('customer_value')");
        await page.waitForSelector("dialog", { state: "detached" });
        assert.equal(await place(page), VALUE);
        await page.click("text=Lineage");
        await drawn(page);
        assert.equal(await page.locator(".react-flow__node").count(), 9);
      },
      { file },
    ));
}

test("one file works from the disk", async () => {
  const { page, wrong } = await openPage(browser.context, `${pathToFileURL(join(folder, "one.html"))}${VALUE}?tab=lineage&column=revenue`);
  await page.waitForSelector(".edge-traced", { state: "attached" });
  await page.keyboard.press("Control+k");
  await page.keyboard.type("mondays");
  await page.waitForSelector("[role=option]:has-text('finance_dashboard')");
  assert.deepEqual(
    wrong.filter((text) => !text.startsWith("asked elsewhere: file:")),
    [],
  );
  await page.close();
});

test("a folder reads only what a page needs", () =>
  at(VALUE, async (page) => {
    await page.waitForSelector("table.columns");
    const before = server.asked.length;
    await page.click('.facts a:has-text("stg_customers")');
    await page.waitForSelector("h1:has-text('stg_customers')");
    await page.waitForSelector("table.columns");
    assert.deepEqual(server.asked.slice(before), ["/data/nodes/model-stg_customers.json"]);
  }));

test("a model's page says what is known", () =>
  at(VALUE, async (page) => {
    await page.waitForSelector("table.columns");
    assert.deepEqual(await texts(page, ".columns tbody th .mono"), ["customer_id", "email", "country_name", "revenue", "orders", "tier"]);
    assert.equal(await page.locator(".columns .status-error").count(), 1);
    assert.match((await texts(page, ".columns tr:has-text('email') .badge-pii"))[0], /email/);
    const facts = (await texts(page, ".facts")).join(" ");
    for (const part of ["int_paid_orders", "churn_score", "finance@example.org", "10,482 rows", "cost_centre", "on_schema_change"])
      assert.ok(facts.includes(part), part);
    assert.equal(await page.title(), "customer_value · shop", "a description runs no script");
    assert.deepEqual(
      [await page.getAttribute(".facts a:has-text('cents')", "href"), await page.locator(".facts a:has-text('type_string')").count()],
      ["#/macro/shop.cents", 0],
    );
    await page.click(".opener:has-text('revenue')");
    await page.waitForSelector(".column-lineage:has-text('coalesce(sum(o.amount), 0)')");
    assert.match(await place(page), /column=revenue/);
    await page.click(".tabs >> text=Code");
    await page.waitForSelector(".look-jinja");
    await page.click("text=Compiled");
    await page.waitForSelector(".code:has-text('warehouse.intermediate.int_paid_orders')");
    await page.click(".tabs >> text=Tests");
    await page.waitForSelector("tr:has-text('singular')");
    await page.click(".tabs >> text=Runs");
    assert.match(await page.getAttribute(".trend svg", "aria-label"), /The last 12 runs took .* 2 failed/);
    assert.equal(await page.locator(".trend rect").count(), 12);
  }));

test("an inherited description says where it is from", () =>
  at("#/node/model.shop.int_paid_orders", async (page) => {
    assert.match(await page.locator("tr:has-text('amount') .inherited").first().textContent(), /from stg_orders\.amount/);
  }));

test("sources, seeds, snapshots, exposures, analyses, macros and columns have pages", async () => {
  const pages = [
    ["#/node/source.shop.shop.orders", "3 hours"],
    ["#/node/seed.shop.countries", "ISO 3166"],
    ["#/node/snapshot.shop.customers_history", "dbt_valid_from"],
    ["#/node/exposure.shop.finance_dashboard", "maturity high"],
    ["#/node/analysis.shop.how_many_gold", "how_many_gold"],
    ["#/macros", "limit_in_dev"],
    ["#/macro/shop.cents", "Cents as euro."],
    ["#/column/customer_id", "In 7 nodes."],
    ["#/node/model.shop.gone", "Not found"],
    ["#/nowhere", "Not found"],
  ];
  for (const [hash, text] of pages) await at(hash, (page) => page.waitForSelector(`main:has-text("${text}")`));
});

test("lists are narrowed down by name, tag and status, and the address says so", () =>
  at("#/list?kind=model", async (page) => {
    const names = () => texts(page, "table.list th[scope=row]");
    assert.equal((await names()).length, 6);
    await page.selectOption("select:near(:text('Tag'))", "published");
    await page.waitForFunction(() => document.querySelectorAll("table.list th[scope=row]").length === 2);
    await page.fill("input[type=search]", "daily");
    await page.waitForFunction(() => document.querySelectorAll("table.list th[scope=row]").length === 1);
    assert.equal(await place(page), "#/list?kind=model&q=daily&tag=published");
    await page.click("text=Clear");
    await page.goto(`${server.url}#/list?status=error`);
    await page.waitForSelector("tr:has-text('customer_value')");
    assert.deepEqual(await names(), ["customer_value"]);
  }));

test("a click on a column lights its path up, says every hop, and dims the rest", () =>
  at(`${VALUE}?tab=lineage`, async (page) => {
    await drawn(page);
    await page.click("[aria-label='Columns of customer_value']");
    await page.click("[data-box='model.shop.customer_value'] .box-column:has-text('revenue')");
    await page.waitForFunction(() => document.querySelectorAll(".edge-traced").length === 3);
    await page.waitForSelector(".trace [role=status]:has-text('3 hops up, 0 hops down')");
    assert.deepEqual((await texts(page, ".traced .mono")).sort(), ["amount", "amount", "amount_cents", "revenue"]);
    assert.deepEqual((await texts(page, ".traced .box-type")).sort(), ["VARCHAR", "aggregated", "passed", "transformed"]);
    assert.ok(
      (await texts(page, ".hops li")).some((text) =>
        /orders\.amount_cents.*transformed.*stg_orders\.amount.*amount_cents \/ 100\.0/s.test(text),
      ),
    );
    assert.equal(await page.locator(".box-dim:has-text('countries')").count(), 1);
    assert.equal(await page.locator(".box-dim:has-text('stg_orders')").count(), 0);
    await page.click("[aria-label='End the trace']");
    await page.waitForFunction(() => document.querySelectorAll(".edge-traced, .box-dim").length === 0);
  }));

test("a trace goes over to another column of the same box", () =>
  at(`${VALUE}?tab=lineage&column=revenue`, async (page) => {
    const ends = () => page.locator(".edge-traced").evaluateAll((edges) => edges.map((edge) => edge.dataset.id.split(">")[1]).sort());
    await page.waitForFunction(() => document.querySelectorAll(".edge-traced").length === 3);
    await page.evaluate((hash) => (location.hash = hash), `${VALUE}?tab=lineage&column=tier`);
    await page.waitForSelector(".traced .mono:text-is('tier')");
    await page.waitForTimeout(300);
    assert.deepEqual(await ends(), ["3:amount", "5:amount", "6:tier"]);
  }));

test("depth, expanders and filters change the graph; the back button takes it back", () =>
  at(`${VALUE}?tab=lineage`, async (page) => {
    await drawn(page);
    const count = () => page.locator(".react-flow__node").count();
    const wanted = (number) => page.waitForFunction((size) => document.querySelectorAll(".react-flow__node").length === size, number);
    await page.selectOption("select:near(:text('Up'), 60)", "1");
    await wanted(7);
    await page.click("[aria-label^='Show 1 more parent of int_paid_orders']");
    await wanted(8);
    assert.match(await place(page), /grow=model\.shop\.int_paid_orders\.up/);
    const address = await place(page);
    await page.goBack();
    await wanted(7);
    await page.goBack();
    await wanted(9);
    await page.goto(server.url + address);
    await wanted(8);
    await page.goto(`${server.url}${VALUE}?tab=lineage&tag=daily`);
    await wanted(3);
    await page.waitForSelector(".edge-bridge", { state: "attached" });
    assert.equal(await count(), 3);
  }));

test("the graph is walked with arrow keys, and only one box is in the tab order", () =>
  at(`${VALUE}?tab=lineage`, async (page) => {
    await drawn(page);
    assert.equal(await page.locator("[data-title][tabindex='0']").count(), 1);
    await page.focus("[data-title][tabindex='0']");
    await page.keyboard.press("ArrowRight");
    const right = await page.evaluate(() => document.activeElement.textContent);
    assert.ok(["churn_score", "finance_dashboard", "how_many_gold"].includes(right), right);
    await page.keyboard.press("ArrowLeft");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "customer_value");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Enter");
    await page.waitForSelector("h1:not(:has-text('customer_value'))");
    assert.match(await place(page), /tab=lineage/);
  }));

test("the graph is also a table", () =>
  at(`${VALUE}?tab=lineage`, async (page) => {
    await page.click("text=As a table");
    const rows = await texts(page, ".lineage table tbody tr");
    assert.equal(rows.length, 9);
    assert.ok(rows.some((text) => /upstream.*stg_customers/.test(text)));
  }));

test("the map opens folders, and back closes them", () =>
  at("#/map", async (page) => {
    await drawn(page);
    await page.click(".box-title:has-text('marts')");
    await page.waitForSelector(".box-title:has-text('finance')");
    await page.click(".box-title:text-is('finance')");
    await page.waitForSelector(".box-title:has-text('customer_value')");
    assert.equal(await place(page), "#/map?at=models%2Fmarts%2Ffinance");
    await page.goBack();
    await page.goBack();
    await page.waitForSelector(".box-title:has-text('staging')");
  }));

test("a new page begins at its top; going back returns to where one was, and a column that was searched for is in view", async () => {
  await at("#/list", async (page) => {
    await page.setViewportSize({ width: 900, height: 420 });
    const scrolled = () => page.evaluate(() => window.scrollY);
    await page.locator("a:has-text('customers_history')").scrollIntoViewIfNeeded();
    const before = await scrolled();
    assert.ok(before > 100);
    await page.click("a:has-text('customers_history')");
    await page.waitForSelector("h1:has-text('customers_history')");
    assert.equal(await scrolled(), 0);
    await page.goBack();
    await page.waitForSelector("h1:has-text('All nodes')");
    await page.waitForFunction((wanted) => Math.abs(window.scrollY - wanted) < 60, before);
    await page.goto(`${server.url}${VALUE}?column=tier`);
    await page.waitForFunction(
      () => (document.querySelector(".open-row")?.getBoundingClientRect().bottom ?? 9999) <= window.innerHeight + 1,
    );
  });
});

test("the search is part of the address, forgets nothing on back, and closes with Escape", () =>
  at("#/", async (page) => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("revenue");
    await page.waitForSelector("[role=option]:has-text('revenue')");
    assert.equal(await place(page), "#/?find=revenue");
    assert.match(await page.textContent(".search-said"), /results?$/);
    assert.deepEqual(
      (await texts(page, ".search-group")).map((text) => text.replace(/ ?\d.*/, "")),
      ["Models, sources and more", "Columns", "Descriptions"],
    );
    const first = await page.getAttribute("[role=combobox]", "aria-activedescendant");
    await page.keyboard.press("ArrowDown");
    assert.notEqual(await page.getAttribute("[role=combobox]", "aria-activedescendant"), first);
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog", { state: "detached" });
    await page.goBack();
    await page.waitForSelector("[role=option]:has-text('revenue')");
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
  }));

test("every page begins with one heading, has landmarks, and focus goes to the new page", () =>
  at(VALUE, async (page) => {
    assert.deepEqual(
      [await page.locator("h1").count(), await page.locator("main").count(), await page.locator("header.header").count()],
      [1, 1, 1],
    );
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
    await page.click('.facts a:has-text("stg_customers")');
    await page.waitForSelector("h1:has-text('stg_customers')");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  }));
