import { library } from "../../tsup.shared.js";

// worker.js is beside index.js and its chunks, which look for it there.
export default library({
  entry: { index: "src/index.ts", worker: "src/worker/worker.ts" },
  platform: "browser",
  tsconfig: "tsconfig.json",
});
