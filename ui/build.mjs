/**
 * Builds the site's assets: `node build.mjs <folder>`.
 *
 * index.html + assets/   the site as a folder
 * single.html            everything in one file; the data goes in place of the comment `<!-- data -->`
 * licenses.md            of the libraries inside
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "vite";

const out = resolve(process.argv[2] ?? "dist");
await build({ configFile: join(import.meta.dirname, "vite.config.mjs"), logLevel: "warn", build: { outDir: out, emptyOutDir: true } });

const assets = new Map(
  readdirSync(join(out, "assets"))
    .sort()
    .map((name) => [name, readFileSync(join(out, "assets", name), "utf8")]),
);
const named = (pattern) => {
  const found = [...assets].filter(([name]) => pattern.test(name));
  if (found.length !== 1) throw new Error(`one file like ${pattern} expected, found ${found.map(([name]) => name)}`);
  return found[0][1];
};
/** Text that no HTML parser takes for an end of its element. */
const inside = (text) => text.replaceAll("</script", "<\\/script").replaceAll("<!--", "\\x3C!--");
const digest = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The licenses of all libraries that may be inside: whatever is not only needed to build and to test. */
function licenses() {
  const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, "package-lock.json"), "utf8"));
  const parts = Object.entries(packages)
    .filter(([path, { dev }]) => path && !dev)
    .map(([path, { version, license }]) => {
      const folder = join(import.meta.dirname, path);
      const file = readdirSync(folder)
        .filter((name) => /^licen[cs]e/i.test(name))
        .sort()[0];
      return `## ${path.replace(/^.*node_modules\//, "")} ${version} (${license})\n\n${file ? `${readFileSync(join(folder, file), "utf8").replaceAll("\r", "").trim()}\n` : "No license text comes with it.\n"}`;
    });
  return `# Licenses of the libraries in this site\n\n${parts.join("\n")}`;
}

const script = inside(named(/^app-.*\.js$/));
const style = named(/\.css$/);
const workers = ["layout", "search"].map((name) => [name, inside(named(new RegExp(`^${name}\\.worker-.*\\.js$`)))]);
if (style.includes("</style")) throw new Error("the style sheet would end early");

const policy = `default-src 'none'; script-src ${digest(script)}; style-src ${digest(style)}; img-src data:; worker-src blob:; base-uri 'none'; form-action 'none'`;
const page = readFileSync(join(out, "index.html"), "utf8");
const single = page
  .replace(/<script type="module"[^>]*><\/script>\s*/, "")
  .replace(/<link rel="stylesheet"[^>]*>\s*/, "")
  .replace(/content="default-src [^"]*"/, () => `content="${policy}"`)
  .replace("<!-- head -->", () => `<style>${style}</style>`)
  .replace(
    /\s*<\/body>/,
    () =>
      `\n${workers.map(([name, text]) => `<script type="text/plain" data-worker="${name}">${text}</script>\n`).join("")}<script type="module">${script}</script>\n</body>`,
  );
writeFileSync(join(out, "licenses.md"), licenses());
writeFileSync(join(out, "single.html"), single);
writeFileSync(join(out, "index.html"), page.replace(/\s*<!-- (head|data) -->/g, ""));
