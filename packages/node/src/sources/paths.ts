import { join } from "node:path";
import { checkedPath } from "@underpaint/core";

/** Where a model's file is below a folder of this machine. */
export function below(folder: string, file: string): string {
  return join(folder, ...checkedPath(file).split("/"));
}
