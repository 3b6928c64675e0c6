/** The page of a model, source, seed, snapshot, exposure or analysis. */

import { folderOf, plural, titleOf } from "../catalogue";
import type { Kind, NodeDetail, NodeSummary } from "../data";
import { Lineage } from "../graph/lineage";
import { useCatalogue, useNode, useTitle } from "../hooks";
import { isLive } from "../live/api";
import { History } from "../live/history";
import { StatusMark, Tags } from "../parts/badge";
import { Code } from "../parts/code";
import { counted } from "../parts/format";
import { Icon } from "../parts/icon";
import { formatPlace, type Place } from "../place";
import { Markdown } from "../text/markdown";
import { Columns } from "./node-columns";
import { Facts } from "./node-facts";
import { Runs } from "./node-runs";
import { NotFound } from "./not-found";
import { Tests } from "./node-tests";

const BUILT: readonly Kind[] = ["model", "seed", "snapshot"];

/** A part of the page; `count` is shown beside its name. */
interface Tab {
  key: string;
  title: string;
  count?: number | undefined;
}

export function NodePage({ place }: { place: Place }) {
  const { nodes, byId } = useCatalogue();
  const id = place.path[1] ?? "";
  const index = byId.get(id);
  const node = index === undefined ? undefined : nodes[index];
  const { value: detail, error } = useNode(node?.file);
  useTitle(node ? titleOf(node) : "Not found");
  if (!node || index === undefined) return <NotFound what={id} />;
  const tabs = tabsOf(node, detail);
  const tab = tabs.find(({ key }) => key === place.query.tab)?.key ?? (place.query.tab && !detail ? place.query.tab : "");
  return (
    <>
      <Head node={node} />
      <nav aria-label="Parts of the page" className="tabs">
        <ul>
          {tabs.map(({ key, title, count }) => (
            <li key={key}>
              <a
                href={formatPlace({
                  path: place.path,
                  query: {
                    ...(key ? { tab: key } : {}),
                    ...(place.query.column && (key === "" || key === "lineage") ? { column: place.query.column } : {}),
                  },
                })}
                {...(tab === key ? { "aria-current": "page" as const } : {})}
              >
                {title}
                {count ? <span className="count">{count}</span> : null}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {error ? (
        <p role="alert" className="note">
          The details could not be read: {error}
        </p>
      ) : null}
      {tab === "lineage" ? (
        <Lineage place={place} focus={index} />
      ) : tab === "runs" && isLive ? (
        <History node={node.id} />
      ) : detail ? (
        <Part tab={tab} place={place} node={node} index={index} detail={detail} />
      ) : (
        <p role="status" className="faint">
          {error ? "" : "Reading…"}
        </p>
      )}
    </>
  );
}

function tabsOf(node: NodeSummary, detail: NodeDetail | undefined): Tab[] {
  return [
    { key: "", title: "About" },
    ...(detail?.raw || detail?.compiled ? [{ key: "code", title: "Code" }] : []),
    { key: "lineage", title: "Lineage" },
    ...(node.tests ? [{ key: "tests", title: "Tests", count: node.tests }] : []),
    ...(isLive && BUILT.includes(node.kind)
      ? [{ key: "runs", title: "History" }]
      : detail?.runs?.length
        ? [{ key: "runs", title: "Runs", count: detail.runs.length }]
        : []),
  ];
}

function Head({ node }: { node: NodeSummary }) {
  const href = formatPlace({ path: ["list"], query: { kind: node.kind } });
  return (
    <>
      <nav aria-label="Where this is" className="crumbs">
        <a href={href}>{plural(node.kind)}</a>
        {node.folder.map((part, depth) => (
          <span key={depth}>
            {" "}
            /{" "}
            <a href={formatPlace({ path: ["list"], query: { kind: node.kind, folder: node.folder.slice(0, depth + 1).join("/") } })}>
              {part}
            </a>
          </span>
        ))}
      </nav>
      <div className="title">
        <Icon name={node.kind} size={24} />
        <h1 className="mono" title={folderOf(node)}>
          <span className="unseen">{node.kind} </span>
          {titleOf(node)}
        </h1>
        {node.status ? <StatusMark status={node.status} /> : null}
      </div>
      <p className="badges">
        {[node.materialized, node.access].filter(Boolean).map((word) => (
          <span key={word} className="badge badge-plain">
            {word}
          </span>
        ))}
        {node.group ? <span className="badge badge-plain">group {node.group}</span> : null}
        <Tags names={node.tags} />
      </p>
    </>
  );
}

interface PartProps {
  tab: string;
  place: Place;
  node: NodeSummary;
  index: number;
  detail: NodeDetail;
}

function Part({ tab, place, node, index, detail }: PartProps) {
  switch (tab) {
    case "code":
      return <Source place={place} node={node} detail={detail} />;
    case "tests":
      return <Tests detail={detail} />;
    case "runs":
      return <Runs runs={detail.runs ?? []} />;
    default:
      return (
        <div className="about">
          <div className="about-main">
            {detail.exposure?.url ? (
              <p>
                <a href={/^https?:/i.test(detail.exposure.url) ? detail.exposure.url : undefined} rel="noreferrer noopener" target="_blank">
                  {detail.exposure.label ?? detail.exposure.url}
                </a>
              </p>
            ) : null}
            <section className="prose" aria-label="Description">
              {detail.description ? (
                <Markdown text={detail.description} />
              ) : (
                <p className="faint">Nobody has described this {node.kind} yet.</p>
              )}
            </section>
            {detail.columns.length || detail.incomplete ? <Columns detail={detail} node={node} chosen={place.query.column} /> : null}
          </div>
          <Facts node={node} index={index} detail={detail} />
        </div>
      );
  }
}

function Source({ place, node, detail }: { place: Place; node: NodeSummary; detail: NodeDetail }) {
  const isCompiled = place.query.code === "compiled" && Boolean(detail.compiled);
  const text = (isCompiled ? detail.compiled : (detail.raw ?? detail.compiled)) ?? "";
  const link = (code: string | undefined, title: string, isHere: boolean) => (
    <a
      href={formatPlace({ path: place.path, query: { tab: "code", ...(code ? { code } : {}) } })}
      {...(isHere ? { "aria-current": "true" as const } : {})}
    >
      {title}
    </a>
  );
  return (
    <section aria-label="Code">
      <div className="row">
        {detail.raw && detail.compiled ? (
          <nav aria-label="Version of the code" className="switch">
            {link(undefined, "As written", !isCompiled)}
            {link("compiled", "Compiled", isCompiled)}
          </nav>
        ) : null}
        <span className="faint mono small">{isCompiled ? detail.relation : detail.path}</span>
        <span className="faint small">{counted(text.trimEnd().split("\n").length, "line")}</span>
      </div>
      <Code text={text} language={detail.language ?? "sql"} label={`${isCompiled ? "Compiled code" : "Code"} of ${node.name}`} />
    </section>
  );
}
