import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { UnderpaintError } from "@underpaint/core";
import { folderSource } from "./folder.js";
import type { NodeModelSource } from "./local.js";

/**
 * The embedded model, as installed with this package: `starter`, or `starter@0.1.0` as a recipe
 * has it.
 *
 * @throws UnderpaintError `model-not-found` when it is not installed, or in another version.
 */
export async function starterSource(name = "starter"): Promise<NodeModelSource> {
  const { folder, version } = await locate();
  const wanted = name.split("@")[1];
  if (wanted !== undefined && wanted !== version) {
    throw new UnderpaintError({
      code: "model-not-found",
      what: "this version of the starter model is not installed",
      value: name,
      allowed: `starter@${version}`,
      remedy: `install @underpaint/starter@${wanted}, or write "starter" for the one that is here`,
    });
  }
  return folderSource(join(folder, "model"), { id: `starter@${version}` });
}

async function locate(): Promise<{ folder: string; version: string }> {
  try {
    const path = createRequire(import.meta.url).resolve("@underpaint/starter/package.json");
    const { version } = JSON.parse(await readFile(path, "utf8")) as { version: string };
    return { folder: dirname(path), version };
  } catch (cause) {
    throw new UnderpaintError({
      code: "model-not-found",
      what: "the embedded model is not installed",
      remedy: "install @underpaint/starter, or name another model",
      cause,
    });
  }
}
