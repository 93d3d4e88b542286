import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { createImage } from "../image/image.js";
import { encodePng } from "../image/png.js";
import { readPngText } from "../image/png-text.js";
import { parseParameters } from "./parameters.js";
import { parseRecipe } from "./parse-recipe.js";
import { type Recipe, recipeOfPicture, seedFromJson, seedToJson } from "./recipe.js";
import { readRecipe, recipeText } from "./recipe-text.js";

const recipe: Recipe = {
  underpaint: 1,
  model: { id: "hub:owner/name@main" },
  prompt: "a red apple",
  negativePrompt: "blurry",
  width: 512,
  height: 768,
  steps: 20,
  guidance: { name: "classifier-free", options: { scale: 7.5, rescale: 0 } },
  scheduler: { name: "dpmpp-2m", options: { spacing: { kind: "karras", rho: 7 }, order: null } },
  seed: 42,
  count: 2,
  versions: { "@underpaint/core": "0.1.0" },
};

const imageToImage: Recipe = {
  ...recipe,
  strength: 0.6,
  clipSkip: 1,
  image: { sha256: "0123456789abcdef".repeat(4), width: 300, height: 200 },
};

const painted: Recipe = {
  ...imageToImage,
  painting: {
    mask: { sha256: "fedcba9876543210".repeat(4), width: 300, height: 200 },
    source: "alpha",
    grow: 0,
    feather: 32,
    blend: 25,
    spill: false,
    padding: 32,
    fill: "border",
    layer: true,
  },
};

/** A recipe that painted, with something else in its painting. */
const paintedWith = (more: object) => ({ ...painted, painting: { ...painted.painting, ...more } });

const picture = createImage(2, 2, new Uint8ClampedArray(16).fill(255));

function refusal(value: unknown): string {
  try {
    parseRecipe(value);
  } catch (error) {
    if (isUnderpaintError(error, "invalid-request")) return error.message;
    throw error;
  }
  return "nothing";
}

describe("parseRecipe", () => {
  it.each([recipe, imageToImage, painted, recipeOfPicture(recipe, 1)])(
    "gives a sound one back",
    (sound) => {
      const parsed = parseRecipe(JSON.parse(JSON.stringify(sound)));
      expect(parsed).toEqual(sound);
      expect(parsed.scheduler.options).not.toBe(sound.scheduler.options);
    },
  );

  it("tells seeds above 2^53 − 1 exactly, and writes them one way", () => {
    const parse = (seed: unknown) => parseRecipe({ ...recipe, seed }).seed;
    expect(parse("18446744073709551615")).toBe("18446744073709551615");
    expect(parse("9007199254740993")).toBe("9007199254740993");
    expect(parse("007")).toBe(7);
    expect(parse(0)).toBe(0);
  });

  it.each<[string, unknown, RegExp]>([
    ["nothing", undefined, /the recipe is not an object/],
    ["a list", [recipe], /the recipe is not an object/],
    [
      "no version",
      { ...recipe, underpaint: undefined },
      /underpaint is no version .* allowed: 1\.$/,
    ],
    ["a later version", { ...recipe, underpaint: 2 }, /found 2/],
    ["an unknown field", { ...recipe, loras: [] }, /found "loras"/],
    ["a mistyped field", { ...recipe, promt: "" }, /did you mean prompt\?/],
    [
      "a prompt that is none",
      { ...recipe, prompt: 3 },
      /recipe\.prompt is not a string \(found 3\)/,
    ],
    ["a long prompt", { ...recipe, prompt: "x".repeat(100_001) }, /recipe\.prompt is too long/],
    ["no model", { ...recipe, model: null }, /recipe\.model is not an object/],
    ["a strange model", { ...recipe, model: { id: "x", url: "y" } }, /found "url"/],
    ["no width", { ...recipe, width: undefined }, /recipe\.width is out of range/],
    ["a huge width", { ...recipe, width: 1e9 }, /recipe\.width is out of range/],
    ["half a step", { ...recipe, steps: 0.5 }, /recipe\.steps is out of range \(found 0\.5\)/],
    ["no pictures", { ...recipe, count: 0 }, /recipe\.count/],
    ["a negative seed", { ...recipe, seed: -1 }, /recipe\.seed is no seed/],
    ["an inexact seed", { ...recipe, seed: 2 ** 53 }, /recipe\.seed is no seed/],
    ["a seed in words", { ...recipe, seed: "0x10" }, /recipe\.seed is no seed/],
    ["a seed of 2^64", { ...recipe, seed: "18446744073709551616" }, /recipe\.seed is too large/],
    ["strength 2", { ...recipe, strength: 2 }, /recipe\.strength is out of range/],
    ["strength null", { ...recipe, strength: null }, /recipe\.strength is out of range/],
    ["a short digest", { ...imageToImage, image: { sha256: "ab", width: 1, height: 1 } }, /digest/],
    [
      "a mask without a digest",
      paintedWith({ mask: undefined }),
      /painting\.mask is not an object/,
    ],
    ["NaN as feather", paintedWith({ feather: Number.NaN }), /painting\.feather is out of range/],
    ["another source", paintedWith({ source: "red" }), /painting\.source.*luminance, alpha/],
    ["spill in words", paintedWith({ spill: "yes" }), /painting\.spill is not true or false/],
    ["a layer in words", paintedWith({ layer: "yes" }), /painting\.layer is not true or false/],
    ["more of an edge", paintedWith({ blur: 4 }), /found "blur"/],
    ["no scheduler name", { ...recipe, scheduler: { options: {} } }, /recipe\.scheduler\.name/],
    [
      "no options",
      { ...recipe, scheduler: { name: "euler" } },
      /scheduler\.options is not an object/,
    ],
    [
      "an option that is no JSON",
      { ...recipe, guidance: { name: "x", options: { a: [1, Number.NaN] } } },
      /recipe\.guidance\.options\.a\[1\] is no JSON value \(found NaN\)/,
    ],
    [
      "a function",
      { ...recipe, guidance: { name: "x", options: { f: () => 1 } } },
      /recipe\.guidance\.options\.f is no JSON value \(found a function\)/,
    ],
    ["versions that are no text", { ...recipe, versions: { node: 20 } }, /recipe\.versions\.node/],
  ])("refuses %s", (_, value, message) => {
    expect(refusal(value)).toMatch(message);
  });

  it("bounds the depth and the number of options", () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    const guidance = (options: object) => ({ ...recipe, guidance: { name: "x", options } });
    expect(refusal(guidance({ a: nested(7) }))).toBe("nothing");
    expect(refusal(guidance({ a: nested(8) }))).toMatch(/nested too deeply/);
    expect(refusal(guidance({ a: nested(5000) }))).toMatch(/nested too deeply/);
    expect(refusal(guidance({ sigmas: Array(9998).fill(1) }))).toBe("nothing");
    expect(refusal(guidance({ sigmas: Array(9999).fill(1) }))).toMatch(/too many/);
  });

  it("does not let a key become a prototype", () => {
    const text = JSON.stringify(recipe).replace('"scale"', '"__proto__":{"polluted":1},"scale"');
    const { options } = parseRecipe(JSON.parse(text)).guidance;
    expect(Object.getPrototypeOf(options)).toBe(Object.prototype);
    expect((options as { polluted?: unknown }).polluted).toBeUndefined();
    expect(refusal(JSON.parse(JSON.stringify(recipe).replace("{", '{"__proto__":1,')))).toMatch(
      /found "__proto__"/,
    );
  });
});

describe("recipeOfPicture", () => {
  it("is one picture with its own seed", () => {
    expect(recipeOfPicture(recipe, 1)).toEqual({ ...recipe, seed: 43, count: 1, index: 1 });
  });

  it("passes 2^53 exactly, and goes on from 0 past 2^64 − 1", () => {
    const seedOf = (seed: number | string, index: number) =>
      recipeOfPicture({ ...recipe, seed }, index).seed;
    expect(seedOf(Number.MAX_SAFE_INTEGER, 2)).toBe("9007199254740993");
    expect(seedOf("18446744073709551615", 1)).toBe(0);
  });
});

describe("seeds in JSON", () => {
  it.each([0, 1, Number.MAX_SAFE_INTEGER, 9007199254740992n, 18446744073709551615n])(
    "come back: %s",
    (seed) => {
      expect(seedFromJson(JSON.parse(JSON.stringify(seedToJson(seed))))).toBe(seed);
    },
  );

  it("are numbers where a number is exact", () => {
    expect(seedToJson(5n)).toBe(5);
    expect(seedToJson(2n ** 53n)).toBe("9007199254740992");
  });
});

describe("a recipe in a picture", () => {
  it.each(["a red apple", "猫 \u{1f34e}", "x\0\u0001\ud800\n\"y\" 'z'", "\u2028", "é"])(
    "comes back exactly, with the prompt %j",
    (prompt) => {
      const written = { ...imageToImage, prompt, negativePrompt: `no ${prompt}` };
      expect(readRecipe(encodePng(picture, { text: recipeText(written) }))).toEqual(written);
    },
  );

  it("has the longest prompts that are allowed, in the worst script for it", () => {
    const prompt = "\u0001".repeat(100_000);
    const written = { ...recipe, prompt, negativePrompt: prompt };
    expect(readRecipe(encodePng(picture, { text: recipeText(written) }))).toEqual(written);
  });

  it("stands beside the text that other tools read", () => {
    const file = encodePng(picture, { text: recipeText(recipeOfPicture(imageToImage, 1)) });
    const { prompt, negativePrompt, settings } = parseParameters(
      readPngText(file).get("parameters")!,
    );
    expect([prompt, negativePrompt]).toEqual(["a red apple", "blurry"]);
    expect(Object.fromEntries(settings)).toEqual({
      Steps: "20",
      Sampler: "DPM++ 2M",
      "Schedule type": "Karras",
      "CFG scale": "7.5",
      Seed: "43",
      Size: "512x768",
      Model: "hub:owner/name@main",
      "Denoising strength": "0.6",
      "Clip skip": "2",
      Version: "underpaint 0.1.0",
    });
  });

  it("may be missing", () => {
    expect(readRecipe(encodePng(picture))).toBeUndefined();
  });

  it.each<[string, string, RegExp]>([
    ["not JSON", "{", /the picture's recipe is not JSON \(found "\{"\)/],
    ["no recipe", "[]", /the recipe is not an object/],
    ["too long", " ".repeat(2 ** 21 + 1), /recipe is too long/],
  ])("is refused when it is %s", (_, json, message) => {
    const file = encodePng(picture, { text: { underpaint: json } });
    expect(() => readRecipe(file)).toThrow(message);
  });
});
