/**
 * Markdown as React elements. Nothing is ever parsed as HTML: markup in a description is shown as it was typed, links lead only to the
 * web, mail and this site, and pictures are links, because a page must not fetch what somebody wrote into a description.
 */

import { lexer, type Token, type Tokens } from "marked";
import { createElement, Fragment, useMemo, type ReactNode } from "react";
import { Code } from "../parts/code";
import { Scroll } from "../parts/scroll";

const SAFE = /^(?:https?:|mailto:)/i;

/** The address when it is one that a description may lead to. */
export function safeAddress(href: string): string | undefined {
  // Browsers ignore control characters and spaces at the front, so they must not hide a scheme.
  const address = [...href].filter((sign) => sign > " " && sign !== "\u007f").join("");
  return SAFE.test(address) || address.startsWith("#") ? address : undefined;
}

const plain = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ({ amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" })[name] ?? "");

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");

/** The highest heading of a description stands right below the page's own, whatever its author began with. */
function raised(tokens: Token[]): Token[] {
  const highest = Math.min(...tokens.flatMap((token) => (token.type === "heading" ? (token as Tokens.Heading).depth : [])));
  return tokens.map((token) =>
    token.type === "heading" ? { ...(token as Tokens.Heading), depth: (token as Tokens.Heading).depth - highest + 1 } : token,
  );
}

export function Markdown({ text, inline = false }: { text: string; inline?: boolean }) {
  const parts = useMemo(() => raised(lexer(text)), [text]);
  const only = parts[0];
  if (inline && parts.length === 1 && only?.type === "paragraph")
    return <span className="markdown">{all((only as Tokens.Paragraph).tokens)}</span>;
  return <div className="markdown">{all(parts)}</div>;
}

/** The tokens marked makes without extensions. */
type Known =
  | Tokens.Space
  | Tokens.Def
  | Tokens.Heading
  | Tokens.Paragraph
  | Tokens.Blockquote
  | Tokens.Hr
  | Tokens.Code
  | Tokens.List
  | Tokens.Table
  | Tokens.Strong
  | Tokens.Em
  | Tokens.Del
  | Tokens.Codespan
  | Tokens.Br
  | Tokens.Link
  | Tokens.Image
  | Tokens.Text
  | Tokens.Escape
  | Tokens.Checkbox
  | Tokens.HTML
  | Tokens.Tag;

const all = (tokens: readonly Token[] | undefined): ReactNode =>
  tokens?.map((token, index) => <Fragment key={index}>{one(token)}</Fragment>);

function one(token: Token): ReactNode {
  const known = token as Known;
  switch (known.type) {
    case "space":
    case "def":
      return null;
    case "heading":
      return createElement(`h${Math.min(known.depth + 1, 6)}`, { id: slug(known.text) }, all(known.tokens));
    case "paragraph":
      return <p>{all(known.tokens)}</p>;
    case "blockquote":
      return <blockquote>{all(known.tokens)}</blockquote>;
    case "hr":
      return <hr />;
    case "code":
      return (
        <Code
          text={known.text}
          language={known.lang === "python" ? "python" : "sql"}
          bare={!["sql", "jinja", "python"].includes(known.lang ?? "")}
        />
      );
    case "list":
      return createElement(
        known.ordered ? "ol" : "ul",
        known.ordered && known.start ? { start: known.start } : {},
        known.items.map((item: Tokens.ListItem, index: number) => (
          <li key={index}>
            {item.task ? (item.checked ? "☑ " : "☐ ") : null}
            {all(item.tokens)}
          </li>
        )),
      );
    case "table":
      return <MarkdownTable table={known} />;
    case "strong":
      return <strong>{all(known.tokens)}</strong>;
    case "em":
      return <em>{all(known.tokens)}</em>;
    case "del":
      return <del>{all(known.tokens)}</del>;
    case "codespan":
      return <code>{plain(known.text)}</code>;
    case "br":
      return <br />;
    case "link":
      return <Link href={known.href}>{all(known.tokens)}</Link>;
    case "image":
      return <Link href={known.href}>{known.text || known.href}</Link>;
    case "text":
      return "tokens" in known && known.tokens ? all(known.tokens) : plain(known.text);
    case "escape":
      return plain(known.text);
    case "checkbox":
      return null;
    case "html":
      return isComment(known.text) ? null : known.text;
    default:
      return token.raw;
  }
}

const isComment = (text: string): boolean => /^\s*<!--[\s\S]*-->\s*$/.test(text);

function Link({ href, children }: { href: string; children: ReactNode }) {
  const address = safeAddress(href);
  if (!address)
    return (
      <span className="dead-link" title={href}>
        {children}
      </span>
    );
  if (address.startsWith("#/")) return <a href={address}>{children}</a>;
  if (address.startsWith("#")) {
    const jump = (event: React.MouseEvent): void => {
      event.preventDefault(); // the fragment is taken: it says which page this is
      document.getElementById(address.slice(1))?.scrollIntoView();
    };
    return (
      <a href={address} onClick={jump}>
        {children}
      </a>
    );
  }
  return (
    <a href={address} rel="noreferrer noopener" target="_blank">
      {children}
    </a>
  );
}

function MarkdownTable({ table }: { table: Tokens.Table }) {
  return (
    <Scroll label="Table">
      <table>
        <thead>
          <tr>
            {table.header.map((cell, index) => (
              <th key={index} scope="col">
                {all(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column}>{all(cell.tokens)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
