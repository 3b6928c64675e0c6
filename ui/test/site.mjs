/** What tests, measurements and screenshots share: a file server, a real browser, and a record of everything that went wrong in it. */

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";
import { inline, write } from "../fixture/make.mjs";

export const BUILT = process.env.ORC_SITE_BUILT ?? join(import.meta.dirname, "../../orchestrator/publish/site/built");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json" };
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A folder with the built site and a project's data in it. */
export function siteFolder(files) {
  const folder = mkdtempSync(join(tmpdir(), "orc-site-"));
  cpSync(BUILT, folder, { recursive: true });
  write(folder, files);
  writeFileSync(
    join(folder, "one.html"),
    readFileSync(join(BUILT, "single.html"), "utf8").replace("<!-- data -->", () => inline(files)),
  );
  return folder;
}

/** Serves a folder as plainly as any file server; `asked` lists what was fetched. */
export async function serve(folder) {
  const asked = [];
  const server = createServer((request, answer) => {
    const path = decodeURIComponent(new URL(request.url, "http://here").pathname);
    const file = join(folder, path.endsWith("/") ? `${path}index.html` : path);
    asked.push(path);
    if (!file.startsWith(folder) || !existsSync(file) || !statSync(file).isFile()) return answer.writeHead(404).end();
    answer.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(readFileSync(file));
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { url: `http://127.0.0.1:${server.address().port}/`, asked, close: () => server.close() };
}

function program() {
  if (process.env.ORC_CHROMIUM) return process.env.ORC_CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    } catch {
      // the next name
    }
  }
  throw new Error("no chromium found: install it, or name it in ORC_CHROMIUM");
}

/** A browser with an empty profile of its own. */
export async function browse(options = {}) {
  const profile = mkdtempSync(join(tmpdir(), "orc-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: program(),
    headless: true,
    args: FLAGS,
    viewport: { width: 1280, height: 860 },
    ...options,
  });
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, close };
}

/** A page that remembers its errors, policy violations and requests to elsewhere. */
export async function openPage(context, url) {
  const page = await context.newPage();
  const wrong = [];
  const home = new URL(url).origin;
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`thrown: ${error.stack}`));
  page.on(
    "request",
    (request) => !request.url().startsWith(home) && !/^(blob|data):/.test(request.url()) && wrong.push(`asked elsewhere: ${request.url()}`),
  );
  await page.addInitScript(() =>
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    ),
  );
  await page.goto(url);
  return { page, wrong };
}
