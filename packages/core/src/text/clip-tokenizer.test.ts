import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { byteSymbols } from "./byte-symbols.js";
import { createClipTokenizer } from "./clip-tokenizer.js";

interface Case {
  text: string;
  ids: number[];
  places?: [number, number][];
}

interface ReferenceTokenizer {
  config: object;
  specialTokens: object;
  vocab?: object;
  merges?: string[];
  tokenizerJson?: object;
  savedConfig?: object;
  maxLength: number;
  padTokenId: number;
  cases: Case[];
  padded: Case[];
}

const folder = new URL("../../../../fixtures/tokens/", import.meta.url);
const reference = JSON.parse(readFileSync(new URL("cases.json", folder), "utf8")) as {
  tokenizers: Record<"sd1" | "sd2" | "inversion" | "tiny", ReferenceTokenizer>;
  long: { title: string; unit: string; times: number; count: number; sha256: string }[];
};
const merges = gunzipSync(readFileSync(new URL("merges.txt.gz", folder))).toString("utf8");

/** CLIP's vocab.json: bytes, bytes at a word's end, what each merge makes, the two markers. */
function clipVocabulary(): Record<string, number> {
  // Bytes are numbered with the printable ones first.
  const bytes = [...byteSymbols].sort((a, b) => a.charCodeAt(0) - b.charCodeAt(0));
  const made = merges.split("\n").slice(1, -1);
  const tokens = [
    ...bytes,
    ...bytes.map((byte) => `${byte}</w>`),
    ...made.map((merge) => merge.replace(" ", "")),
    "<|startoftext|>",
    "<|endoftext|>",
  ];
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

const vocab = JSON.stringify(clipVocabulary());

function tokenizerOf(name: keyof typeof reference.tokenizers) {
  const { config, specialTokens, ...own } = reference.tokenizers[name];
  return createClipTokenizer({
    vocab: own.vocab ? JSON.stringify(own.vocab) : vocab,
    merges: own.merges ? own.merges.join("\n") : merges,
    config: JSON.stringify(config),
    specialTokens: JSON.stringify(specialTokens),
  });
}

describe("ids equal to transformers' CLIPTokenizer", () => {
  for (const name of ["sd1", "sd2", "inversion", "tiny"] as const) {
    const { cases, padded, padTokenId, maxLength } = reference.tokenizers[name];
    const tokenizer = tokenizerOf(name);

    it(`${name}: ${cases.length} texts, uncut`, () => {
      for (const { text, ids } of cases) {
        expect([text, [...tokenizer.encodeAll(text).ids]]).toEqual([text, ids]);
      }
    });

    it(`${name}: places in texts that NFC leaves alone`, () => {
      const withPlaces = cases.filter((each) => each.places);
      expect(withPlaces.length).toBeGreaterThan(10);
      for (const { text, places } of withPlaces) {
        expect([text, tokenizer.encodeAll(text).places]).toEqual([text, places]);
      }
    });

    it(`${name}: cut at ${maxLength} and padded with ${padTokenId}`, () => {
      expect(tokenizer.padTokenId).toBe(padTokenId);
      expect(tokenizer.maxLength).toBe(maxLength);
      for (const { text, ids } of padded) {
        expect([text, [...tokenizer.encode(text).ids]]).toEqual([text, ids]);
      }
    });
  }

  for (const { title, unit, times, count, sha256 } of reference.long) {
    it(`100 kB of ${title}`, () => {
      const text = (title === "marks" ? "a" : "") + unit.repeat(times);
      const { ids } = tokenizerOf("sd1").encodeAll(text);
      expect(ids.length).toBe(count);
      const bytes = new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
    });
  }

  it("from one tokenizer.json, with merges as pairs or as texts", () => {
    const { cases, tokenizerJson, savedConfig } = reference.tokenizers.tiny;
    const file = tokenizerJson as unknown as {
      model: { merges: string[][] };
    };
    const older = {
      ...file,
      model: { ...file.model, merges: file.model.merges.map((pair) => pair.join(" ")) },
    };
    for (const each of [file, older]) {
      const tokenizer = createClipTokenizer({
        tokenizerJson: JSON.stringify(each),
        config: JSON.stringify(savedConfig),
      });
      for (const { text, ids } of cases) {
        expect([text, [...tokenizer.encodeAll(text).ids]]).toEqual([text, ids]);
      }
    }
  });

  it("with the vocabulary's two files alone", () => {
    const { cases, padded } = reference.tokenizers.sd1;
    const tokenizer = createClipTokenizer({ vocab, merges: merges.replaceAll("\n", "\r\n") });
    expect([...tokenizer.encode(padded[0]!.text).ids]).toEqual(padded[0]!.ids);
    expect([...tokenizer.encodeAll(cases[1]!.text).ids]).toEqual(cases[1]!.ids);
    expect(tokenizer).toMatchObject({
      maxLength: 77,
      vocabularySize: 49408,
      beginTokenId: 49406,
      endTokenId: 49407,
      padTokenId: 49407,
    });
  });
});

describe("an encoding", () => {
  const tokenizer = tokenizerOf("sd1");

  it("tells where each token is in the prompt as it was typed", () => {
    const prompt = "Ein  SÜSSER Hund, 🐶!";
    const { ids, places, tokenCount, dropped } = tokenizer.encode(prompt);
    expect(dropped).toBeUndefined();
    expect(places.length).toBe(77);
    expect(places[0]).toBeUndefined();
    expect(places[tokenCount + 1]).toBeUndefined();
    expect(ids[tokenCount + 1]).toBe(tokenizer.endTokenId);
    const parts = places.slice(1, tokenCount + 1).map((place) => prompt.slice(...place!));
    expect(parts.join("")).toBe("EinSÜSSERHund,🐶!");
  });

  it("gives a token of a composed character the place of the whole character", () => {
    const prompt = "a cafe\u0301, İ";
    const { ids, places } = tokenizer.encodeAll(prompt);
    expect([...ids]).toEqual([...tokenizer.encodeAll("a café, i\u0307").ids]);
    expect(places.map((place) => prompt.slice(...place))).toEqual([
      "a",
      "cafe\u0301",
      ",",
      "İ",
      "İ",
    ]);
  });

  it("tells what was cut off", () => {
    const prompt = `${"red ".repeat(74)}fox jumps, over it  `;
    const { ids, tokenCount, dropped } = tokenizer.encode(prompt);
    expect(tokenCount).toBe(79);
    expect(ids.length).toBe(77);
    expect(dropped).toEqual({ text: "jumps, over it", start: prompt.indexOf("jumps") });
    expect(tokenizer.encode("red ".repeat(75)).dropped).toBeUndefined();
  });

  it("has another length when asked", () => {
    const { ids, dropped } = tokenizer.encode("a red fox", { maxLength: 4 });
    expect([...ids]).toEqual([49406, ...tokenizer.encodeAll("a red").ids, 49407]);
    expect(dropped?.text).toBe("fox");
    for (const maxLength of [1, 2.5, Number.NaN, 1e9]) {
      expect(() => tokenizer.encode("a", { maxLength })).toThrow(/maxLength.*allowed/);
    }
  });

  it("takes a lone surrogate for U+FFFD", () => {
    expect([...tokenizer.encodeAll("a\ud83d b \udc36").ids]).toEqual([
      ...tokenizer.encodeAll("a\ufffd b \ufffd").ids,
    ]);
  });

  it("needs a string", () => {
    for (const prompt of [undefined, null, 7, ["a"]]) {
      expect(() => tokenizer.encode(prompt as unknown as string)).toThrow(/prompt is not a string/);
    }
  });
});

/**
 * How many times as long one run takes as the other, by the least of several runs
 * of each. Other work on the machine can only lengthen a run, so more runs are made while the
 * growth is above `bound`.
 */
function growth(short: () => void, long: () => void, bound: number): number {
  const least = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < 16; round++) {
    for (const [index, run] of [short, long].entries()) {
      const start = performance.now();
      run();
      least[index] = Math.min(least[index]!, performance.now() - start);
    }
    if (round > 2 && least[1]! / least[0]! < bound) break;
  }
  return least[1]! / least[0]!;
}

describe("time grows with the length, not with its square", () => {
  const tokenizer = tokenizerOf("sd1");
  for (const [title, unit] of [
    ["one letter", "a"],
    ["letters", "thequickbrown"],
    ["combining marks in the wrong order", "\u0345\u0301\u0316\u0334"],
    ["jamo", "\u1161"],
    ["symbols", "'<!"],
    ["words", "over the lazy dog "],
    ["written markers", "<|endoftext|>"],
  ] as const) {
    it(title, () => {
      const run = (length: number) => () => {
        tokenizer.encodeAll(unit.repeat(length / unit.length));
      };
      // Sixteen times the text takes 16 times as long when linear, 256 when quadratic.
      expect(growth(run(12_500), run(200_000), 100)).toBeLessThan(100);
    });
  }
});

describe("files that are broken", () => {
  const tiny = reference.tokenizers.tiny;
  const good = {
    vocab: JSON.stringify(tiny.vocab),
    merges: tiny.merges!.join("\n"),
    config: JSON.stringify(tiny.config),
  };
  const json = tiny.tokenizerJson as unknown as Record<string, unknown> & { model: object };
  const withModel = (model: unknown) => ({ tokenizerJson: JSON.stringify({ ...json, model }) });
  const decoder = (token: unknown, id = "34") => ({
    ...good,
    config: JSON.stringify({ added_tokens_decoder: { [id]: token } }),
  });
  const cases: [string, object, RegExp][] = [
    ["vocab.json is not JSON", { ...good, vocab: "{" }, /vocab\.json is not JSON/],
    ["vocab.json is a list", { ...good, vocab: "[]" }, /vocab\.json does not hold an object/],
    ["vocab.json is missing", { ...good, vocab: undefined }, /vocab\.json is not given as text/],
    ["vocab.json is empty", { ...good, vocab: "{}" }, /vocab\.json has an unlikely number/],
    ["a gap in the ids", { ...good, vocab: '{"a":0,"b":2}' }, /vocab\.json.*"b".*range.*found 2/],
    ["an id twice", { ...good, vocab: '{"a":0,"b":0}' }, /vocab\.json.*same id.*found 0/],
    ["an id that is no number", { ...good, vocab: '{"a":"0"}' }, /vocab\.json.*"a".*range/],
    ["a negative id", { ...good, vocab: '{"a":-1}' }, /vocab\.json.*"a".*range/],
    [
      "a merge of an unknown token",
      { ...good, merges: "c a\nz z" },
      /merges\.txt.*merge 2.*found "z".*same tokenizer/,
    ],
    ["a merge that makes an unknown token", { ...good, merges: "c c" }, /merge 1.*found "cc"/],
    ["a merge of three", { ...good, merges: "c a t" }, /merges\.txt has a merge that is no pair/],
    [
      "too many merges",
      { ...good, merges: "\n".repeat(2 ** 20) },
      /merges\.txt has too many merges/,
    ],
    [
      "a huge file",
      { ...good, merges: "a".repeat(2 ** 26 + 1) },
      /merges\.txt is too long \(found 67108865\)/,
    ],
    ["config is not JSON", { ...good, config: "no" }, /tokenizer_config\.json is not JSON/],
    [
      "a pad token that is a number",
      { ...good, config: '{"pad_token":3}' },
      /tokenizer_config\.json has a pad_token that is no token \(found 3\)/,
    ],
    [
      "special tokens are not JSON",
      { ...good, specialTokens: "" },
      /special_tokens_map\.json is not JSON/,
    ],
    [
      "an empty special token",
      { ...good, specialTokens: '{"eos_token":""}' },
      /eos_token.*no token/,
    ],
    ["an added token without text", decoder({}), /added_tokens_decoder\.34 that is no token/],
    ["an added token with a far id", decoder({ content: "x" }, "99"), /does not follow.*found 99/],
    ["no model", withModel(undefined), /tokenizer\.json has no model/],
    ["no vocab", withModel({ ...json.model, vocab: null }), /tokenizer\.json has no vocab/],
    [
      "no merges",
      withModel({ ...json.model, merges: {} }),
      /tokenizer\.json has no list of merges/,
    ],
    [
      "a merge of numbers",
      withModel({ ...json.model, merges: [[0, 1]] }),
      /tokenizer\.json names a token/,
    ],
  ];
  for (const [title, files, message] of cases) {
    it(title, () => {
      let caught: unknown;
      try {
        createClipTokenizer(files as Parameters<typeof createClipTokenizer>[0]);
      } catch (error) {
        caught = error;
      }
      expect(isUnderpaintError(caught, "model-invalid")).toBe(true);
      expect((caught as Error).message).toMatch(message);
    });
  }

  it("a tokenizer.json of another kind", () => {
    for (const model of [
      { ...json.model, type: "WordPiece" },
      { ...json.model, end_of_word_suffix: null },
    ]) {
      expect(() => createClipTokenizer(withModel(model))).toThrow(
        expect.objectContaining({ code: "model-unsupported" }),
      );
    }
  });

  it("the good ones are taken", () => {
    expect(createClipTokenizer(good).vocabularySize).toBe(34);
    expect(createClipTokenizer(decoder({ content: "x" })).vocabularySize).toBe(35);
  });
});
