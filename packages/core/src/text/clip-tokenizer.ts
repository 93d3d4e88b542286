import { UnderpaintError } from "../errors.js";
import type { JsonObject } from "../model/json.js";
import { addedTokenFinder } from "./added-tokens.js";
import { type MergeWorkspace, mergeWord, mergeWorkspace } from "./byte-pairs.js";
import { byteSymbols, wordEnd } from "./byte-symbols.js";
import { normalizeText } from "./normalize.js";
import { readSpecialTokens } from "./special-tokens.js";
import { type ClipTokenizerFiles, parseObject, readVocabulary } from "./tokenizer-files.js";
import { forEachWord } from "./words.js";

/** Where a token comes from: [start, end) in the prompt, in UTF-16 units as `slice` takes them. */
export type TokenPlace = readonly [start: number, end: number];

/** Tokens of a text, uncut and without any around them. */
export interface Tokens {
  readonly ids: Int32Array;
  /** The place of each token. Tokens that share a character share its whole place. */
  readonly places: readonly TokenPlace[];
}

/** A prompt as a text encoder takes it. */
export interface TokenEncoding {
  /** Beginning, prompt, end and padding: always `maxLength` ids. */
  readonly ids: Int32Array;
  /** The place of each id; undefined for the beginning, the end and the padding. */
  readonly places: readonly (TokenPlace | undefined)[];
  /** How many tokens the whole prompt has, those that were cut off included. */
  readonly tokenCount: number;
  /**
   * What did not fit: the prompt's text from the first token that was cut off to the last, and
   * where it starts. Undefined when all fitted.
   */
  readonly dropped: { readonly text: string; readonly start: number } | undefined;
}

/** Turns prompts into token ids. It keeps no state: one may serve many requests at once. */
export interface ClipTokenizer {
  /** How many ids {@link encode} gives; CLIP's context of 77 unless the files say otherwise. */
  readonly maxLength: number;
  /** One more than the greatest id, added tokens included. */
  readonly vocabularySize: number;
  readonly beginTokenId: number;
  readonly endTokenId: number;
  /** The end token's for Stable Diffusion 1, 0 ("!") for 2 and for the second encoder of XL. */
  readonly padTokenId: number;
  /**
   * The ids of one prompt, cut to fit between the beginning and the end, and padded. The empty
   * prompt is one like any other.
   *
   * @param options.maxLength Another length, for a graph that was exported with one; from 2 on.
   * @throws UnderpaintError `invalid-request` for a prompt that is no string.
   */
  encode(prompt: string, options?: { readonly maxLength?: number }): TokenEncoding;
  /**
   * All tokens of a text. The time grows with its length n as n·log n at most.
   *
   * @throws UnderpaintError `invalid-request` for a text that is no string.
   */
  encodeAll(text: string): Tokens;
}

const defaultMaxLength = 77;
const longestMaxLength = 4096;

/**
 * CLIP's byte-level BPE tokenizer (Radford and others 2021, "Learning Transferable Visual Models
 * From Natural Language Supervision"; after GPT-2's), from the files of a model's tokenizer folder.
 *
 * The ids are those of CLIPTokenizer in transformers 5.23. A text is cut at special tokens that are
 * written in it; the rest is put in NFC and in lower case, split into words, and each word's UTF-8
 * bytes are merged pair by pair. Differences to other tokenizers of that name:
 *
 * - OpenAI's own first repairs text with ftfy and resolves HTML entities, so that curly quotes,
 *   full-width letters, ligatures and `&amp;` give other ids there. The Python-backed tokenizer of
 *   transformers 4 does so (but for the entities) where ftfy is installed.
 * - Where it is not, that one leaves out control characters and sets Chinese characters apart.
 * - Python's `lower()` turns a final Σ into ς; here, as in the reference, it becomes σ.
 * - A lone surrogate, which the reference refuses, is taken for U+FFFD.
 *
 * @throws UnderpaintError `model-invalid` naming the file that is broken, `model-unsupported` for a
 * tokenizer.json of another kind.
 */
export function createClipTokenizer(files: ClipTokenizerFiles): ClipTokenizer {
  const vocabulary = readVocabulary(files);
  const config = optional("tokenizer_config.json", files.config);
  const special = readSpecialTokens(
    vocabulary,
    config,
    optional("special_tokens_map.json", files.specialTokens),
  );
  const idOf = (symbol: string) => vocabulary.ids.get(symbol) ?? special.unknown;
  const byteIds = Int32Array.from(byteSymbols, idOf);
  const lastByteIds = Int32Array.from(byteSymbols, (symbol) => idOf(symbol + wordEnd));
  const findWritten = addedTokenFinder(special.added.filter((token) => !token.normalized));
  const findNormalized = addedTokenFinder(special.added.filter((token) => token.normalized));
  const maxLength = readMaxLength(config);

  const encodeAll = (text: string): Tokens => {
    checkPrompt(text);
    const ids: number[] = [];
    const places: TokenPlace[] = [];
    for (const written of findWritten(text)) {
      if (written.id !== undefined) {
        ids.push(written.id);
        places.push([written.start, written.end]);
        continue;
      }
      const normalized = normalizeText(text.slice(written.start, written.end));
      const place = (start: number, end: number): TokenPlace => [
        written.start + (normalized.starts ? normalized.starts[start]! : start),
        written.start + (normalized.ends ? normalized.ends[end - 1]! : end),
      ];
      for (const part of findNormalized(normalized.text)) {
        if (part.id !== undefined) {
          ids.push(part.id);
          places.push(place(part.start, part.end));
          continue;
        }
        encodeWords(normalized.text.slice(part.start, part.end), (id, start, end) => {
          ids.push(id);
          places.push(place(part.start + start, part.start + end));
        });
      }
    }
    return { ids: Int32Array.from(ids), places };
  };

  const encodeWords = (text: string, emit: (id: number, start: number, end: number) => void) => {
    let workspace: MergeWorkspace | undefined;
    let units = new Int32Array(0);
    forEachWord(text, (start, end) => {
      const room = 3 * (end - start);
      if (workspace === undefined || units.length < room) {
        units = new Int32Array(Math.max(room, 2 * units.length, 96));
        workspace = mergeWorkspace(units.length);
      }
      const count = writeBytes(text, start, end, workspace.symbols, units);
      for (let i = 0; i < count; i++) {
        const ids = i === count - 1 ? lastByteIds : byteIds;
        workspace.symbols[i] = ids[workspace.symbols[i]!]!;
      }
      const left = mergeWord(vocabulary.merges, workspace, count);
      for (let i = 0, byte = 0; i < left; i++) {
        const from = units[byte]!;
        byte += workspace.spans[i]!;
        const last = units[byte - 1]!;
        emit(workspace.symbols[i]!, from, last + (text.codePointAt(last)! > 0xffff ? 2 : 1));
      }
    });
  };

  return {
    maxLength,
    vocabularySize: special.added.reduce(
      (size, token) => Math.max(size, token.id + 1),
      vocabulary.ids.size,
    ),
    beginTokenId: special.bos,
    endTokenId: special.eos,
    padTokenId: special.pad,
    encodeAll,
    encode(prompt, options = {}) {
      const length = options.maxLength ?? maxLength;
      if (!Number.isInteger(length) || length < 2 || length > longestMaxLength) {
        throw new UnderpaintError({
          code: "invalid-request",
          what: "maxLength is not a length that a prompt can have",
          value: length,
          allowed: `a whole number from 2 to ${longestMaxLength}`,
        });
      }
      const all = encodeAll(prompt);
      const kept = Math.min(all.ids.length, length - 2);
      const ids = new Int32Array(length).fill(special.pad);
      ids[0] = special.bos;
      ids.set(all.ids.subarray(0, kept), 1);
      ids[kept + 1] = special.eos;
      const places = new Array<TokenPlace | undefined>(length).fill(undefined);
      for (let i = 0; i < kept; i++) places[i + 1] = all.places[i];
      const [start] = all.places[kept] ?? [];
      const end = all.places.at(-1)?.[1];
      return {
        ids,
        places,
        tokenCount: all.ids.length,
        dropped: start === undefined ? undefined : { text: prompt.slice(start, end), start },
      };
    },
  };
}

function optional(file: string, text: string | undefined): JsonObject {
  return text === undefined ? {} : parseObject(file, text);
}

/** Exporters write a huge number (1e30) where no length is set. */
function readMaxLength(config: JsonObject): number {
  const length = config.model_max_length;
  return typeof length === "number" &&
    Number.isInteger(length) &&
    length >= 3 &&
    length <= longestMaxLength
    ? length
    : defaultMaxLength;
}

function checkPrompt(text: unknown): asserts text is string {
  if (typeof text !== "string") {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "the prompt is not a string",
      value: text,
      allowed: "a string; an empty one is allowed",
    });
  }
}

/**
 * Writes the UTF-8 bytes of a well-formed part of a text, and for each byte the unit at which its
 * character starts. Returns the number of bytes.
 */
function writeBytes(
  text: string,
  start: number,
  end: number,
  bytes: Int32Array,
  units: Int32Array,
): number {
  let count = 0;
  for (let unit = start; unit < end; ) {
    const codePoint = text.codePointAt(unit)!;
    const from = count;
    if (codePoint < 0x80) bytes[count++] = codePoint;
    else {
      if (codePoint < 0x800) bytes[count++] = 0xc0 | (codePoint >> 6);
      else {
        if (codePoint < 0x10000) bytes[count++] = 0xe0 | (codePoint >> 12);
        else {
          bytes[count++] = 0xf0 | (codePoint >> 18);
          bytes[count++] = 0x80 | ((codePoint >> 12) & 0x3f);
        }
        bytes[count++] = 0x80 | ((codePoint >> 6) & 0x3f);
      }
      bytes[count++] = 0x80 | (codePoint & 0x3f);
    }
    units.fill(unit, from, count);
    unit += codePoint > 0xffff ? 2 : 1;
  }
  return count;
}
