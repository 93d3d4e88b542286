import { library } from "../../tsup.shared.js";

/**
 * The ES modules one by one: bundlers divide applications into parts along files, so a page whose
 * pipeline runs in a worker loads little, and hub, files and store are fetched when they are used.
 * worker.js comes to lie beside start-worker.js, which looks for it there.
 */
export default library({
  entry: ["src/**/*.ts", "!src/**/*.test.ts", "!src/**/fakes/**"],
  format: ["esm"],
  platform: "browser",
  tsconfig: "tsconfig.json",
  bundle: false,
  treeshake: false,
  dts: false,
  clean: false,
});
