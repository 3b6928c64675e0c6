import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** While somebody works on the page, Vite puts scripts of its own into it, which the page's policy would not allow. */
const withoutPolicy = {
  name: "without-policy",
  apply: "serve",
  transformIndexHtml: (html) => html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, ""),
};

// One chunk and workers without imports: the same files can stand inside a single HTML file (see build.mjs).
export default defineConfig(({ command }) => ({
  root: import.meta.dirname,
  base: "./",
  publicDir: command === "serve" && "public", // data to work with; never part of what is built
  plugins: [react(), withoutPolicy],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // a data: URL would need a hole in the content security policy
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 800, // kB; one file is what a single HTML file needs
    rolldownOptions: {
      output: { entryFileNames: "assets/app-[hash].js", assetFileNames: "assets/[name]-[hash][extname]", codeSplitting: false },
    },
  },
  worker: { format: "iife", rolldownOptions: { output: { entryFileNames: "assets/[name]-[hash].js" } } },
}));
