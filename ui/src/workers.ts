/** Starts a worker: from its file, or from its text when the whole site is one HTML file. */

export type WorkerName = "layout" | "search";

export function startWorker(name: WorkerName): Worker {
  const text = document.querySelector(`script[data-worker="${name}"]`)?.textContent;
  if (text) return new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  // The bundler needs to see each address literally.
  return name === "layout"
    ? new Worker(new URL("./graph/layout.worker.ts", import.meta.url), { type: "module" })
    : new Worker(new URL("./search/search.worker.ts", import.meta.url), { type: "module" });
}
