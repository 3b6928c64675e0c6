/** The side of a node's page: where it is, whose it is, how fresh, what it reads and who reads it. */

import { Fragment, type ReactNode } from "react";
import type { NodeDetail, NodeSummary } from "../data";
import { reach } from "../graph/neighbourhood";
import { useCatalogue, useMacros } from "../hooks";
import { Breaks, NodeLink, StatusMark } from "../parts/badge";
import { bytes, counted, moment, number } from "../parts/format";
import { formatPlace } from "../place";

const SHOWN = 25;

export function Facts({ node, index, detail }: { node: NodeSummary; index: number; detail: NodeDetail }) {
  const { parents, children } = useCatalogue();
  const { catalog, freshness, owner, exposure, source } = detail;
  return (
    <aside className="facts" aria-label="Facts">
      <List
        title={node.kind === "source" || node.kind === "seed" ? "" : "Upstream"}
        direct={parents[index] ?? []}
        all={reach(parents, index).length}
      />
      <List title={node.kind === "exposure" ? "" : "Downstream"} direct={children[index] ?? []} all={reach(children, index).length} />
      <section>
        <h2>Facts</h2>
        <dl>
          <Fact name="Relation">{detail.relation ? <Breaks text={detail.relation} /> : null}</Fact>
          <Fact name="File">{detail.path ? <Breaks text={`${detail.path}${detail.line ? `:${detail.line}` : ""}`} /> : null}</Fact>
          <Fact name="Described in">
            {detail.patch_path && detail.patch_path !== detail.path ? <Breaks text={detail.patch_path} /> : null}
          </Fact>
          <Fact name="Owner">
            {owner?.name || owner?.email || node.owner ? (
              <>
                {owner?.name ?? node.owner ?? owner?.email}
                {owner?.email && owner.name ? (
                  <>
                    <br />
                    <a href={`mailto:${owner.email}`}>{owner.email}</a>
                  </>
                ) : null}
              </>
            ) : null}
          </Fact>
          <Fact name="Source">
            {source ? (
              <>
                {source.name}
                {source.loader ? `, loaded by ${source.loader}` : ""}
                {source.description ? (
                  <>
                    <br />
                    <span className="small">{source.description}</span>
                  </>
                ) : null}
              </>
            ) : null}
          </Fact>
          <Fact name="Kind">{exposure ? `${exposure.type}${exposure.maturity ? `, maturity ${exposure.maturity}` : ""}` : null}</Fact>
          <Fact name="In the warehouse">
            {catalog
              ? [
                  catalog.type,
                  catalog.rows === undefined ? "" : counted(catalog.rows, "row"),
                  catalog.bytes === undefined ? "" : bytes(catalog.bytes),
                  catalog.owner ? `owned by ${catalog.owner}` : "",
                ]
                  .filter(Boolean)
                  .join(", ")
              : null}
          </Fact>
          <Fact name="Comment there">{catalog?.comment}</Fact>
          <Fact name="Macros">{detail.macros?.length ? <Macros ids={detail.macros} /> : null}</Fact>
        </dl>
      </section>
      {freshness ? (
        <section>
          <h2>Freshness</h2>
          <dl>
            <Fact name="State">{freshness.status ? <StatusMark status={freshness.status} /> : null}</Fact>
            <Fact name="Age">{freshness.age}</Fact>
            <Fact name="Newest row">{freshness.max_loaded_at ? moment(freshness.max_loaded_at) : null}</Fact>
            <Fact name="Measured by">{freshness.loaded_at_field ? <span className="mono">{freshness.loaded_at_field}</span> : null}</Fact>
            <Fact name="Warns after">{freshness.warn_after}</Fact>
            <Fact name="Fails after">{freshness.error_after}</Fact>
          </dl>
        </section>
      ) : null}
      <Pairs title="Config" pairs={detail.config} />
      <Pairs title="Meta" pairs={detail.meta} />
    </aside>
  );
}

/** Macros that have a page are links; those that come with dbt or with orc are names. */
function Macros({ ids }: { ids: readonly string[] }) {
  const { value } = useMacros();
  const known = new Set(value?.map((macro) => `${macro.package}.${macro.name}`));
  return ids.map((id, position) => {
    const name = id.replace(/^macro\./, "");
    const short = <span className="mono breaks">{name.split(".").pop()}</span>;
    return (
      <Fragment key={id}>
        {position ? ", " : ""}
        {known.has(name) ? <a href={formatPlace({ path: ["macro", name], query: {} })}>{short}</a> : short}
      </Fragment>
    );
  });
}

const Fact = ({ name, children }: { name: string; children: ReactNode }) =>
  children === null || children === undefined || children === "" ? null : (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );

function Pairs({ title, pairs }: { title: string; pairs: NodeDetail["config"] }) {
  if (!pairs?.length) return null;
  return (
    <section>
      <h2>{title}</h2>
      <dl>
        {pairs.map(([name, value]) => (
          <Fact key={name} name={name}>
            <Breaks text={value} />
          </Fact>
        ))}
      </dl>
    </section>
  );
}

function List({ title, direct, all }: { title: string; direct: readonly number[]; all: number }) {
  const { nodes } = useCatalogue();
  if (!title) return null;
  return (
    <section>
      <h2>
        {title}{" "}
        <span className="faint">
          {direct.length}
          {all > direct.length ? ` · ${number(all)} in all` : ""}
        </span>
      </h2>
      {direct.length ? (
        <ul className="plain-list">
          {direct
            .slice(0, SHOWN)
            .map((index) => nodes[index])
            .filter((node) => node !== undefined)
            .map((node) => (
              <li key={node.id}>
                <NodeLink node={node} />
              </li>
            ))}
        </ul>
      ) : (
        <p className="faint small">Nothing.</p>
      )}
      {direct.length > SHOWN ? (
        <details className="small">
          <summary>{counted(direct.length - SHOWN, "more", "more")}</summary>
          <ul className="plain-list">
            {direct
              .slice(SHOWN)
              .map((index) => nodes[index])
              .filter((node) => node !== undefined)
              .map((node) => (
                <li key={node.id}>
                  <NodeLink node={node} />
                </li>
              ))}
          </ul>
        </details>
      ) : null}
    </section>
  );
}
