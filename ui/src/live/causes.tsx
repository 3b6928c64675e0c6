/** What went wrong in a run, the root first; what was skipped because of it is folded below. */

import { StatusMark } from "../parts/badge";
import { Code } from "../parts/code";
import { counted } from "../parts/format";
import { Icon } from "../parts/icon";
import { nodePlace } from "../place";
import type { Cause } from "./shapes";

const SHOWN = 4;

export function Causes({ causes }: { causes: readonly Cause[] }) {
  if (!causes.length) return null;
  return (
    <section className="causes" aria-labelledby="causes">
      <h2 id="causes">What went wrong</h2>
      {causes.slice(0, SHOWN).map((cause) => (
        <CauseCard key={cause.node} cause={cause} />
      ))}
      {causes.length > SHOWN ? (
        <details className="more-causes">
          <summary>{causes.length - SHOWN} more</summary>
          {causes.slice(SHOWN).map((cause) => (
            <CauseCard key={cause.node} cause={cause} />
          ))}
        </details>
      ) : null}
    </section>
  );
}

/** The same in a line each, where the page shows something else; a click leads back to the evidence. */
export const CausesShort = ({ causes, href }: { causes: readonly Cause[]; href: string }) =>
  causes.length ? (
    <ul className="causes-short" aria-label="What went wrong">
      {causes.map((cause) => (
        <li key={cause.node}>
          <StatusMark status="error" quiet />
          <a className="mono" href={href}>
            {cause.name}
          </a>
          <span className="clip small">{cause.message}</span>
          {cause.skipped.length ? <span className="faint small nowrap">{cause.skipped.length} skipped</span> : null}
        </li>
      ))}
    </ul>
  ) : null;

export function CauseCard({ cause }: { cause: Cause }) {
  const { problem } = cause;
  const last = cause.attempts.length;
  return (
    <article className="cause" data-cause={cause.node}>
      <header className="row">
        <Icon name={cause.kind} />
        <h3>
          <a
            className="mono"
            href={cause.kind === "test" || cause.kind === "unit_test" ? "#/list" : nodePlace(cause.node, { tab: "runs" })}
          >
            {cause.name}
          </a>
        </h3>
        {problem ? (
          <span className="badge badge-plain mono" title="docs/errors.md says what it means">
            {problem.code}
          </span>
        ) : null}
        {last > 1 ? <span className="faint small">after {last} attempts</span> : null}
      </header>
      <p className="cause-says">{problem?.message ?? cause.message}</p>
      {cause.gates.length ? (
        <ul className="gates">
          {cause.gates.map((gate) => (
            <li key={gate.node}>
              <span className="mono">{gate.name}</span> <span className="faint">{gate.message}</span>
              {gate.source ? <Excerpt source={gate.source} /> : null}
              {gate.inspect ? <Fold title="Query that shows the rows" text={gate.inspect} /> : null}
            </li>
          ))}
        </ul>
      ) : null}
      {cause.source ? (
        <Excerpt source={cause.source} />
      ) : problem?.at ? (
        <p className="mono small faint">{`${problem.at.file}:${problem.at.line}`}</p>
      ) : null}
      {problem?.hint ? (
        <p className="hint">
          <span className="faint">hint</span> {problem.hint}
        </p>
      ) : null}
      {cause.log.length ? (
        <details>
          <summary>{counted(cause.log.length, "line")} of its log</summary>
          <Code text={cause.log.join("\n")} language="sql" label="Log" bare />
        </details>
      ) : null}
      {cause.inspect ? <Fold title="Query that shows what was built" text={cause.inspect} /> : null}
      {cause.sql ? <Fold title="Statement that was sent" text={cause.sql} /> : null}
      {cause.skipped.length ? (
        <details className="skipped-because">
          <summary>{counted(cause.skipped.length, "node")} skipped because of it</summary>
          <p className="mono small breaks">
            {cause.skipped.map(({ node, name, kind }, index) => (
              <span key={node}>
                {index ? ", " : ""}
                {kind === "test" || kind === "unit_test" ? name : <a href={nodePlace(node)}>{name}</a>}
              </span>
            ))}
          </p>
        </details>
      ) : null}
    </article>
  );
}

const Fold = ({ title, text }: { title: string; text: string }) => (
  <details>
    <summary>{title}</summary>
    <Code text={text} language="sql" label={title} />
  </details>
);

function Excerpt({ source }: { source: NonNullable<Cause["source"]> }) {
  return (
    <figure className="excerpt">
      <figcaption className="mono small faint">{`${source.file}:${source.line}:${source.column}`}</figcaption>
      <pre tabIndex={0} role="group" aria-label={`Lines around ${source.file}:${source.line}`}>
        {source.lines.map((text, index) => (
          <span key={index} className={source.first + index === source.line ? "excerpt-line excerpt-here" : "excerpt-line"}>
            <span className="excerpt-number" aria-hidden="true">
              {source.first + index}
            </span>
            {text || " "}
          </span>
        ))}
      </pre>
    </figure>
  );
}
