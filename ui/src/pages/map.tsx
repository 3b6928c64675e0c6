/** The whole project, folded into folders; a click opens one of them. */

import { Handle, Position, type Edge, type Node, type NodeProps } from "@xyflow/react";
import { memo, useMemo } from "react";
import { KINDS } from "../catalogue";
import type { Status } from "../data";
import { useTabIndex } from "../graph/active";
import { ARROW, Canvas, type Drawn } from "../graph/canvas";
import { fold, type Group } from "../graph/fold";
import { useCatalogue, useTitle } from "../hooks";
import { StatusMark } from "../parts/badge";
import { counted, number } from "../parts/format";
import { Icon } from "../parts/icon";
import { formatPlace, nodePlace, type Place } from "../place";

interface GroupContent extends Record<string, unknown> {
  group: Group;
  icon: string;
  note: string;
  status: Status | undefined;
  /** How many of the nodes have that status. */
  troubled: number;
  href: string;
}

const TYPES = { folder: memo(GroupBox) };
const SIZE = { width: 216, height: 56 };

export function MapPage({ place }: { place: Place }) {
  const at = (place.query.at ?? "").split("/").filter(Boolean);
  useTitle(at.length ? `Map of ${at.join("/")}` : "Map");
  return (
    <>
      <h1>Map</h1>
      <nav aria-label="Folders" className="crumbs">
        <a href="#/map" {...(at.length ? {} : { "aria-current": "page" as const })}>
          project
        </a>
        {at.map((part, depth) => (
          <span key={depth}>
            {" "}
            /{" "}
            <a href={mapHref(at.slice(0, depth + 1).join("/"))} {...(depth === at.length - 1 ? { "aria-current": "page" as const } : {})}>
              {part}
            </a>
          </span>
        ))}
      </nav>
      <FolderMap at={at} />
    </>
  );
}

const mapHref = (at: string): string => formatPlace({ path: ["map"], query: at ? { at } : {} });

export function FolderMap({ at, isSmall = false }: { at: readonly string[]; isSmall?: boolean }) {
  const known = useCatalogue();
  const key = at.join("/");
  const { groups, edges } = useMemo(() => fold(known, key ? key.split("/") : []), [known, key]);
  const drawn = useMemo(
    () =>
      groups.map((group): Drawn<GroupContent> => {
        const own = group.nodes.flatMap((index) => known.nodes[index] ?? []);
        const single = group.node === undefined ? undefined : known.nodes[group.node];
        const href = single
          ? nodePlace(single.id)
          : group.opens && group.opens !== key
            ? mapHref(group.opens)
            : formatPlace({ path: ["list"], query: at.length > 1 ? { folder: at.slice(1).join("/") } : {} });
        const kinds = KINDS.filter((kind) => own.some((node) => node.kind === kind));
        return {
          id: group.key,
          type: "folder",
          ...SIZE,
          content: {
            group,
            href,
            icon: single ? single.kind : kinds.length === 1 && kinds[0] !== "model" ? (kinds[0] ?? "folder") : "folder",
            note: single ? (single.materialized ?? single.kind) : counted(own.length, "node"),
            ...worst(own.map((node) => node.status)),
          },
        };
      }),
    [groups, known, at.length, key],
  );
  const lines = useMemo(() => edges.map(({ from, to }) => ({ from: groups[from]?.key ?? "", to: groups[to]?.key ?? "" })), [edges, groups]);
  const arrows = useMemo(
    () =>
      edges.map(({ from, to, count }): Edge => ({
        id: `${from}>${to}`,
        source: groups[from]?.key ?? "",
        target: groups[to]?.key ?? "",
        className: `edge-weight-${Math.min(4, 1 + Math.floor(Math.log2(count) / 2))}`,
        markerEnd: ARROW,
      })),
    [edges, groups],
  );
  return (
    <>
      <Canvas label="Map of folders" drawn={drawn} edges={arrows} lines={lines} types={TYPES} isSmall={isSmall} />
      <details className="small">
        <summary>As a list</summary>
        <ul>
          {drawn.map(({ id, content }) => (
            <li key={id}>
              <a href={content.href}>{content.group.label}</a>{" "}
              <span className="faint">
                {content.note}; reads{" "}
                {edges
                  .filter(({ to }) => groups[to]?.key === id)
                  .map(({ from }) => groups[from]?.label)
                  .join(", ") || "nothing"}
              </span>
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}

function worst(statuses: readonly (Status | undefined)[]): Pick<GroupContent, "status" | "troubled"> {
  const status = (["error", "warn"] as const).find((one) => statuses.includes(one));
  return { status, troubled: statuses.filter((one) => one && one === status).length };
}

function GroupBox({ id, data }: NodeProps<Node<GroupContent>>) {
  const tabIndex = useTabIndex(id);
  const { group } = data;
  return (
    <article className={`box${group.outside ? " box-outside" : ""}`} data-box={id} aria-label={group.label}>
      <Handle type="target" position={Position.Left} isConnectable={false} className="handle-head" />
      <Handle type="source" position={Position.Right} isConnectable={false} className="handle-head" />
      <header className="box-head">
        <Icon name={data.icon} />
        <div className="box-words">
          <a href={data.href} className="mono box-title" data-title tabIndex={tabIndex} title={group.key}>
            {group.label}
          </a>
          <span className="box-note">{data.note}</span>
        </div>
        {data.troubled > 1 ? <span className="box-note">{number(data.troubled)}</span> : null}
        <StatusMark status={data.status} quiet />
      </header>
    </article>
  );
}
