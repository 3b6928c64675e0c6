import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { applied, axisLabel, bars, criticalPath, marks, progress, progressOf } = await load("live/run-state.ts");

const node = (name, more = {}) => ({ node: `model.p.${name}`, name, kind: "model", status: "pending", attempts: [], parents: [], ...more });
const run = (...nodes) => ({ run: { id: "r", status: "running" }, launch: null, causes: [], nodes });
const event = (name, status, more = {}) => ({ sequence: 1, at: "2026-01-01T00:00:05Z", node: `model.p.${name}`, status, ...more });
const attempt = (from, to, status = "success", more = {}) => ({
  attempt: 1,
  label: "",
  status,
  started_at: `2026-01-01T00:00:${from}Z`,
  ended_at: `2026-01-01T00:00:${to}Z`,
  seconds: to - from,
  wait: null,
  message: "",
  problem: null,
  ...more,
});
const at = (seconds) => Date.parse("2026-01-01T00:00:00Z") + 1000 * seconds;

test("an event changes the one node it is about, and the run it came to stays as it was", () => {
  const before = run(node("a"), node("b"));
  const after = applied(before, event("a", "running"));
  assert.deepEqual(
    after.nodes.map(({ status }) => status),
    ["running", "pending"],
  );
  assert.equal(after.nodes[0].started_at, "2026-01-01T00:00:05Z");
  assert.equal(before.nodes[0].status, "pending");
  const done = applied(after, event("a", "success", { seconds: 2, rows: 7 }));
  assert.deepEqual([done.nodes[0].status, done.nodes[0].rows, done.nodes[0].ended_at], ["success", 7, "2026-01-01T00:00:05Z"]);
});

test("events heard again take nothing back, and those about nobody change nothing", () => {
  const over = run(node("a", { status: "success" }));
  assert.deepEqual(applied(over, event("a", "queued")), over);
  assert.equal(applied(over, event("x", "running")), over);
  assert.equal(applied(over, { sequence: 1, at: "", status: "over" }), over);
});

test("progress counts what is over, what runs, and what went wrong", () => {
  const told = progress(["success", "pass", "reused", "error", "skipped", "running", "waiting", "pending"].map((status) => ({ status })));
  assert.deepEqual([told.done, told.total], [5, 8]);
  assert.deepEqual(
    told.parts.map(({ look, count }) => `${look} ${count}`),
    ["success 3", "error 1", "skipped 1", "running 2"],
  );
  assert.deepEqual(progressOf({ passed: 2, crashed: 1, failed: 1 }, 9), {
    parts: [
      { look: "success", count: 2 },
      { look: "error", count: 2 },
    ],
    done: 4,
    total: 9,
  });
});

test("every attempt is a bar, waits lie between them, and what runs goes on until now", () => {
  const flaky = node("b", {
    status: "running",
    started_at: "2026-01-01T00:00:02Z",
    attempts: [attempt("02", "04", "failed_transient", { wait: 3 })],
  });
  const [first, second] = bars([flaky, node("a", { status: "success", attempts: [attempt("00", "02")] }), node("c")], at(9));
  assert.deepEqual(
    first.map(({ name, look, from, to }) => [name, look, (from - at(0)) / 1000, (to - at(0)) / 1000]),
    [["a", "success", 0, 2]],
  );
  assert.deepEqual(
    second.map(({ look, from, to }) => [look, (from - at(0)) / 1000, (to - at(0)) / 1000]),
    [
      ["error", 2, 4],
      ["wait", 4, 7],
      ["running", 7, 9],
    ],
  );
});

test("the critical path leads from what ended last over the parent that ended last", () => {
  const ended = (name, second, parents = []) =>
    node(name, { status: "success", ended_at: `2026-01-01T00:00:0${second}Z`, parents: parents.map((one) => `model.p.${one}`) });
  const way = criticalPath([
    ended("a", 2),
    ended("b", 5),
    ended("c", 7, ["a", "b"]),
    ended("d", 6, ["a"]),
    { ...ended("t", 9), kind: "test" },
  ]);
  assert.deepEqual([...way].sort(), ["model.p.b", "model.p.c"]);
});

test("an axis has few marks at round distances", () => {
  assert.deepEqual(marks(10), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(marks(0.05), [0, 0.01, 0.02, 0.03, 0.04, 0.05]);
  assert.ok(marks(100_000).length <= 7);
  assert.deepEqual([0, 0.2, 30, 60, 150, 7200].map(axisLabel), ["0", "0.2 s", "30 s", "1 min", "2 min 30 s", "2 h"]);
});
