import { type ModelSource, type PipelineWarning, UnderpaintError } from "@underpaint/core";
import { embeddedStarter } from "../starter/starter.js";
import type { StorageFailure } from "../store/pieces.js";
import type { ModelFiles } from "./files.js";
import type { HttpsOptions } from "./https.js";

/** Where the embedded model is, and how models are fetched and kept. */
export interface ResolveOptions extends Omit<HttpsOptions, "id" | "onFailure"> {
  /**
   * The address of the embedded model's folder, the one that holds `model_index.json`; where the
   * bundler put it, or beside the package, when left out.
   */
  readonly starter?: URL | string;
  /** An access token of the hub, for private and gated models. */
  readonly hubToken?: string;
  /** A mirror of the hub. */
  readonly hubEndpoint?: URL | string;
  /** Told once where models cannot be kept. */
  readonly onWarning?: (warning: PipelineWarning) => void;
}

/** What names a model, or holds its files. */
export type ModelPlace = string | ModelFiles | FileSystemDirectoryHandle;

/**
 * The source behind a model's name, or over its files:
 *
 * - left out or `"starter"`: the embedded model;
 * - `"hub:owner/name"` or `"hub:owner/name@revision"`: a model of the hub;
 * - `"https://…"`: the address of a folder with a `model_index.json`; "/…" and "./…" are addresses of
 *   the page's own server;
 * - files, or a folder that the user gave to the page.
 *
 * @throws UnderpaintError `model-not-found`; `invalid-request` for what cannot be a model.
 */
export async function resolveModel(
  model?: ModelPlace,
  options: ResolveOptions = {},
): Promise<ModelSource> {
  const { starter, hubToken, hubEndpoint, onWarning, ...rest } = options;
  const remote = { ...rest, onFailure: (failure: StorageFailure) => onWarning?.(notKept(failure)) };
  if (model === undefined || (typeof model === "string" && /^starter(@|$)/.test(model))) {
    if (starter === undefined) return embeddedStarter(options.fetch);
    const { httpsSource } = await import("./https.js");
    return httpsSource(starter, { ...remote, id: "starter" });
  }
  // What most pages do without is a part of its own, fetched where it is needed.
  if (typeof model === "string" && isAddress(model)) {
    const { httpsSource } = await import("./https.js");
    return httpsSource(model, remote);
  }
  if (typeof model === "string" && model.startsWith("hub:")) {
    const { hubSource } = await import("./hub.js");
    return hubSource(model, {
      ...remote,
      ...(hubToken !== undefined && { token: hubToken }),
      ...(hubEndpoint !== undefined && { endpoint: hubEndpoint }),
    });
  }
  if (typeof model === "object" && model !== null) {
    if (isDirectory(model)) return (await import("./directory.js")).directorySource(model);
    return (await import("./files.js")).filesSource(model);
  }
  throw new UnderpaintError({
    code: "invalid-request",
    what: "model is not the name of a model",
    value: model,
    allowed: 'an https address, "hub:owner/name@revision", files, a folder, or "starter"',
    remedy: "leave it out for the embedded starter",
  });
}

/** Whether a model is given as a source, rather than as a place to be resolved. */
export function isSource(model: ModelPlace | ModelSource | undefined): model is ModelSource {
  return typeof model === "object" && model !== null && "open" in model && "read" in model;
}

/** Whether a model is given by its address; one without a scheme is told by its first signs. */
export function isAddress(model: string): boolean {
  return /^([a-z][a-z0-9+.-]*:\/\/|\.{0,2}\/)/i.test(model);
}

function isDirectory(place: object): place is FileSystemDirectoryHandle {
  return typeof (place as { getFileHandle?: unknown }).getFileHandle === "function";
}

function notKept({ isFull, message }: StorageFailure): PipelineWarning {
  return {
    code: "model-not-kept",
    message: isFull
      ? `the browser has no room to keep the model (${message}): it is used from memory, and fetched again the next time; delete models with modelStore.delete() or free disk space`
      : `the browser does not let this page keep models (${message}): it is used from memory, and fetched again the next time; serve the page over https, outside of private windows`,
  };
}
