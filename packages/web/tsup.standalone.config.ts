import { library } from "../../tsup.shared.js";

/**
 * For pages without a bundler: the same two files with all that they import but the embedded
 * model, since import maps do not reach into workers.
 */
export default library({
  entry: ["src/index.ts", "src/worker.ts"],
  outDir: "dist/standalone",
  format: ["esm"],
  platform: "browser",
  tsconfig: "tsconfig.json",
  dts: false,
  minify: true,
  treeshake: false,
  sourcemap: false,
  noExternal: [/^(?!@underpaint\/starter)/],
  external: ["@underpaint/starter"],
});
