import { UnderpaintError } from "@underpaint/core";
import { folderSource } from "./folder.js";
import { type HttpsOptions, httpsSource } from "./https.js";
import { hubSource } from "./hub.js";
import type { NodeModelSource } from "./local.js";
import { starterSource } from "./starter.js";

/** Where models from elsewhere are kept, and how they are fetched. */
export interface ResolveOptions extends HttpsOptions {}

/**
 * The source behind a model's name:
 *
 * - left out or `"starter"`: the embedded model;
 * - `"hub:owner/name"` or `"hub:owner/name@revision"`: a model of the hub;
 * - `"https://…"`: the address of a folder with a `model_index.json`;
 * - anything else: a folder of this machine, absolute or from the working directory.
 *
 * `cacheFolder` is for addresses alone; the hub's models are kept where Python keeps them.
 *
 * @throws UnderpaintError `model-not-found` when there is no such folder, `invalid-request` for a
 * name that cannot be one.
 */
export async function resolveModel(
  model: string | undefined,
  options: ResolveOptions = {},
): Promise<NodeModelSource> {
  if (model === undefined) return starterSource();
  if (typeof model !== "string" || model.trim() === "") {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "model is not the name of a model",
      value: model,
      allowed: 'a folder, "hub:owner/name@revision", an https address, or "starter"',
      remedy: "leave it out for the embedded starter",
    });
  }
  if (/^starter(@|$)/.test(model)) return starterSource(model);
  const { cacheFolder: _, ...hub } = options;
  if (model.startsWith("hub:")) return hubSource(model, hub);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(model)) return httpsSource(model, options);
  return folderSource(model);
}
