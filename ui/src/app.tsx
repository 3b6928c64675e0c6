/** The shell around every page: reads the project, then shows the page that the address names. */

import { useEffect, useMemo, useRef, type ReactNode } from "react";
import { catalogue } from "./catalogue";
import { Header } from "./header";
import { CatalogueContext, useAnswer } from "./hooks";
import { isLive } from "./live/api";
import { LoginPage } from "./live/login";
import { LivePages } from "./live/pages";
import { useLiveProject } from "./live/project";
import { useUnknown } from "./live/session";
import { ColumnPage } from "./pages/column";
import { ListPage } from "./pages/list";
import { MacroListPage, MacroPage } from "./pages/macros";
import { MapPage } from "./pages/map";
import { NodePage } from "./pages/node";
import { NotFound } from "./pages/not-found";
import { Overview } from "./pages/overview";
import { Boundary } from "./parts/boundary";
import { moment } from "./parts/format";
import type { Place } from "./place";
import { cameBack, usePlace } from "./router";
import { openSearch, SearchDialog } from "./search/dialog";
import { readProject } from "./source";

/** Every page by the first word of its address. */
const PAGES: Readonly<Record<string, (place: Place) => ReactNode>> = {
  "": () => <Overview />,
  list: (place) => <ListPage place={place} />,
  node: (place) => <NodePage key={place.path[1]} place={place} />,
  column: (place) => <ColumnPage name={place.path[1] ?? ""} />,
  map: (place) => <MapPage place={place} />,
  macros: (place) => <MacroListPage place={place} />,
  macro: (place) => <MacroPage name={place.path[1] ?? ""} />,
  ...(isLive ? { ...LivePages, login: () => <LoginPage /> } : {}),
};

const read = (): ReturnType<typeof readProject> => readProject();
const useStaticProject = (): ReturnType<typeof useLiveProject> => useAnswer("project", read);
/** A site is live or not as long as it is looked at. */
const useProject = isLive ? useLiveProject : useStaticProject;

export function App() {
  const { value, error } = useProject();
  const isUnknown = useUnknown();
  const known = useMemo(() => value && catalogue(value), [value]);
  if (isUnknown)
    return (
      <main className="page">
        <LoginPage />
      </main>
    );
  if (error)
    return (
      <main className="page">
        <h1>The documentation could not be read</h1>
        <p>{error}</p>
        <p>
          It is read over HTTP: open it through a file server, such as <code>orc docs serve</code>, or make one file of it with{" "}
          <code>orc docs generate --single-file</code>.
        </p>
      </main>
    );
  if (!known)
    return (
      <p className="starting" role="status">
        Reading the project…
      </p>
    );
  return (
    <CatalogueContext value={known}>
      <Shell generatedAt={known.project.generated_at} version={known.project.version} />
    </CatalogueContext>
  );
}

function Shell({ generatedAt, version }: { generatedAt: string; version: string }) {
  const place = usePlace();
  const main = useRef<HTMLElement>(null);
  const page = place.path.join("/");
  const shown = useRef(page);
  useEffect(() => {
    if (shown.current === page) return;
    shown.current = page;
    if (!cameBack()) window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true }); // a screen reader goes on where the new page begins
  }, [page]);
  useSearchKeys();
  const show = PAGES[place.path[0] ?? ""];
  const find = place.query.find;
  return (
    <>
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <Header place={place} />
      <main ref={main} id="main" tabIndex={-1} className={`page page-${place.path[0] ?? "overview"}`}>
        <Boundary key={page}>{show ? show(place) : <NotFound what={page} />}</Boundary>
      </main>
      <footer className="footer faint small">
        {generatedAt ? `Generated ${moment(generatedAt)} by orc ${version}` : "The project's documentation is on its way"}
      </footer>
      {find === undefined ? null : <SearchDialog query={find} />}
    </>
  );
}

/** `/` and ctrl-K open the search, unless somebody is typing. */
function useSearchKeys(): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      const isShortcut =
        (event.key === "k" && (event.ctrlKey || event.metaKey)) ||
        (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey);
      if (!isShortcut) return;
      event.preventDefault();
      if (!document.querySelector("dialog.search")) openSearch();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}
