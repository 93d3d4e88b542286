export { type NetworkKind, startNetwork } from "../networks/start.js";
