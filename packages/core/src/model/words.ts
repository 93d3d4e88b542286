import { UnderpaintError } from "../errors.js";
import { parsePythonJson } from "./json.js";
import type { ModelSource } from "./source.js";

/** The file, beside `model_index.json`, in which a small model lists what it was trained on. */
const file = "words.json";
const maxBytes = 2 ** 20;

/** The nouns that a small model knows. */
export interface KnownWords {
  /** As the file lists them, the best known first: words, and phrases of several. */
  readonly list: readonly string[];
  /** Whether a prompt has any word of the list, or of its phrases; an empty one has none to miss. */
  knowsAnyOf(prompt: string): boolean;
}

/**
 * A model's list of the words that it knows; undefined for a model that has none, as all large
 * ones.
 *
 * @throws UnderpaintError `model-invalid` for a file that is larger than a megabyte, or no list of
 * texts.
 */
export async function readKnownWords(
  source: ModelSource,
  signal?: AbortSignal,
): Promise<KnownWords | undefined> {
  const asked = signal && { signal };
  if ((await source.size(file, asked)) === undefined) return undefined;
  const list = parseList(new TextDecoder().decode(await source.read(file, { maxBytes, ...asked })));
  const words = new Set(list.flatMap(wordsOf).filter((word) => !fillers.has(word)));
  return {
    list,
    knowsAnyOf(prompt) {
      const asked = wordsOf(prompt);
      return asked.length === 0 || asked.some((word) => words.has(word));
    },
  };
}

function parseList(text: string): readonly string[] {
  let value: unknown;
  try {
    value = parsePythonJson(text);
  } catch {
    value = undefined;
  }
  if (Array.isArray(value) && value.every((word) => typeof word === "string")) return value;
  throw new UnderpaintError({
    code: "model-invalid",
    what: `the model's ${file} is no list of words`,
    allowed: '["apple", "birthday cake"]',
  });
}

/** Words of phrases ("glass of milk") that name nothing. */
const fillers: ReadonlySet<string> = new Set([
  "a",
  "an",
  "and",
  "at",
  "for",
  "in",
  "of",
  "on",
  "the",
  "to",
  "with",
]);

/** The words of a text in lower case, without a plural's s. */
function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.map((word) => (word.length > 3 ? word.replace(/s$/, "") : word));
}
