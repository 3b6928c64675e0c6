/** Source text with colours, line numbers and a button that copies it. */

import { useMemo, useState } from "react";
import { highlight, lines } from "../text/highlight";
import { Icon } from "./icon";

export function Code({
  text,
  language,
  label,
  bare = false,
}: {
  text: string;
  language: "sql" | "python";
  label?: string;
  bare?: boolean;
}) {
  const rows = useMemo(
    () => lines(bare ? [{ look: "plain", text }] : highlight(text.replace(/\n+$/, ""), language)),
    [text, language, bare],
  );
  return (
    <figure className="code">
      {label ? <figcaption className="unseen">{label}</figcaption> : null}
      <CopyButton text={text} />
      <pre tabIndex={0} role="group" aria-label={label ?? "Code"}>
        <code>
          {rows.map((row, index) => (
            <span className="line" key={index}>
              {row.map((piece, position) =>
                piece.look === "plain" ? (
                  piece.text
                ) : (
                  <span key={position} className={`look-${piece.look}`}>
                    {piece.text}
                  </span>
                ),
              )}
              {"\n"}
            </span>
          ))}
        </code>
      </pre>
    </figure>
  );
}

/** One line of code among words. */
export const Expression = ({ text }: { text: string }) => (
  <code className="expression">
    {highlight(text, "sql").map((piece, index) =>
      piece.look === "plain" ? (
        piece.text
      ) : (
        <span key={index} className={`look-${piece.look}`}>
          {piece.text}
        </span>
      ),
    )}
  </code>
);

function CopyButton({ text }: { text: string }) {
  const [said, setSaid] = useState("Copy");
  const copy = (): void => {
    copyText(text).then(
      () => setSaid("Copied"),
      () => setSaid("Not allowed"),
    );
    setTimeout(() => setSaid("Copy"), 2000);
  };
  return (
    <button type="button" className="button copy" onClick={copy}>
      <Icon name="copy" />
      <span aria-live="polite">{said}</span>
    </button>
  );
}

/** The clipboard is there only on secure pages; a plain file server is not one, so the old way must do there. */
async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser does not let this page copy");
}
