/** Cuts SQL with Jinja, and Python, into coloured pieces. Forgiving: what it does not know stays plain. */

export type Look = "plain" | "keyword" | "text" | "number" | "comment" | "jinja" | "name" | "call";

export interface Piece {
  look: Look;
  text: string;
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

const SQL_KEYWORDS = words(
  "select from where group by having order limit offset qualify window union all intersect except distinct on using join left right full inner outer cross lateral " +
    "natural as with recursive case when then else end and or not in is null like ilike between exists any some true false cast try_cast interval over partition rows range " +
    "preceding following unbounded current row filter within asc desc nulls first last values insert into update delete set create replace table view temporary temp if drop alter " +
    "add column primary key foreign references unique default check constraint merge matched returning array struct map unnest pivot unpivot exclude rename tablesample date " +
    "timestamp time extract at zone for similar to escape collate fetch next only begin commit transaction",
);
const PYTHON_KEYWORDS = words(
  "False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda match case nonlocal not or pass raise " +
    "return try while with yield",
);

/** Order matters: the first that fits at a place wins. */
const SQL: readonly [Look, RegExp][] = [
  ["comment", /\{#[\s\S]*?(?:#\}|$)/y],
  ["jinja", /\{\{[\s\S]*?(?:\}\}|$)|\{%[\s\S]*?(?:%\}|$)/y],
  ["comment", /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y],
  ["text", /'(?:[^']|'')*(?:'|$)|\$\$[\s\S]*?(?:\$\$|$)/y],
  ["name", /"(?:[^"]|"")*(?:"|$)|`[^`]*(?:`|$)/y],
  ["number", /\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/iy],
  ["plain", /[A-Za-z_][\w$]*/y],
];
const PYTHON: readonly [Look, RegExp][] = [
  ["comment", /#[^\n]*/y],
  ["text", /[rbfRBF]{0,2}(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*(?:"|$|\n)|'(?:\\.|[^'\\\n])*(?:'|$|\n))/y],
  ["jinja", /@[\w.]+/y],
  ["number", /\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?\b/iy],
  ["plain", /[A-Za-z_]\w*/y],
];

export function highlight(text: string, language: "sql" | "python"): Piece[] {
  const rules = language === "sql" ? SQL : PYTHON;
  const pieces: Piece[] = [];
  const push = (look: Look, part: string): void => {
    const last = pieces[pieces.length - 1];
    if (last && last.look === look) last.text += part;
    else pieces.push({ look, text: part });
  };
  for (let at = 0; at < text.length;) {
    const [look, part] = next(text, at, rules);
    push(look === "plain" ? lookOfWord(part, text, at + part.length, language) : look, part);
    at += part.length;
  }
  return pieces;
}

function next(text: string, at: number, rules: readonly [Look, RegExp][]): [Look, string] {
  for (const [look, pattern] of rules) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found) return [look, found];
  }
  return ["plain", text[at] ?? ""];
}

function lookOfWord(word: string, text: string, end: number, language: "sql" | "python"): Look {
  if (!/^\w/.test(word)) return "plain";
  if (language === "sql" ? SQL_KEYWORDS.has(word.toLowerCase()) : PYTHON_KEYWORDS.has(word)) return "keyword";
  return text[end] === "(" ? "call" : "plain";
}

/** The same pieces, line by line. */
export function lines(pieces: readonly Piece[]): Piece[][] {
  const found: Piece[][] = [[]];
  for (const { look, text } of pieces) {
    text.split("\n").forEach((part, index) => {
      if (index) found.push([]);
      if (part) found[found.length - 1]?.push({ look, text: part });
    });
  }
  return found;
}
