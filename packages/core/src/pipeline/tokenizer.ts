import type { Model } from "../model/model.js";
import { type ClipTokenizer, createClipTokenizer } from "../text/clip-tokenizer.js";

/** CLIP's own files have 1 MB; a tokenizer.json with a vocabulary of a million tokens has less. */
const maxBytes = 64 * 2 ** 20;

/**
 * The tokenizer of a model's folder.
 *
 * @throws UnderpaintError `model-invalid` for files that are missing or broken.
 */
export async function loadTokenizer(model: Model, signal?: AbortSignal): Promise<ClipTokenizer> {
  const { source, manifest } = model;
  const read = async (name: string): Promise<string | undefined> => {
    const file = `tokenizer/${name}`;
    if (!manifest.tokenizer.includes(file)) return undefined;
    const bytes = await source.read(file, { maxBytes, ...(signal && { signal }) });
    return new TextDecoder().decode(bytes);
  };
  const [config, specialTokens, vocab, merges] = await Promise.all([
    read("tokenizer_config.json"),
    read("special_tokens_map.json"),
    read("vocab.json"),
    read("merges.txt"),
  ]);
  if (vocab !== undefined && merges !== undefined) {
    return createClipTokenizer({ vocab, merges, config, specialTokens });
  }
  const tokenizerJson = (await read("tokenizer.json")) ?? "";
  return createClipTokenizer({ tokenizerJson, config, specialTokens });
}
