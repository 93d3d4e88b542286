import { isObject, type JsonObject } from "../model/json.js";
import { invalidFile, type Vocabulary } from "./tokenizer-files.js";

/** A token that is found in the text as it is written, before any splitting into words. */
export interface AddedToken {
  readonly content: string;
  readonly id: number;
  /** Whether it is looked for in the normalised (lower-case) text, so in any case. */
  readonly normalized: boolean;
  /** Whether it counts only with no letter, digit or underscore on either side. */
  readonly singleWord: boolean;
}

/** The tokens around a prompt, and those to look for in it. */
export interface SpecialTokens {
  readonly bos: number;
  readonly eos: number;
  readonly pad: number;
  readonly unknown: number;
  readonly added: readonly AddedToken[];
}

interface Declared {
  readonly content: string;
  readonly normalized: boolean;
  readonly singleWord: boolean;
  /** The file that declares it, for messages. */
  readonly file: string;
  /** The id that the file gives it, where it gives one. */
  readonly writtenId?: number;
}

const configFile = "tokenizer_config.json";
const mapFile = "special_tokens_map.json";
const roleNames = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"].map((name) => `${name}_token`);
const listNames = ["additional_special_tokens", "extra_special_tokens"];

const defaults: JsonObject = {
  bos_token: "<|startoftext|>",
  eos_token: "<|endoftext|>",
  unk_token: "<|endoftext|>",
  pad_token: "<|endoftext|>",
};

// A textual inversion adds up to some dozens of tokens.
const mostAdded = 4096;
const longestAdded = 256;

/**
 * Which tokens begin, end and pad a prompt, by the rules of transformers 5.23:
 * where tokenizer_config.json has `added_tokens_decoder`, it tells all; else special_tokens_map.json
 * overrides it (so Stable Diffusion 2 pads with "!"), and a tokenizer.json's own added tokens count.
 * A token may be written as its text alone or as an object with flags. Of two declarations of one
 * token, the later counts. Every special token is also found in the text of a prompt: where "!" is
 * the padding, an exclamation mark gets the padding's id.
 *
 * @throws UnderpaintError `model-invalid` naming the file.
 */
export function readSpecialTokens(
  vocabulary: Vocabulary,
  config: JsonObject,
  map: JsonObject,
): SpecialTokens {
  const complete = isObject(config.added_tokens_decoder);
  const listed = complete ? fromDecoder(config) : fromList(vocabulary);
  const sources: readonly [string, JsonObject][] = [
    [configFile, defaults],
    [configFile, config],
    ...(complete ? [] : [[mapFile, map] as [string, JsonObject]]),
  ];

  // Listed tokens come first and keep their flags; then those that have a role.
  const declared = new Map<string, Declared>(listed);
  const declare = (token: Declared) => {
    if (!listed.has(token.content)) declared.set(token.content, token);
  };
  const roles = new Map<string, string>();
  for (const role of roleNames) {
    const given = sources.findLast(([, source]) => (source[role] ?? undefined) !== undefined);
    if (!given) continue;
    const token = readToken(given[0], role, given[1][role], true);
    roles.set(role, token.content);
    declare(token);
  }
  for (const [file, source] of sources) {
    for (const name of listNames) {
      const values = source[name];
      if (!Array.isArray(values)) continue;
      checkCount(file, values.length);
      for (const value of values) declare(readToken(file, name, value, true));
    }
  }

  const added: AddedToken[] = [];
  const ids = new Map<string, number>();
  let free = vocabulary.ids.size;
  for (const { content, normalized, singleWord, file, writtenId } of declared.values()) {
    const known = vocabulary.ids.get(content);
    const id = known ?? free++;
    if (known === undefined && writtenId !== undefined && writtenId !== id) {
      throw invalidFile(file, "has an added token whose id does not follow the vocabulary's", {
        value: writtenId,
        allowed: `${id}`,
      });
    }
    ids.set(content, id);
    added.push({ content, id, normalized, singleWord });
  }
  const idOf = (role: string): number => ids.get(roles.get(role)!)!;
  return {
    bos: idOf("bos_token"),
    eos: idOf("eos_token"),
    pad: idOf("pad_token"),
    unknown: idOf("unk_token"),
    added,
  };
}

/** tokenizer_config.json's `added_tokens_decoder`: ids → tokens, in the order of their ids. */
function fromDecoder(config: JsonObject): Map<string, Declared> {
  const entries = Object.entries(config.added_tokens_decoder as JsonObject);
  checkCount(configFile, entries.length);
  const tokens = entries.map(([id, value]) => ({
    ...readToken(configFile, `added_tokens_decoder.${id}`, value, false),
    writtenId: Number(id),
  }));
  tokens.sort((a, b) => a.writtenId - b.writtenId);
  return new Map(tokens.map((token) => [token.content, token]));
}

function fromList({ file, addedTokens }: Vocabulary): Map<string, Declared> {
  checkCount(file, addedTokens.length);
  const tokens = addedTokens.map((value) => ({
    ...readToken(file, "added_tokens", value, false),
    writtenId: isObject(value) ? Number(value.id) : Number.NaN,
  }));
  tokens.sort((a, b) => a.writtenId - b.writtenId);
  return new Map(tokens.map((token) => [token.content, token]));
}

function checkCount(file: string, count: number): void {
  if (count > mostAdded) {
    throw invalidFile(file, "adds too many tokens", {
      value: count,
      allowed: `up to ${mostAdded}`,
    });
  }
}

function readToken(file: string, key: string, value: unknown, special: boolean): Declared {
  const flags = isObject(value) ? value : { content: value, normalized: !special };
  const { content } = flags;
  if (typeof content !== "string" || content === "" || content.length > longestAdded) {
    throw invalidFile(file, `has a ${key} that is no token`, {
      value: content,
      allowed: `a text of 1 to ${longestAdded} characters, or an object with it as content`,
    });
  }
  return {
    content,
    normalized: flags.normalized === undefined ? !special : flags.normalized === true,
    singleWord: flags.single_word === true,
    file,
  };
}
