/** All nodes that have a column of a name: where a search for a common column leads. */

import { useMemo } from "react";
import { titleOf } from "../catalogue";
import { useAnswer, useCatalogue, useTitle } from "../hooks";
import { NodeLink } from "../parts/badge";
import { counted } from "../parts/format";
import { nodePlace } from "../place";
import { columnNames } from "../search/engine";
import { readSearch } from "../source";

const read = (): ReturnType<typeof readSearch> => readSearch();

export function ColumnPage({ name }: { name: string }) {
  const { nodes } = useCatalogue();
  const { value, error } = useAnswer("columns", read);
  useTitle(`Column ${name}`);
  const owners = useMemo(
    () => (value ? nodes.filter((_, index) => columnNames(value.columns[index] ?? "").includes(name)) : []),
    [value, nodes, name],
  );
  return (
    <>
      <p className="kicker">Column</p>
      <h1 className="mono">{name}</h1>
      <p role="status">{error ?? (value ? `In ${counted(owners.length, "node")}.` : "Reading…")}</p>
      <ul className="rows">
        {owners.map((node) => (
          <li key={node.id}>
            <NodeLink node={node} withFolder />
            <a className="small" href={nodePlace(node.id, { tab: "lineage", column: name })}>
              trace
              <span className="unseen">
                {" "}
                {name} in {titleOf(node)}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
