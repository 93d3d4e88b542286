import { UnderpaintError } from "../errors.js";
import { isObject, type JsonObject } from "../model/json.js";
import { largestVocabulary, type MergeTable, pairKey } from "./byte-pairs.js";
import { wordEnd } from "./byte-symbols.js";

/** A tokenizer folder's files, as text: the vocabulary in two files, or in one. */
export type ClipTokenizerFiles = (
  | {
      /** vocab.json: each token's id. */
      readonly vocab: string;
      /** merges.txt: the pairs that are merged, the first first. */
      readonly merges: string;
      readonly tokenizerJson?: undefined;
    }
  | {
      /** tokenizer.json: vocabulary, merges and added tokens together. */
      readonly tokenizerJson: string;
      readonly vocab?: undefined;
      readonly merges?: undefined;
    }
) & {
  /** tokenizer_config.json. */
  readonly config?: string | undefined;
  /** special_tokens_map.json. */
  readonly specialTokens?: string | undefined;
};

/** What the vocabulary's files hold, checked. */
export interface Vocabulary {
  /** The name of the file that the ids are from, for messages. */
  readonly file: string;
  readonly ids: ReadonlyMap<string, number>;
  readonly merges: MergeTable;
  /** The added_tokens of a tokenizer.json. */
  readonly addedTokens: readonly unknown[];
}

// CLIP's own vocab.json has 1 MB; a tokenizer.json with a vocabulary of a million tokens has less.
const longestFile = 64 * 2 ** 20;

export function invalidFile(
  file: string,
  problem: string,
  more: { value?: unknown; allowed?: string; remedy?: string; cause?: unknown } = {},
): UnderpaintError {
  return new UnderpaintError({
    code: "model-invalid",
    what: `the tokenizer's ${file} ${problem}`,
    ...more,
  });
}

/** Parses one of the tokenizer's files, which must hold an object. */
export function parseObject(file: string, text: string): JsonObject {
  checkText(file, text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalidFile(file, "is not JSON", { cause, remedy: "download it again" });
  }
  if (!isObject(value)) throw invalidFile(file, "does not hold an object", { value });
  return value;
}

/**
 * The vocabulary of `vocab.json` and `merges.txt`, or of a `tokenizer.json`.
 *
 * @throws UnderpaintError `model-invalid` naming the file, `model-unsupported` for a tokenizer.json
 * of another kind than CLIP's.
 */
export function readVocabulary(files: ClipTokenizerFiles): Vocabulary {
  if (files.tokenizerJson === undefined) {
    const ids = readIds("vocab.json", parseObject("vocab.json", files.vocab));
    const merges = readMerges("merges.txt", mergeLines(files.merges), ids);
    return { file: "vocab.json", ids, merges, addedTokens: [] };
  }
  const file = "tokenizer.json";
  const { model, added_tokens: addedTokens = [] } = parseObject(file, files.tokenizerJson);
  if (!isObject(model)) throw invalidFile(file, "has no model", { value: model });
  for (const [key, wanted] of [
    ["type", "BPE"],
    ["end_of_word_suffix", wordEnd],
  ] as const) {
    if (model[key] !== wanted) {
      throw new UnderpaintError({
        code: "model-unsupported",
        what: `the tokenizer's ${file} is not of CLIP's kind: model.${key}`,
        value: model[key],
        allowed: JSON.stringify(wanted),
      });
    }
  }
  if (!isObject(model.vocab)) throw invalidFile(file, "has no vocab", { value: model.vocab });
  const ids = readIds(file, model.vocab);
  const merges = readMerges(file, asList(file, "merges", model.merges), ids);
  return { file, ids, merges, addedTokens: asList(file, "added_tokens", addedTokens) };
}

function asList(file: string, key: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw invalidFile(file, `has no list of ${key}`, { value });
  return value;
}

function checkText(file: string, text: unknown): asserts text is string {
  if (typeof text !== "string") {
    throw invalidFile(file, "is not given as text", { value: text, allowed: "a string" });
  }
  if (text.length > longestFile) {
    throw invalidFile(file, "is too long", {
      value: text.length,
      allowed: `up to ${longestFile} characters`,
    });
  }
}

function readIds(file: string, vocabulary: JsonObject): ReadonlyMap<string, number> {
  const entries = Object.entries(vocabulary);
  if (entries.length === 0 || entries.length > largestVocabulary) {
    throw invalidFile(file, "has an unlikely number of tokens", {
      value: entries.length,
      allowed: `1 to ${largestVocabulary}`,
    });
  }
  const ids = new Map<string, number>();
  const taken = new Uint8Array(entries.length);
  for (const [token, id] of entries) {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= entries.length) {
      throw invalidFile(file, `gives ${quoted(token)} an id that is out of range`, {
        value: id,
        allowed: `whole numbers from 0 to ${entries.length - 1}, as there are ${entries.length} tokens`,
      });
    }
    if (taken[id]) throw invalidFile(file, "gives two tokens the same id", { value: id });
    taken[id] = 1;
    ids.set(token, id);
  }
  return ids;
}

function mergeLines(text: string): readonly string[] {
  checkText("merges.txt", text);
  return text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
}

/** Merges as "left right" or ["left", "right"]; blank lines and the "#version" line are no merges. */
function readMerges(
  file: string,
  entries: readonly unknown[],
  ids: ReadonlyMap<string, number>,
): MergeTable {
  if (entries.length > largestVocabulary) {
    throw invalidFile(file, "has too many merges", {
      value: entries.length,
      allowed: `up to ${largestVocabulary}`,
    });
  }
  const ranks = new Map<number, number>();
  const merged = new Int32Array(entries.length);
  let rank = 0;
  for (const [index, entry] of entries.entries()) {
    if (entry === "" || (typeof entry === "string" && entry.startsWith("#version"))) continue;
    const pair = typeof entry === "string" ? entry.split(" ") : entry;
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw invalidFile(file, `has a merge that is no pair, number ${index + 1}`, { value: entry });
    }
    const [left, right] = pair as [unknown, unknown];
    const known = [left, right, `${left}${right}`].map((token) => {
      const id = typeof token === "string" ? ids.get(token) : undefined;
      if (id === undefined) {
        throw invalidFile(file, `names a token that the vocabulary lacks, in merge ${index + 1}`, {
          value: token,
          remedy: "take the merges and the vocabulary from the same tokenizer",
        });
      }
      return id;
    }) as [number, number, number];
    ranks.set(pairKey(known[0], known[1]), rank);
    merged[rank++] = known[2];
  }
  return { ranks, merged };
}

function quoted(token: string): string {
  return JSON.stringify(token.length > 40 ? `${token.slice(0, 40)}…` : token);
}
