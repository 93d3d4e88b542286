import { defineConfig } from "vite";

/** Lets the page share memory between threads, which makes WebAssembly several times as fast. */
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  // Relative addresses: the built folder can be put anywhere on any static server.
  base: "./",
  build: {
    target: "es2022",
    // Small files as files: the page's policy allows no data: addresses to be fetched.
    assetsInlineLimit: 0,
    // The runtime's wasm file is large, and known to be.
    chunkSizeWarningLimit: 2000,
  },
  worker: { format: "es" },
  server: { headers: isolation },
  preview: { headers: isolation },
});
