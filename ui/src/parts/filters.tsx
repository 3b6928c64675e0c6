/** Choices that narrow down nodes; every choice is in the address. */

import { KINDS, STATUSES, tagsOf, type Filter } from "../catalogue";
import type { NodeSummary } from "../data";
import { change } from "../router";
import type { Place } from "../place";

export const filterOf = ({ query }: Place): Filter => ({
  kind: query.kind,
  tag: query.tag,
  status: query.status,
  folder: query.folder,
  text: query.q,
});

export function Filters({ place, nodes, withText = false }: { place: Place; nodes: readonly NodeSummary[]; withText?: boolean }) {
  const kinds = new Set(nodes.map((node) => node.kind));
  const { query } = place;
  const isUsed = ["kind", "tag", "status", "folder", "q"].some((key) => query[key]);
  return (
    <div className="filters" role="search" aria-label="Narrow down">
      {withText ? (
        <label>
          Name <input type="search" value={query.q ?? ""} onChange={(event) => change({ q: event.target.value }, "replace")} />
        </label>
      ) : null}
      <Choice label="Type" name="kind" value={query.kind} options={KINDS.filter((kind) => kinds.has(kind)).map((kind) => [kind, kind])} />
      <Choice label="Tag" name="tag" value={query.tag} options={tagsOf(nodes).map(([tag, count]) => [tag, `${tag} (${count})`])} />
      <Choice
        label="Status"
        name="status"
        value={query.status}
        options={[...STATUSES.map((status): [string, string] => [status, status]), ["none", "not run"]]}
      />
      {query.folder ? <span className="badge">in {query.folder}</span> : null}
      {isUsed ? (
        <button
          type="button"
          className="button plain"
          onClick={() => change({ kind: undefined, tag: undefined, status: undefined, folder: undefined, q: undefined })}
        >
          Clear
        </button>
      ) : null}
    </div>
  );
}

function Choice({
  label,
  name,
  value = "",
  options,
}: {
  label: string;
  name: string;
  value?: string | undefined;
  options: readonly (readonly [string, string])[];
}) {
  if (!options.length) return null;
  const isKnown = !value || options.some(([key]) => key === value);
  return (
    <label>
      {label}{" "}
      <select value={value} onChange={(event) => change({ [name]: event.target.value })}>
        <option value="">any</option>
        {isKnown ? null : <option value={value}>{value}</option>}
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
