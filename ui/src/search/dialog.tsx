/** The search: a dialog over any page, opened with `/` or ctrl-K. Its query is part of the address. */

import { useEffect, useId, useRef, useState } from "react";
import { folderOf, titleOf } from "../catalogue";
import { counted } from "../parts/format";
import { useCatalogue } from "../hooks";
import { Icon } from "../parts/icon";
import { formatPlace, nodePlace } from "../place";
import { change } from "../router";
import type { Area, Hit } from "./engine";
import { useSearch, type SearchState } from "./useSearch";

const GROUPS: readonly [Area, string][] = [
  ["name", "Models, sources and more"],
  ["column", "Columns"],
  ["macro", "Macros"],
  ["text", "Descriptions"],
];

/** ` ` stands for "open, nothing typed yet": an empty value would vanish from the address. */
export const openSearch = (): void => change({ find: " " });
const close = (): void => change({ find: undefined });

export function SearchDialog({ query }: { query: string }) {
  const found = useSearch(useCatalogue(), query.trim());
  const [active, setActive] = useState(0);
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const rows = useRows(found);
  const chosen = Math.min(active, rows.length - 1);

  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  useEffect(() => setActive(0), [query]);
  useEffect(() => {
    document.getElementById(`${id}-${chosen}`)?.scrollIntoView({ block: "nearest" });
  }, [id, chosen]);

  const onKeyDown = (event: React.KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step && rows.length) {
      event.preventDefault();
      setActive(Math.max(0, Math.min(rows.length - 1, chosen + step)));
    } else if (event.key === "Enter" && rows[chosen]) {
      event.preventDefault();
      location.hash = rows[chosen].href;
    }
  };

  return (
    <dialog
      ref={dialog}
      className="search"
      aria-label="Search"
      data-answers={found.query}
      data-milliseconds={found.milliseconds}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div className="search-field">
        <Icon name="search" size={18} />
        <input
          type="text"
          role="combobox"
          enterKeyHint="go"
          autoFocus
          aria-label="Search models, columns, descriptions and macros"
          placeholder="Search models, columns, descriptions, macros"
          aria-expanded={rows.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          {...(rows.length ? { "aria-activedescendant": `${id}-${chosen}` } : {})}
          spellCheck={false}
          autoComplete="off"
          value={query === " " ? "" : query}
          onChange={(event) => change({ find: event.target.value || " " }, "replace")}
          onKeyDown={onKeyDown}
        />
        <button type="button" className="button plain" onClick={close}>
          <span className="unseen">Close search </span>
          <kbd>Esc</kbd>
        </button>
      </div>
      <p className="search-said faint small" role="status">
        {said(found, query)}
      </p>
      <div role="listbox" id={`${id}-list`} aria-label="Results" className="search-list" tabIndex={-1}>
        {GROUPS.map(([area, title]) => {
          const own = rows.filter((row) => row.area === area);
          if (!own.length) return null;
          const total = found.found?.totals[area] ?? 0;
          return (
            <div role="group" key={area} aria-labelledby={`${id}-${area}`}>
              <div id={`${id}-${area}`} className="search-group" role="presentation">
                {title}
                <span className="faint"> {total > own.length ? `${own.length} of ${total}` : total}</span>
              </div>
              {own.map((row) => (
                <a
                  key={row.at}
                  id={`${id}-${row.at}`}
                  role="option"
                  aria-selected={row.at === chosen}
                  tabIndex={-1}
                  href={row.href}
                  className="search-row"
                  onMouseMove={() => setActive(row.at)}
                >
                  <Icon name={row.icon} />
                  <span className="mono">{row.title}</span>
                  <span className="faint small clip">{row.note}</span>
                </a>
              ))}
            </div>
          );
        })}
      </div>
      <p className="search-keys faint small" aria-hidden="true">
        <kbd>↑</kbd> <kbd>↓</kbd> choose <kbd>↵</kbd> open <kbd>Esc</kbd> close
      </p>
    </dialog>
  );
}

function said(found: SearchState, query: string): string {
  if (!query.trim()) return found.isReady ? "Type to search" : "Reading columns and descriptions…";
  if (!found.found) return "Searching…";
  const total = Object.values(found.found.totals).reduce((sum, count) => sum + count, 0);
  return `${total ? counted(total, "result") : `Nothing found for “${found.query}”`}${found.isReady ? "" : ", still reading columns and descriptions…"}`;
}

interface Row {
  at: number;
  area: Area;
  icon: string;
  title: string;
  note: string;
  href: string;
}

function useRows({ found, macros }: SearchState): Row[] {
  const { nodes } = useCatalogue();
  return (found?.hits ?? []).map((hit, at) => ({ at, area: hit.area, ...rowOf(hit) }));

  function rowOf(hit: Hit): Omit<Row, "at" | "area"> {
    if (hit.area === "macro") {
      const macro = macros[hit.index];
      return {
        icon: "macro",
        title: macro?.name ?? "",
        note: macro?.package ?? "",
        href: formatPlace({ path: ["macro", `${macro?.package}.${macro?.name}`], query: {} }),
      };
    }
    const node = nodes[hit.index];
    if (!node) return { icon: "model", title: "", note: "", href: "#/" };
    if (hit.area === "column") {
      const isOne = !hit.others;
      const href = isOne ? nodePlace(node.id, { column: hit.label ?? "" }) : formatPlace({ path: ["column", hit.label ?? ""], query: {} });
      return {
        icon: "key",
        title: hit.label ?? "",
        note: isOne ? titleOf(node) : `in ${titleOf(node)} and ${counted(hit.others ?? 0, "other")}`,
        href,
      };
    }
    const note = hit.area === "text" ? (hit.label ?? "") : [folderOf(node), node.summary].filter(Boolean).join(" · ");
    return { icon: node.kind, title: titleOf(node), note, href: nodePlace(node.id) };
  }
}
