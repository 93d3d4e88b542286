import type { ModelSource } from "@underpaint/core";

/** A source that can tell what of a model is on this machine already. */
export interface NodeModelSource extends ModelSource {
  /** Where a file is on this machine, or undefined where it is not yet; fetches nothing of it. */
  locate(file: string, options?: { signal?: AbortSignal }): Promise<string | undefined>;
}
