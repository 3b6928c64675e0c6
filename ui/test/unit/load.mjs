/** Imports a TypeScript module of the site as it is. */

import { join } from "node:path";
import { runnerImport } from "vite";

export const load = async (path) =>
  (
    await runnerImport(join(import.meta.dirname, "../../src", path), {
      configFile: false,
      logLevel: "error",
      define: { "process.env.NODE_ENV": '"production"' },
    })
  ).module;
