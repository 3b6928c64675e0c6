import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { changed, formatPlace, listOf, nodePlace, parsePlace, textOf } = await load("place.ts");

test("a place survives its address, whatever is in the names", () => {
  for (const text of ["orders", "a b", "ä/ö", "50%", "a&b=c", "x?y#z", "+1", "’"]) {
    const place = { path: ["node", `model.shop.${text}`], query: { column: text, tab: "lineage" } };
    assert.deepEqual(parsePlace(formatPlace(place)), place);
  }
});

test("equal places have equal addresses", () => {
  assert.equal(
    formatPlace({ path: ["list"], query: { tag: "x", kind: "model" } }),
    formatPlace({ path: ["list"], query: { kind: "model", tag: "x" } }),
  );
});

test("ids stay readable", () => assert.equal(nodePlace("model.shop.orders", { tab: "code" }), "#/node/model.shop.orders?tab=code"));

test("nothing, a slash and a broken escape are places too", () => {
  assert.deepEqual(parsePlace(""), { path: [], query: {} });
  assert.deepEqual(parsePlace("#/"), { path: [], query: {} });
  assert.deepEqual(parsePlace("#/node/100%"), { path: ["node", "100%"], query: {} });
});

test("changing a query keeps the rest and drops what is empty", () => {
  const place = parsePlace("#/node/a?tab=lineage&up=3&tag=x");
  assert.equal(formatPlace(changed(place, { up: undefined, tag: "", down: "1" })), "#/node/a?down=1&tab=lineage");
});

test("lists", () => {
  assert.deepEqual(listOf(textOf(["a", "b.c"])), ["a", "b.c"]);
  assert.deepEqual(listOf(undefined), []);
});
