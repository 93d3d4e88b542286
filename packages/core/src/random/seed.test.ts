import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { addToSeed, validateSeed } from "./seed.js";

const invalid = expect.toSatisfy((error) => isUnderpaintError(error, "invalid-request"));

describe("validateSeed", () => {
  it.each([0, 1, 2 ** 32, 2 ** 53 - 1, 0n, 2n ** 53n, 2n ** 64n - 1n])("takes %s", (seed) => {
    expect(validateSeed(seed)).toBe(seed);
  });

  it("takes −0 for 0", () => {
    expect(validateSeed(-0)).toBe(0);
  });

  it.each([
    -1,
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    -1n,
    2n ** 64n,
    "7",
    null,
    undefined,
    [7],
    { valueOf: () => 7 },
  ])("refuses %s", (seed) => {
    expect(() => validateSeed(seed)).toThrow(invalid);
  });

  it("tells how to write a seed that a number cannot hold", () => {
    expect(() => validateSeed(2 ** 53)).toThrow(/found 9007199254740992.* as a bigint, with an n/);
    expect(() => validateSeed(2 ** 64)).not.toThrow(/with an n/);
  });
});

describe("addToSeed", () => {
  it.each([
    [5, 0, 5],
    [5, 3, 8],
    [5n, 3, 8n],
    [2 ** 53 - 2, 1, 2 ** 53 - 1],
    [2 ** 53 - 1, 1, 2n ** 53n],
    [2 ** 53 - 1, 2, 2n ** 53n + 1n],
    [2n ** 64n - 1n, 0, 2n ** 64n - 1n],
    [2n ** 64n - 1n, 1, 0n],
    [2n ** 64n - 1n, 3, 2n],
  ])("makes %s + %s to %s", (seed, k, sum) => {
    expect(addToSeed(seed, k)).toBe(sum);
  });

  it.each([
    [-1, 0],
    [2 ** 53, 0],
    [0, -1],
    [0, 1.5],
    [0, Number.NaN],
    [0n, 2 ** 53],
  ])("refuses %s + %s", (seed, k) => {
    expect(() => addToSeed(seed, k)).toThrow(invalid);
  });
});
