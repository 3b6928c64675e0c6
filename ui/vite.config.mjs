import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// One chunk and workers without imports: the same files can stand inside a single HTML file (see build.mjs).
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [react()],
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
});
