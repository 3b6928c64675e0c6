/** Name of the project, ways to the lists, search, theme. */

import { useCatalogue } from "./hooks";
import { plural } from "./catalogue";
import type { Kind } from "./data";
import { isLive } from "./live/api";
import { LIVE_LINKS } from "./live/pages";
import { Who } from "./live/who";
import { Icon } from "./parts/icon";
import { formatPlace, type Place } from "./place";
import { openSearch } from "./search/dialog";
import { useTheme } from "./theme";

const LISTED: readonly Kind[] = ["model", "source", "seed", "snapshot", "exposure"];

/** There is less room beside what is live; the rest is a click away, on the page about the project. */
const BESIDE: readonly Kind[] = ["model", "source", "exposure"];

export function Header({ place }: { place: Place }) {
  const { project, nodes, byId } = useCatalogue();
  const [theme, toggle] = useTheme();
  const kinds = new Set(nodes.map((node) => node.kind));
  const here =
    place.path[0] === "node" ? nodes[byId.get(place.path[1] ?? "") ?? -1]?.kind : place.path[0] === "list" ? place.query.kind : undefined;
  const link = (href: string, text: string, isHere: boolean) => (
    <li key={text}>
      <a href={href} {...(isHere ? { "aria-current": "true" as const } : {})}>
        {text}
      </a>
    </li>
  );
  return (
    <header className={isLive ? "header header-live" : "header"}>
      <a className="brand" href="#/">
        <Icon name="graph" size={20} />
        <span>{project.name}</span>
      </a>
      <nav aria-label="Main">
        <ul>
          {isLive ? LIVE_LINKS.map(([href, text, pages]) => link(href, text, pages.includes(place.path[0] ?? ""))) : null}
          {isLive ? <li className="nav-gap" aria-hidden="true" /> : null}
          {link("#/map", "Map", place.path[0] === "map")}
          {(isLive ? BESIDE : LISTED)
            .filter((kind) => kinds.has(kind))
            .map((kind) => link(formatPlace({ path: ["list"], query: { kind } }), capital(plural(kind)), here === kind))}
          {project.counts.macros && !isLive ? link("#/macros", "Macros", place.path[0] === "macros" || place.path[0] === "macro") : null}
        </ul>
      </nav>
      <button type="button" className="button find" onClick={openSearch} aria-keyshortcuts="/ Control+K">
        <Icon name="search" />
        <span>Search</span>
        <kbd aria-hidden="true">/</kbd>
      </button>
      {isLive ? <Who /> : null}
      <button
        type="button"
        className="button plain"
        onClick={toggle}
        aria-label={theme === "dark" ? "Use light colours" : "Use dark colours"}
        title={theme === "dark" ? "Use light colours" : "Use dark colours"}
      >
        <Icon name={theme === "dark" ? "sun" : "moon"} />
      </button>
    </header>
  );
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
