import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { floatToHalf, halfToFloat, halfToNumber, numberToHalf } from "./half.js";

const fixture = JSON.parse(
  readFileSync(new URL("../../../../fixtures/half/numpy.json", import.meta.url), "utf8"),
) as { singleOfEachHalf: string; halfOfEdges: string; halfOfEvery4099th: string };

const sha256 = (array: Uint16Array | Uint32Array): string =>
  createHash("sha256").update(new Uint8Array(array.buffer)).digest("hex");

const eachHalf = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
const isNanHalf = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;

const wordsOf = (floats: Float32Array): Uint32Array => new Uint32Array(floats.buffer);
const floatsOf = (words: Uint32Array): Float32Array => new Float32Array(words.buffer);
const oneNan = (halves: Uint16Array): Uint16Array =>
  halves.map((bits) => (isNanHalf(bits) ? 0x7e00 : bits));

/** The float32 words at and around each finite half and each tie between two, as half.py has them. */
function edges(): Uint32Array {
  const count = 0x7c00;
  const finite = wordsOf(halfToFloat(eachHalf.subarray(0, count)));
  const above = Uint32Array.from(finite, (_, i) => finite[i + 1] ?? 0x47800000);
  const [low, high] = [floatsOf(finite.slice()), floatsOf(above.slice())];
  const ties = wordsOf(low.map((value, i) => (value + high[i]!) / 2));
  const plus = (words: Uint32Array, step: number): Uint32Array => words.map((word) => word + step);
  const positive = [finite, plus(finite, 1), plus(ties, -1), ties, plus(ties, 1), plus(above, -1)];
  const out = new Uint32Array(12 * count);
  positive.forEach((words, row) => {
    out.set(words, row * count);
    out.set(plus(words, 0x80000000), (row + 6) * count);
  });
  return out;
}

describe("half to single", () => {
  it("gives NumPy's bits for all 65,536 halves", () => {
    const words = wordsOf(halfToFloat(eachHalf));
    const oneNanWords = words.map((word) => ((word & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : word));
    expect(sha256(oneNanWords)).toBe(fixture.singleOfEachHalf);
  });

  it("gives each number by itself as it does in bulk", () => {
    const floats = halfToFloat(eachHalf);
    expect(eachHalf.every((bits) => Object.is(halfToNumber(bits), floats[bits]))).toBe(true);
  });

  it.each([
    [0x0000, 0],
    [0x8000, -0],
    [0x0001, 2 ** -24],
    [0x83ff, -1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
    [0x7e00, Number.NaN],
  ])("takes %s for %s", (bits, value) => {
    expect(halfToNumber(bits)).toBe(value);
  });
});

describe("single to half", () => {
  it("gives each of the 65,536 halves back, the bits of NaNs included", () => {
    expect(floatToHalf(halfToFloat(eachHalf))).toEqual(eachHalf);
  });

  it("gives NumPy's bits around each half and each tie", () => {
    expect(sha256(oneNan(floatToHalf(floatsOf(edges()))))).toBe(fixture.halfOfEdges);
  });

  it("gives NumPy's bits for a million words spread over all", () => {
    const words = Uint32Array.from({ length: Math.ceil(2 ** 32 / 4099) }, (_, i) => i * 4099);
    expect(sha256(oneNan(floatToHalf(floatsOf(words))))).toBe(fixture.halfOfEvery4099th);
  });

  it("keeps a NaN a NaN whose payload is in the low bits alone", () => {
    const floats = floatsOf(Uint32Array.of(0x7f800001, 0xff801fff));
    expect([...floatToHalf(floats)].map(isNanHalf)).toEqual([true, true]);
  });

  it("reads a part of an array", () => {
    const values = Float32Array.of(9, 1, -2, 9);
    expect([...floatToHalf(values.subarray(1, 3))]).toEqual([0x3c00, 0xc000]);
    const halves = Uint16Array.of(9, 0x3c00, 0xc000, 9);
    expect([...halfToFloat(halves.subarray(1, 3))]).toEqual([1, -2]);
  });
});

describe("number to half", () => {
  it("agrees with the bulk conversion on each edge", () => {
    const floats = floatsOf(edges());
    const bulk = floatToHalf(floats);
    expect(bulk.every((bits, i) => numberToHalf(floats[i]!) === bits)).toBe(true);
  });

  it("rounds a double once: the least bit beside a tie decides", () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x7c00; bits++) {
      const above = bits === 0x7bff ? 65536 : halfToNumber(bits + 1);
      const tie = (halfToNumber(bits) + above) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      // Beside a tie float32 would round these two doubles to the tie itself.
      const right =
        numberToHalf(tie * (1 - 2 ** -53)) === bits &&
        numberToHalf(tie) === even &&
        numberToHalf(tie * (1 + 2 ** -52)) === bits + 1;
      if (!right) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    [0, 0],
    [-0, 0x8000],
    [5e-324, 0],
    [-(2 ** -25), 0x8000],
    [65519.999, 0x7bff],
    [-65520, 0xfc00],
    [1e308, 0x7c00],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [Number.NaN, 0x7e00],
  ])("makes %s to %s", (value, bits) => {
    expect(numberToHalf(value)).toBe(bits);
  });
});
