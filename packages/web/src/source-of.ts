import type { ModelSource } from "@underpaint/core";
import { type ModelPlace, type ResolveOptions, resolveModel } from "./sources/resolve.js";

/** The source that was given, or the one behind a model's name or over its files. */
export async function sourceOf(
  model: ModelPlace | ModelSource | undefined,
  options: ResolveOptions,
): Promise<ModelSource> {
  return isSource(model) ? model : resolveModel(model, options);
}

function isSource(model: unknown): model is ModelSource {
  return typeof model === "object" && model !== null && "open" in model && "read" in model;
}
