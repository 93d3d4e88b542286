import { library } from "../../tsup.shared.js";

export default library({ platform: "browser", tsconfig: "tsconfig.json" });
