import { library } from "../../tsup.shared.js";

/** CJS, and types for both; tsup.modules.config.ts makes the ES modules anew. */
export default library({
  entry: ["src/index.ts", "src/worker.ts"],
  platform: "browser",
  tsconfig: "tsconfig.json",
  splitting: false,
});
