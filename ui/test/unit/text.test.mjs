import assert from "node:assert/strict";
import { test } from "node:test";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { shop } from "../../fixture/shop.mjs";
import { load } from "./load.mjs";

const { highlight, lines } = await load("text/highlight.ts");
const { Markdown, safeAddress } = await load("text/markdown.tsx");
const { around, columnNames, Engine, tokens } = await load("search/engine.ts");
const { bytes, duration, moment } = await load("parts/format.ts");
const { trendText } = await load("pages/node-runs.tsx");

const looks = (text, language = "sql") =>
  highlight(text, language)
    .filter((piece) => piece.text.trim())
    .map((piece) => `${piece.look}:${piece.text.trim()}`);

test("colouring changes no character", () => {
  for (const text of [
    "select 'it''s' from \"a b\" -- end",
    "{% if x %}{{ y }}{# z #}",
    "'never closed",
    "/* never closed",
    "$$ body $$ \n\n x",
    "`bq`.`t`",
    "1e5 + .5 - a.1",
    "",
    "ünïcode “quotes” €",
  ]) {
    for (const language of ["sql", "python"]) {
      assert.equal(
        highlight(text, language)
          .map((piece) => piece.text)
          .join(""),
        text,
      );
      assert.equal(
        lines(highlight(text, language))
          .map((row) => row.map((piece) => piece.text).join(""))
          .join("\n"),
        text,
      );
    }
  }
});

test("SQL and Jinja are told apart", () => {
  assert.deepEqual(looks("SELECT sum(a) FROM {{ ref('x') }} -- from\nwhere b = 'select' and selected = 1"), [
    "keyword:SELECT",
    "call:sum",
    "plain:(a)",
    "keyword:FROM",
    "jinja:{{ ref('x') }}",
    "comment:-- from",
    "keyword:where",
    "plain:b =",
    "text:'select'",
    "keyword:and",
    "plain:selected =",
    "number:1",
  ]);
});

test("Python too", () => {
  assert.deepEqual(looks('def model(ctx):\n    """Says def."""\n    return 1  # def', "python"), [
    "keyword:def",
    "call:model",
    "plain:(ctx):",
    'text:"""Says def."""',
    "keyword:return",
    "number:1",
    "comment:# def",
  ]);
});

const render = (text) => renderToStaticMarkup(createElement(Markdown, { text }));

test("markup in a description is text", () => {
  const html = render("Hi <script>alert(1)</script> <img src=x onerror=alert(1)>\n\n<div onclick='x'>block</div>");
  assert.ok(!/<(script|img|div onclick)/.test(html), html);
  assert.ok(html.includes("&lt;script&gt;"), html);
});

test("pictures are links: nothing is fetched for a description", () => {
  const html = render("![pixel](https://example.org/p.png)");
  assert.ok(!html.includes("<img") && html.includes('href="https://example.org/p.png"'), html);
});

test("links lead to the web, to mail and into the site, nowhere else", () => {
  for (const good of ["https://a.b/c", "HTTP://a.b", "mailto:a@b.c", "#/node/x", "#part"]) assert.equal(safeAddress(good), good);
  for (const bad of [
    "javascript:alert(1)",
    " java\nscript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "\u0001javascript:x",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc",
    "//a.b",
    "relative/page.html",
  ])
    assert.equal(safeAddress(bad), undefined);
  assert.ok(!render("[x](javascript:alert(1)) <javascript:alert(1)> [y](data:text/html;base64,AAAA)").includes("href"));
});

test("entities are shown as what they mean, once", () => {
  assert.ok(render("`a < b` && c &amp; d").includes("<code>a &lt; b</code> &amp;&amp; c &amp; d"));
});

test("tables, lists and headings become elements below the page's own heading", () => {
  const html = render("# Top\n\n* one\n* two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n");
  assert.ok(render("### Deep\n\n#### Deeper").includes('<h2 id="deep">Deep</h2><h3'), "whatever the author begins with");
  for (const part of ['<h2 id="top">Top</h2>', "<li>", '<th scope="col">a</th>', "<td>1</td>"]) assert.ok(html.includes(part), html);
});

test("names are cut into words", () => {
  assert.deepEqual(tokens("stg_OrderItems.v2"), ["stg", "order", "items", "v2"]);
  assert.deepEqual(columnNames('id "order date" total'), ["id", "order date", "total"]);
});

function engine() {
  const { project, search, macros } = shop();
  const made = new Engine();
  made.addNames(project.nodes.map((node) => ({ name: node.name, words: node.folder.join(" ") })));
  made.addMacros(macros.map((macro) => macro.name));
  made.addColumns(search.columns);
  made.addTexts(search.texts);
  const names = (query, area) =>
    made
      .search(query)
      .hits.filter((hit) => hit.area === area)
      .map((hit) => (area === "column" ? hit.label : area === "macro" ? macros[hit.index].name : project.nodes[hit.index].name));
  return { made, names };
}

test("search finds names, columns, macros and descriptions, the best first", () => {
  const { made, names } = engine();
  assert.equal(names("customer_value", "name")[0], "customer_value");
  assert.equal(names("cust", "name")[0], "customer_value");
  assert.deepEqual(names("revenue", "column"), ["revenue"]);
  assert.deepEqual(names("cents", "macro"), ["cents"]);
  assert.deepEqual(names("mondays", "text"), ["finance_dashboard"]);
  assert.ok(names("custmer", "name").includes("customer_value"), "a slip of the finger is forgiven");
  assert.ok(names("_pai", "name").includes("int_paid_orders"));
  assert.ok(names("aily", "name").includes("daily_revenue"), "also inside a word");
  const within = (query) =>
    made
      .search(query)
      .hits.filter((hit) => hit.area === "column")
      .map((hit) => `${shop().project.nodes[hit.index].name}.${hit.label}`);
  assert.deepEqual(within("stg_orders.amount"), ["stg_orders.amount"]);
  assert.deepEqual(within("customer_value email"), ["customer_value.email"]);
  assert.deepEqual(names("x", "name"), []);
  assert.deepEqual(names("D", "name"), ["daily_revenue", "finance_dashboard"]);
  assert.deepEqual(names("id", "column").slice(0, 1), ["id"], "the very name comes first");
  assert.deepEqual(made.search("").hits, []);
  assert.deepEqual(made.search("_ !").hits, []);
  const id = made.search("customer_id").hits.find((hit) => hit.area === "column");
  assert.equal(id.others, 6);
});

test("a hit in a long text shows the words around it", () => {
  const text = `${"before ".repeat(20)}needle ${"after ".repeat(40)}`;
  assert.match(around(text, "needle"), /^… (before )+needle (after )+/);
  assert.equal(around("short", "short"), "short");
});

test("numbers and times read well", () => {
  assert.deepEqual([0.424, 12.4, 200, 7500].map(duration), ["0.42 s", "12 s", "3 min 20 s", "2 h 5 min"]);
  assert.deepEqual([512, 5242880, 2e12].map(bytes), ["512 B", "5.2 MB", "2.0 TB"]);
  assert.equal(moment("2026-01-30T06:30:00+00:00"), "2026-01-30 06:30 UTC");
  assert.equal(moment("yesterday"), "yesterday");
});

test("the duration trend has words", () => {
  const run = (took, status) => ({ run: "r", at: "", took, status });
  assert.equal(
    trendText([run(1, "success"), run(3, "error"), run(2, "success")]),
    "The last 3 runs took 1.00 s to 3.00 s, typically 2.00 s; 1 failed.",
  );
});
