/** Nodes by folder, narrowed down by name, type, tag and status. */

import { useMemo, useState } from "react";
import { folderOf, passes, plural, titleOf } from "../catalogue";
import type { Kind, NodeSummary } from "../data";
import { useCatalogue, useTitle } from "../hooks";
import { Breaks, StatusMark, Tags } from "../parts/badge";
import { filterOf, Filters } from "../parts/filters";
import { counted, number } from "../parts/format";
import { Icon } from "../parts/icon";
import { nodePlace, type Place } from "../place";

/** Up to here all folders are open: the browser's own search finds everything on the page. */
const OPEN_ROWS = 250;
const CHUNK = 200;

export function ListPage({ place }: { place: Place }) {
  const { nodes } = useCatalogue();
  const filter = filterOf(place);
  const key = JSON.stringify(filter);
  const found = useMemo(() => nodes.filter((node) => passes(node, filter)), [nodes, key]);
  const folders = useMemo(
    () =>
      [
        ...Map.groupBy(found, (node) =>
          filter.kind ? folderOf(node) : node.folder.length ? `${plural(node.kind)}/${folderOf(node)}` : plural(node.kind),
        ),
      ].sort(([a], [b]) => a.localeCompare(b)),
    [found, filter.kind],
  );
  const title = filter.kind ? plural(filter.kind as Kind) : "All nodes";
  useTitle(title);
  return (
    <>
      <h1 className="capital">{title}</h1>
      <Filters place={place} nodes={nodes} withText />
      <p role="status" className="faint">
        {counted(found.length, "node")} in {counted(folders.length, "folder")}
      </p>
      {folders.map(([folder, own]) => (
        <Folder key={folder} name={folder} nodes={own} isOpen={found.length <= OPEN_ROWS || folders.length === 1} />
      ))}
    </>
  );
}

function Folder({ name, nodes, isOpen }: { name: string; nodes: readonly NodeSummary[]; isOpen: boolean }) {
  const [open, setOpen] = useState<boolean>();
  const [limit, setLimit] = useState(CHUNK);
  const shown = open ?? isOpen;
  const sorted = useMemo(() => [...nodes].sort((a, b) => a.name.localeCompare(b.name)), [nodes]);
  return (
    <details className="folder" open={shown} onToggle={(event) => event.currentTarget.open !== shown && setOpen(event.currentTarget.open)}>
      <summary>
        <h2>
          <Icon name="folder" /> <span className="mono">{name}</span> <span className="faint">{number(nodes.length)}</span>
        </h2>
      </summary>
      {shown ? (
        <table className="list">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Description</th>
              <th scope="col" className="wide-only">
                Materialised
              </th>
              <th scope="col" className="wide-only number">
                Columns
              </th>
              <th scope="col" className="wide-only number">
                Tests
              </th>
              <th scope="col" className="wide-only">
                Tags
              </th>
              <th scope="col">Status</th>
            </tr>
          </thead>
          <tbody>
            {sorted.slice(0, limit).map((node) => (
              <tr key={node.id}>
                <th scope="row">
                  <a href={nodePlace(node.id)}>
                    <Breaks text={titleOf(node)} />
                  </a>
                </th>
                <td className="faint">{node.summary}</td>
                <td className="wide-only">{node.materialized}</td>
                <td className="wide-only number">{node.columns || ""}</td>
                <td className="wide-only number">{node.tests || ""}</td>
                <td className="wide-only">
                  <Tags names={node.tags} />
                </td>
                <td>
                  <StatusMark status={node.status} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
      {shown && sorted.length > limit ? (
        <button type="button" className="button" onClick={() => setLimit(limit + 5 * CHUNK)}>
          Show {number(Math.min(5 * CHUNK, sorted.length - limit))} more of {number(sorted.length)}
        </button>
      ) : null}
    </details>
  );
}
