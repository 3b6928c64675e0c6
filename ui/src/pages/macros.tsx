/** All macros, and one macro. */

import { useMemo } from "react";
import { useCatalogue, useMacros, useTitle } from "../hooks";
import type { Macro } from "../data";
import { NodeLink } from "../parts/badge";
import { Code } from "../parts/code";
import { counted } from "../parts/format";
import { Icon } from "../parts/icon";
import { formatPlace, type Place } from "../place";
import { change } from "../router";
import { Markdown } from "../text/markdown";

const nameOf = (macro: Macro): string => `${macro.package}.${macro.name}`;
const hrefOf = (macro: Macro): string => formatPlace({ path: ["macro", nameOf(macro)], query: {} });

export function MacroListPage({ place }: { place: Place }) {
  const { value, error } = useMacros();
  useTitle("Macros");
  const text = (place.query.q ?? "").toLowerCase();
  const packages = useMemo(
    () =>
      Map.groupBy(
        (value ?? []).filter((macro) => nameOf(macro).toLowerCase().includes(text)),
        (macro) => macro.package,
      ),
    [value, text],
  );
  return (
    <>
      <h1>Macros</h1>
      <div className="filters" role="search" aria-label="Macros">
        <label>
          Name <input type="search" value={place.query.q ?? ""} onChange={(event) => change({ q: event.target.value }, "replace")} />
        </label>
      </div>
      <p role="status" className="faint">
        {error ?? (value ? counted([...packages.values()].flat().length, "macro") : "Reading…")}
      </p>
      {[...packages].map(([name, macros]) => (
        <section key={name}>
          <h2 className="mono">{name}</h2>
          <ul className="rows">
            {macros.map((macro) => (
              <li key={nameOf(macro)}>
                <span className="node-link">
                  <Icon name="macro" />
                  <a className="mono" href={hrefOf(macro)}>
                    {macro.name}
                  </a>
                </span>
                <span className="faint small clip">{macro.description?.split("\n")[0]}</span>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

export function MacroPage({ name }: { name: string }) {
  const { nodes } = useCatalogue();
  const { value, error } = useMacros();
  useTitle(name);
  const macro = value?.find((one) => nameOf(one) === name);
  if (!macro)
    return (
      <>
        <h1 className="mono">{name}</h1>
        <p role="status">{error ?? (value ? "There is no such macro." : "Reading…")}</p>
      </>
    );
  return (
    <>
      <p className="kicker">Macro of {macro.package}</p>
      <h1 className="mono">{macro.name}</h1>
      <p className="faint mono small">{macro.path}</p>
      {macro.description ? (
        <section className="prose" aria-label="Description">
          <Markdown text={macro.description} />
        </section>
      ) : null}
      {macro.arguments?.length ? (
        <section>
          <h2>Arguments</h2>
          <table className="facts-table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Type</th>
                <th scope="col">Description</th>
              </tr>
            </thead>
            <tbody>
              {macro.arguments.map((one) => (
                <tr key={one.name}>
                  <th scope="row" className="mono">
                    {one.name}
                  </th>
                  <td className="mono">{one.type}</td>
                  <td>{one.description ? <Markdown text={one.description} inline /> : null}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ) : null}
      <section>
        <h2>Code</h2>
        <Code text={macro.sql} language="sql" label={`Code of ${macro.name}`} />
      </section>
      {macro.used_by?.length ? (
        <section>
          <h2>Used by</h2>
          <ul className="rows">
            {macro.used_by
              .map((index) => nodes[index])
              .filter((node) => node !== undefined)
              .map((node) => (
                <li key={node.id}>
                  <NodeLink node={node} withFolder />
                </li>
              ))}
          </ul>
        </section>
      ) : null}
    </>
  );
}
