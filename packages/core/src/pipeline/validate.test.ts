import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { createImage } from "../image/image.js";
import { type RequestDefaults, validateRequest } from "./validate.js";

const defaults: RequestDefaults = {
  width: 64,
  height: 64,
  steps: 20,
  guidanceScale: 4,
  sizeMultiple: 8,
  paddingMultiple: 16,
};

const validate = (request: unknown) => validateRequest(request as never, defaults);

function refusal(request: unknown): string {
  try {
    validate(request);
  } catch (error) {
    if (isUnderpaintError(error)) return error.message;
    throw error;
  }
  throw new Error("the request was accepted");
}

describe("validateRequest", () => {
  it("fills in the model's own values", () => {
    expect(validate({ prompt: "", seed: 7 })).toEqual({
      prompt: "",
      negativePrompt: "",
      width: 64,
      height: 64,
      steps: 20,
      guidanceScale: 4,
      guidanceRescale: 0,
      seed: 7,
      count: 1,
      clipSkip: 0,
      image: undefined,
      strength: 0.8,
      painting: undefined,
      controls: [],
    });
  });

  it("keeps a guidanceScale, a strength and a seed of 0", () => {
    const image = createImage(64, 64);
    const valid = validate({ prompt: "a", guidanceScale: 0, strength: 0, seed: 0, image });
    expect([valid.guidanceScale, valid.strength, valid.seed]).toEqual([0, 0, 0]);
  });

  it("takes the size of the picture to begin from, rounded down", () => {
    const { width, height } = validate({ prompt: "a", image: createImage(100, 63) });
    expect([width, height]).toEqual([96, 56]);
  });

  it("reads seeds of all three kinds, and draws others at random", () => {
    expect(validate({ prompt: "", seed: 2n ** 64n - 1n }).seed).toBe(2n ** 64n - 1n);
    expect(validate({ prompt: "", seed: "18446744073709551615" }).seed).toBe(2n ** 64n - 1n);
    const drawn = new Set(Array.from({ length: 8 }, () => validate({ prompt: "" }).seed));
    expect(drawn.size).toBeGreaterThan(6);
  });

  const image = createImage(64, 64);
  it.each<[unknown, ...string[]]>([
    [undefined, "a request is not an object"],
    [{ prompt: 7 }, "prompt is not a string (found 7)"],
    [{}, "prompt is not a string (found undefined)"],
    [{ prompt: "a", negativePrompt: 5 }, "negativePrompt is not a string (found 5)"],
    [{ prompt: "a".repeat(100_001) }, "100001 characters", "up to 100000"],
    [{ prompt: "a", width: 65 }, "width", "found 65", "multiple of 8", "nearest is 64"],
    [{ prompt: "a", height: 0 }, "height", "found 0", "from 8 to 8192"],
    [{ prompt: "a", width: 16384 }, "found 16384", "8192"],
    [{ prompt: "a", width: Number.NaN }, "width", "NaN"],
    [{ prompt: "a", width: 4096, height: 4096, count: 5 }, "width × height × count", "67108864"],
    [{ prompt: "a", steps: 0 }, "steps is out of range (found 0)", "1 to 1000"],
    [{ prompt: "a", steps: -3 }, "steps", "-3"],
    [{ prompt: "a", steps: 2.5 }, "steps", "2.5", "whole number"],
    [{ prompt: "a", steps: 1e9 }, "steps", "1000000000"],
    [{ prompt: "a", guidanceScale: Number.NaN }, "guidanceScale", "NaN"],
    [{ prompt: "a", guidanceScale: Number.POSITIVE_INFINITY }, "guidanceScale", "Infinity"],
    [{ prompt: "a", guidanceScale: -1 }, "guidanceScale", "-1"],
    [{ prompt: "a", guidanceRescale: 1.1 }, "guidanceRescale", "1.1", "0 to 1"],
    [{ prompt: "a", seed: -1 }, "seed", "-1", "9007199254740991"],
    [{ prompt: "a", seed: 2 ** 53 }, "seed", "bigint"],
    [{ prompt: "a", seed: 2n ** 64n }, "seed", "18446744073709551616n"],
    [{ prompt: "a", seed: 1.5 }, "seed", "1.5"],
    [{ prompt: "a", seed: "12x" }, "seed", '"12x"'],
    [{ prompt: "a", count: 0 }, "count", "1 to 256"],
    [{ prompt: "a", clipSkip: 25 }, "clipSkip", "0 to 24"],
    [{ prompt: "a", stepz: 5 }, '"stepz"', "did you mean steps?"],
    [{ prompt: "a", num_inference_steps: 5 }, "did you mean steps?"],
    [{ prompt: "a", guidance_scale: 5 }, "did you mean guidanceScale?"],
    [{ prompt: "a", zzz: 5 }, '"zzz"', "leave it out"],
    [{ prompt: "a", image, strength: 1.01 }, "strength", "1.01", "0 to 1"],
    [{ prompt: "a", image, strength: -0.1 }, "strength", "-0.1"],
    [{ prompt: "a", image, strength: Number.NaN }, "strength", "NaN"],
    [{ prompt: "a", strength: 0.5 }, "strength is given without an image"],
    [{ prompt: "a", image: { width: 0, height: 4, data: new Uint8ClampedArray() } }, "0 × 4"],
    [{ prompt: "a", image: "cat.png" }, "image is no picture", "decodePng"],
    [{ prompt: "a", onStep: 5 }, "onStep is not a function"],
    [{ prompt: "a", signal: {} }, "signal is no AbortSignal"],
  ])("refuses %o", (request, ...parts) => {
    const message = refusal(request);
    for (const part of parts) expect(message).toContain(part);
    expect(message).toMatch(/[.?]$/);
  });
});
