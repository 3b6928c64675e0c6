/** The lineage graph in words: for screen readers, for print, for copying. */

import { folderOf } from "../catalogue";
import { useCatalogue } from "../hooks";
import { NodeLink, StatusMark } from "../parts/badge";
import { Scroll } from "../parts/scroll";
import { reach } from "./neighbourhood";

export function LineageTable({ visible, focus }: { visible: ReadonlySet<number>; focus: number }) {
  const { nodes, parents, children } = useCatalogue();
  const above = reach(parents, focus).filter((node) => visible.has(node));
  const below = reach(children, focus).filter((node) => visible.has(node));
  const rows: [string, number][] = [
    ...above.reverse().map((node): [string, number] => ["upstream", node]),
    ["this", focus],
    ...below.map((node): [string, number] => ["downstream", node]),
  ];
  const placed = new Set(rows.map(([, node]) => node));
  for (const node of visible) if (!placed.has(node)) rows.push(["beside", node]);
  return (
    <Scroll label="Lineage as a table">
      <table className="list">
        <thead>
          <tr>
            <th scope="col">Side</th>
            <th scope="col">Node</th>
            <th scope="col">Folder</th>
            <th scope="col">Reads</th>
            <th scope="col">Status</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([side, index]) => {
            const node = nodes[index];
            if (!node) return null;
            return (
              <tr key={index}>
                <td>{side}</td>
                <th scope="row">
                  <NodeLink node={node} />
                </th>
                <td className="faint">{folderOf(node)}</td>
                <td>{(parents[index] ?? []).map((parent) => nodes[parent]?.name).join(", ")}</td>
                <td>
                  <StatusMark status={node.status} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Scroll>
  );
}
