/** The first page: what the project is, how big, how it hangs together, and what is not well. */

import { hasTrouble, KINDS, plural } from "../catalogue";
import { useCatalogue, useTitle } from "../hooks";
import { NodeLink } from "../parts/badge";
import { counted, number } from "../parts/format";
import { formatPlace } from "../place";
import { Markdown } from "../text/markdown";
import { FolderMap } from "./map";

const TROUBLES = 8;

export function Overview() {
  const { project, nodes } = useCatalogue();
  useTitle(project.name);
  const troubles = nodes.filter(hasTrouble).sort((a, b) => Number(b.status === "error") - Number(a.status === "error"));
  const { counts } = project;
  return (
    <>
      <p className="kicker">
        {project.engine} · target {project.target}
      </p>
      <h1>{project.name}</h1>
      <dl className="counts">
        {KINDS.map((kind) => ({ kind, count: nodes.filter((node) => node.kind === kind).length }))
          .filter(({ count }) => count)
          .map(({ kind, count }) => (
            <Count
              key={kind}
              label={count === 1 ? kind : plural(kind)}
              value={count}
              href={formatPlace({ path: ["list"], query: { kind } })}
            />
          ))}
        <Count label="columns" value={counts.columns} />
        <Count label="tests" value={counts.tests + counts.unit_tests} />
        {counts.macros ? <Count label="macros" value={counts.macros} href="#/macros" /> : null}
        {counts.columns ? <Count label="columns traced" value={`${Math.floor((100 * counts.traced) / counts.columns)} %`} /> : null}
      </dl>
      {project.overview ? (
        <section aria-label="About" className="prose">
          <Markdown text={project.overview} />
        </section>
      ) : null}
      <section aria-labelledby="trouble">
        <h2 id="trouble">Needs attention</h2>
        {troubles.length ? (
          <ul className="rows">
            {troubles.slice(0, TROUBLES).map((node) => (
              <li key={node.id}>
                <NodeLink node={node} withFolder />
                <span className="faint small clip">{node.summary}</span>
              </li>
            ))}
          </ul>
        ) : (
          <p className="faint">No node failed or warned in its last run.</p>
        )}
        {troubles.length > TROUBLES ? (
          <p className="more">
            All with{" "}
            {(["error", "warn"] as const).map((status) => (
              <a key={status} href={formatPlace({ path: ["list"], query: { status } })}>
                {counted(troubles.filter((node) => node.status === status).length, status === "warn" ? "warning" : status)}
              </a>
            ))}
          </p>
        ) : null}
      </section>
      <section aria-labelledby="folders">
        <div className="row">
          <h2 id="folders">Folders</h2>
          <a href="#/map">Open the map</a>
        </div>
        <FolderMap at={[]} isSmall />
      </section>
    </>
  );
}

function Count({ label, value, href }: { label: string; value: number | string; href?: string }) {
  const shown = typeof value === "number" ? number(value) : value;
  return (
    <div>
      <dt>{label}</dt>
      <dd>{href ? <a href={href}>{shown}</a> : shown}</dd>
    </div>
  );
}
