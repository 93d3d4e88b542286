import { editModel, isUnderpaintError, type ModelFile } from "@underpaint/core";

/** Graphs below this size are not worth the work. */
const fromBytes = 2 ** 22;

/**
 * A graph in memory whose weights are in its own file, as one whose weights lie beside it: the
 * bytes stay where they are, and the runtime takes one tensor at a time from them. Of 256 MiB of
 * weights inside it makes 810 MiB of WebAssembly's heap; of the same outside 396, and 16 where they
 * go to the GPU.
 */
export async function withWeightsOutside(model: ModelFile, label: string): Promise<ModelFile> {
  if (!("bytes" in model) || model.bytes.length < fromBytes) return model;
  try {
    return await editModel(model, () => ({}), { label });
  } catch (error) {
    // A graph that our reader refuses may still be one that the runtime takes, or tells more of.
    if (isUnderpaintError(error)) return model;
    throw error;
  }
}
