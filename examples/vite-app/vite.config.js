export default {
  // The runtime is loaded in parts, which workers of Vite's usual format cannot do.
  worker: { format: "es" },
  // While developing, Vite gathers dependencies in a folder of its own, away from their files.
  optimizeDeps: { exclude: ["@underpaint/web", "@underpaint/starter", "onnxruntime-web"] },
};
