import assert from "node:assert/strict";
import { test } from "node:test";
import { shop } from "../../fixture/shop.mjs";
import { big } from "../../fixture/make.mjs";
import { load } from "./load.mjs";

const { bridges, neighbourhood, reach } = await load("graph/neighbourhood.ts");
const { trace, tracedColumns } = await load("graph/trace.ts");
const { layout, withoutCircles } = await load("graph/layout.ts");
const { wayPath } = await load("graph/way.tsx");
const { fold } = await load("graph/fold.ts");
const { catalogue } = await load("catalogue.ts");

/** Links from pairs `parent>child`. */
function links(text, count) {
  const [parents, children] = [Array.from({ length: count }, () => []), Array.from({ length: count }, () => [])];
  for (const [from, to] of text.split(" ").map((pair) => pair.split(">").map(Number))) {
    parents[to].push(from);
    children[from].push(to);
  }
  return { parents, children };
}
const around = (focus, more = {}) => ({ focus, up: 2, down: 2, grown: [], keep: [], ...more });

const chain = links("0>1 1>2 2>3 3>4 4>5 5>6", 7);

test("two up and two down of a chain, and what is left out is counted", () => {
  const { shown, hidden, capped } = neighbourhood(chain, around(3));
  assert.deepEqual([...shown].sort(), [1, 2, 3, 4, 5]);
  assert.deepEqual(hidden.get(1), { up: 1, down: 0 });
  assert.deepEqual(hidden.get(5), { up: 0, down: 1 });
  assert.equal(hidden.has(3), false);
  assert.equal(capped, false);
});

test("a sibling is not in the neighbourhood: only ancestors and descendants are", () => {
  assert.deepEqual(neighbourhood(links("0>1 0>2", 3), around(1)).shown.sort(), [0, 1]);
});

test("asking for more adds one side of one node", () => {
  assert.deepEqual(neighbourhood(chain, around(3, { up: 1, down: 1, grown: [{ node: 2, way: "up" }] })).shown.sort(), [1, 2, 3, 4]);
  assert.deepEqual(neighbourhood(chain, around(3, { up: 1, down: 1, grown: [{ node: 0, way: "up" }] })).shown.sort(), [2, 3, 4]);
});

test("the nearest are shown when not all fit", () => {
  const star = links(Array.from({ length: 300 }, (_, index) => `0>${index + 1}`).join(" "), 301);
  assert.equal(neighbourhood(star, around(0)).shown.length, 25, "a fan is cut");
  const grown = neighbourhood(star, around(0, { grown: [{ node: 0, way: "down" }] }));
  assert.equal(grown.shown.length, 150);
  assert.equal(grown.capped, true);
  assert.equal(grown.hidden.get(0).down, 151);
});

test("what somebody asks for goes before what is merely near", () => {
  const pairs = Array.from({ length: 20 }, (_, index) => [
    `0>${index + 1}`,
    `${index + 1}>${index + 21}`,
    `${index + 1}>${index + 41}`,
  ]).flat();
  const wide = links([...pairs, ...Array.from({ length: 30 }, (_, index) => `20>${index + 61}`)].join(" "), 91);
  const { shown, capped } = neighbourhood(wide, around(0, { grown: [{ node: 20, way: "down" }] }), 40);
  assert.equal(capped, true);
  for (let node = 61; node < 91; node += 1) assert.ok(shown.includes(node), node);
});

test("lines bridge what a filter hides", () => {
  const all = [0, 1, 2, 3];
  assert.deepEqual(bridges(chain, all, new Set([0, 3])), [{ from: 0, to: 3, through: 2 }]);
  assert.deepEqual(bridges(chain, all, new Set([0, 1])), [{ from: 0, to: 1, through: 0 }]);
  assert.deepEqual(reach(chain.parents, 3).sort(), [0, 1, 2]);
});

const { project, details } = shop();
const find = (name) => project.nodes.findIndex((node) => node.name === name);
const hopText = ({ from, to, use }) => `${project.nodes[from.node].name}.${from.column} ${use} ${project.nodes[to.node].name}.${to.column}`;

test("a column is traced both ways, with kind and expression of each hop", () => {
  const found = trace({ node: find("stg_orders"), column: "amount" }, (node) => details[node]);
  assert.deepEqual(found.hops.map(hopText), [
    "orders.amount_cents transformed stg_orders.amount",
    "stg_orders.amount passed int_paid_orders.amount",
    "int_paid_orders.amount aggregated customer_value.revenue",
    "int_paid_orders.amount conditional customer_value.tier",
    "int_paid_orders.amount aggregated daily_revenue.revenue",
    "int_paid_orders.amount window daily_revenue.running",
  ]);
  assert.equal(found.hops[0].expression, "amount_cents / 100.0");
  assert.deepEqual(
    found.hops.map((hop) => hop.distance),
    [-1, 1, 2, 2, 2, 2],
  );
  assert.deepEqual(
    [...tracedColumns(found).get(find("customer_value"))],
    [
      ["revenue", "aggregated"],
      ["tier", "conditional"],
    ],
  );
});

test("rows that a column decides about, and origins that nobody knows, are said", () => {
  const filter = trace({ node: find("stg_orders"), column: "status" }, (node) => details[node]);
  assert.deepEqual(filter.rows, [{ from: { node: find("stg_orders"), column: "status" }, node: find("int_paid_orders"), use: "filter" }]);
  const python = trace({ node: find("churn_score"), column: "score" }, (node) => details[node]);
  assert.equal(python.unknown[0].reason, "the model is written in Python");
});

test("a trace asks for the details it lacks and ends when it has them", () => {
  const known = new Map();
  const start = { node: find("customer_value"), column: "revenue" };
  for (let round = 0; ; round += 1) {
    const found = trace(start, (node) => known.get(node));
    if (!found.missing.length) break;
    found.missing.forEach((node) => known.set(node, details[node]));
    assert.ok(round < 10);
  }
  assert.deepEqual(
    trace(start, (node) => known.get(node)),
    trace(start, (node) => details[node]),
  );
  assert.ok(known.size < details.length, "nodes beside the way are not asked for");
});

test("a circle of columns does not trap a trace, and a huge one is cut off", () => {
  const circle = [0, 1].map((index) => ({
    columns: [{ name: "a", from: [[1 - index, "a", "passed"]], to: [[1 - index, "a", "passed"]] }],
  }));
  assert.equal(trace({ node: 0, column: "a" }, (node) => circle[node]).hops.length, 2);
  const wide = [{ columns: [{ name: "a", to: Array.from({ length: 500 }, (_, index) => [index + 1, "a", "passed"]) }] }];
  const found = trace({ node: 0, column: "a" }, (node) => wide[node] ?? { columns: [] });
  assert.equal(found.capped, true);
  assert.equal(found.hops.length, 149);
});

test("boxes stand left of what reads them and never overlap", () => {
  const boxes = Array.from({ length: 40 }, (_, index) => ({ id: `${index}`, width: 200, height: 50 + (index % 5) * 30 }));
  const lines = boxes.slice(1).map((box, index) => ({ from: `${Math.floor(index / 2)}`, to: box.id }));
  const { at } = layout(boxes, lines);
  for (const { from, to } of lines) assert.ok(at[from].x + 200 < at[to].x);
  for (const a of boxes) {
    for (const b of boxes) {
      if (a === b) continue;
      const apart =
        at[a.id].x + a.width <= at[b.id].x ||
        at[b.id].x + b.width <= at[a.id].x ||
        at[a.id].y + a.height <= at[b.id].y ||
        at[b.id].y + b.height <= at[a.id].y;
      assert.ok(apart, `${a.id} and ${b.id}`);
    }
  }
});

test("a line over a layer keeps clear of the boxes in it", () => {
  const boxes = ["a", "b", "c", "d"].map((id) => ({ id, width: 200, height: 60 }));
  const { at, ways } = layout(boxes, [
    { from: "a", to: "b" },
    { from: "b", to: "c" },
    { from: "a", to: "c" },
    { from: "a", to: "d" },
    { from: "d", to: "c" },
  ]);
  assert.deepEqual(Object.keys(ways), ["a>c"]);
  const [[x, y]] = ways["a>c"];
  for (const id of ["b", "d"]) {
    assert.ok(x > at[id].x && x < at[id].x + 200, "it is the layer of the box");
    assert.ok(y < at[id].y || y > at[id].y + 60, "and not the box");
  }
  assert.equal(wayPath([0, 0], [[500, 90]], [900, 10], 100), "M0,0C200,0 200,90 400,90L600,90C750,90 750,10 900,10");
});

test("folders that read each other can be placed", () => {
  const boxes = ["a", "b", "c"].map((id) => ({ id, width: 10, height: 10 }));
  const lines = [
    { from: "a", to: "b" },
    { from: "b", to: "a" },
    { from: "b", to: "c" },
    { from: "c", to: "a" },
    { from: "a", to: "a" },
  ];
  assert.deepEqual(withoutCircles(["a", "b", "c"], lines), [
    { from: "a", to: "b" },
    { from: "b", to: "c" },
  ]);
  assert.equal(Object.keys(layout(boxes, lines).at).length, 3);
});

test("the map folds a project into its folders and opens one at a time", () => {
  const known = catalogue(project);
  const top = fold(known, []);
  assert.deepEqual(top.groups.map((group) => group.label).sort(), [
    "analyses",
    "exposures",
    "intermediate",
    "marts",
    "seeds",
    "shop (sources)",
    "snapshots",
    "staging",
  ]);
  assert.equal(
    top.groups.reduce((sum, group) => sum + group.nodes.length, 0),
    project.nodes.length,
  );
  const marts = fold(known, ["models", "marts"]);
  assert.deepEqual(
    marts.groups
      .filter((group) => !group.outside)
      .map((group) => group.label)
      .sort(),
    ["finance", "ml"],
  );
  const finance = fold(known, ["models", "marts", "finance"]);
  assert.deepEqual(
    finance.groups.filter((group) => group.node !== undefined).map((group) => group.label),
    ["customer_value", "daily_revenue"],
  );
  assert.ok(finance.groups.some((group) => group.outside && group.key === "models/staging"));
});

test("a map never has more than a hundred boxes and loses nobody", () => {
  const { project: many } = big(600, 2);
  many.nodes.forEach((node, index) => (node.folder = [`folder_${index % 250}`]));
  const { groups, edges } = fold(catalogue(many), []);
  assert.equal(groups.length, 100);
  assert.equal(
    groups.reduce((sum, group) => sum + group.nodes.length, 0),
    600,
  );
  for (const { from, to } of edges) assert.ok(from < 100 && to < 100 && from !== to);
});
