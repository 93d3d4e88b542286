import { type ModelSource, type PipelineWarning, UnderpaintError } from "@underpaint/core";
import { type HttpsOptions, httpsSource } from "./https.js";

/** Where the embedded model is, and how models are fetched. */
export interface ResolveOptions extends Omit<HttpsOptions, "id"> {
  /** The address of the embedded model's folder, the one that holds `model_index.json`. */
  readonly starter?: URL | string;
  /** Told once where models cannot be kept. */
  readonly onWarning?: (warning: PipelineWarning) => void;
}

/**
 * The source behind a model's name:
 *
 * - left out or `"starter"`: the embedded model;
 * - `"https://…"`: the address of a folder with a `model_index.json`.
 *
 * @throws UnderpaintError `invalid-request` for a name that cannot be one.
 */
export async function resolveModel(
  model: string | undefined,
  options: ResolveOptions = {},
): Promise<ModelSource> {
  if (model === undefined || /^starter(@|$)/.test(model)) {
    if (options.starter === undefined) throw noStarter();
    return httpsSource(options.starter, { ...options, id: "starter" });
  }
  if (typeof model === "string" && URL.canParse(model)) return httpsSource(model, options);
  throw new UnderpaintError({
    code: "invalid-request",
    what: "model is not the name of a model",
    value: model,
    allowed: 'an https address, or "starter"',
    remedy: "leave it out for the embedded starter",
  });
}

function noStarter(): UnderpaintError {
  return new UnderpaintError({
    code: "model-not-found",
    what: "it is not known where the embedded model is",
    remedy: "say it by the option starter",
  });
}
