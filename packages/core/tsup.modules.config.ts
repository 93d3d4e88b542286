import { library } from "../../tsup.shared.js";

/**
 * The ES modules one by one, in place of the bundle that tsup.config.ts made of them: bundlers
 * divide applications into parts along files, so a page whose pipeline runs in a worker loads
 * little, and what a request does not need is fetched when one does.
 */
export default library({
  entry: ["src/**/*.ts", "!src/**/*.test.ts", "!src/**/fakes/**"],
  format: ["esm"],
  bundle: false,
  treeshake: false,
  dts: false,
  clean: false,
});
