/** The site in a real browser: colours, small screens, paper, and what axe says. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { browse, openPage } from "../site.mjs";
import { at, start, stop, VALUE } from "./at.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let server;

before(async () => ({ server } = await start()));
after(stop);

test("dark follows the system until somebody chooses, and the choice is remembered", async () => {
  const dark = await browse({ colorScheme: "dark" });
  try {
    const theme = (page) =>
      page.evaluate(() => [document.documentElement.dataset.theme, getComputedStyle(document.body.parentElement).backgroundColor]);
    await at(
      "#/",
      async (page) => {
        assert.deepEqual(await theme(page), ["dark", "rgb(21, 23, 26)"]);
        await page.click("[aria-label='Use light colours']");
        assert.deepEqual(await theme(page), ["light", "rgb(251, 251, 250)"]);
        await page.reload();
        await page.waitForSelector("h1");
        assert.equal((await theme(page))[0], "light");
      },
      { context: dark.context },
    );
  } finally {
    await dark.close();
  }
});

test("nothing sticks out of a small screen", async () => {
  const small = await browse({ viewport: { width: 360, height: 700 } });
  try {
    for (const hash of [
      "#/",
      VALUE,
      `${VALUE}?tab=code`,
      `${VALUE}?tab=lineage&column=revenue`,
      `${VALUE}?tab=runs`,
      `${VALUE}?tab=tests`,
      "#/list",
      "#/map",
      "#/macros",
      "#/?find=cust",
    ]) {
      await at(
        hash,
        async (page) => {
          await page.waitForTimeout(150);
          const width = await page.evaluate(() => document.documentElement.scrollWidth);
          assert.ok(width <= 360, `${hash} is ${width} wide`);
        },
        { context: small.context },
      );
    }
  } finally {
    await small.close();
  }
});

test("paper gets the content without the controls", () =>
  at(VALUE, async (page) => {
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator(".header").isVisible(), false);
    assert.equal(await page.locator("table.columns").isVisible(), true);
  }));

const AUDITED = [
  "#/",
  "#/list",
  "#/map",
  VALUE,
  `${VALUE}?column=tier`,
  `${VALUE}?tab=code`,
  `${VALUE}?tab=lineage`,
  `${VALUE}?tab=lineage&column=revenue&open=model.shop.customer_value`,
  `${VALUE}?tab=lineage&view=table`,
  `${VALUE}?tab=tests`,
  `${VALUE}?tab=runs`,
  "#/node/source.shop.shop.orders",
  "#/macros",
  "#/macro/shop.cents",
  "#/column/amount",
  "#/?find=cust",
];

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing but what is minor in ${colorScheme} colours`, async () => {
    const own = await browse({ colorScheme, bypassCSP: true }); // axe is put into the page as a script
    try {
      const { page } = await openPage(own.context, server.url);
      await page.evaluate(AXE);
      for (const hash of AUDITED) {
        await page.evaluate((next) => (location.hash = next), hash);
        await page.waitForFunction(
          () =>
            document.querySelector("h1") &&
            ![...document.querySelectorAll("[role=status]")].some((one) => /^(Reading|Drawing|Searching)|…$/.test(one.textContent)),
        );
        await page.waitForTimeout(100);
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        const bad = violations
          .filter(({ impact }) => impact !== "minor")
          .map(
            ({ id, nodes }) =>
              `${id}: ${nodes
                .map((node) => `${node.html} ${node.any[0]?.message ?? ""}`)
                .slice(0, 4)
                .join(" | ")}`,
          );
        assert.deepEqual(bad, [], hash);
      }
    } finally {
      await own.close();
    }
  });
}
