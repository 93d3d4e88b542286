import { constants, deflateSync, inflateRawSync, inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { inflate } from "./inflate.js";

let state = 5;
const random = (below: number) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

const samples: Readonly<Record<string, Uint8Array>> = {
  nothing: new Uint8Array(),
  "one byte": Uint8Array.of(7),
  zeros: new Uint8Array(100_000),
  "random bytes": Uint8Array.from({ length: 70_000 }, () => random(256)),
  "few values": Uint8Array.from({ length: 50_000 }, () => random(3)),
  // Frequencies that double give codes of all lengths, up to 15 bits.
  "skewed values": Uint8Array.from({ length: 80_000 }, () => Math.clz32(random(2 ** 31))),
  "far repeats": Uint8Array.from(
    { length: 100_000 },
    (_, i) => (Math.imul(i % 32_768, 73) >> 5) & 255,
  ),
};

const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;

/** What comes out, which has to be `limit` bytes at most. */
function inflated(source: Uint8Array, limit: number): Uint8Array {
  const out = new Uint8Array(limit);
  const length = inflate(source, limit, "data", (part, at) => out.set(part, at));
  expect(length).toBeLessThanOrEqual(limit);
  return out.subarray(0, length);
}

describe("inflate", () => {
  it.each(Object.entries(samples))("gives back %s, as zlib packs it in any way", (_, sample) => {
    for (const strategy of [Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE]) {
      for (const level of [0, 1, 6, 9]) {
        const packed = deflateSync(sample, { level, strategy });
        expect(Buffer.compare(inflated(packed, sample.length), sample)).toBe(0);
        expect(Buffer.compare(inflated(packed, sample.length + 9), sample)).toBe(0);
      }
    }
  });

  it("stops where the data does not fit, wherever that shows", () => {
    for (const sample of [
      new Uint8Array(5_000_000),
      samples["random bytes"]!,
      samples["few values"]!,
    ]) {
      for (const level of [0, 9]) {
        const packed = deflateSync(sample, { level });
        for (const limit of [0, 1, 1000, sample.length - 1]) {
          let received = 0;
          const length = inflate(packed, limit, "data", (part) => {
            received += part.length;
          });
          expect(length).toBeGreaterThan(limit);
          expect(length).toBeLessThanOrEqual(limit + 2048 * 1032);
          expect(received).toBeLessThanOrEqual(limit);
        }
      }
    }
  });

  it("ignores what follows the end", () => {
    const sample = samples["few values"]!;
    for (const extra of [1, 1000, 500_000]) {
      const source = Buffer.concat([deflateSync(sample), new Uint8Array(extra).fill(5)]);
      const out = inflated(source, sample.length);
      expect(Buffer.compare(out, sample)).toBe(0);
    }
  });

  it.each<[string, readonly number[]]>([
    ["is empty", []],
    ["is too short for a header", [0x78]],
    ["begins otherwise", [0x79, 0x9c, 3, 0, 0, 0, 0, 1]],
    ["wants a dictionary", [0x78, 0xbb, 3, 0, 0, 0, 0, 1]],
    ["has a block of an unknown kind", [0x78, 0x9c, 7, 0, 0, 0, 0, 1]],
    ["refers to bytes before its first", [0x78, 0x9c, 3, 2, 0, 0, 0, 0, 1]],
    ["ends in a stored block", [0x78, 0x9c, 1, 9, 0, 246, 255, 1, 2, 3, 4, 5, 6]],
  ])("refuses data that %s", (_, bytes) => {
    expect(() => inflateSync(Uint8Array.from(bytes))).toThrow();
    let caught: unknown;
    try {
      inflated(Uint8Array.from(bytes), 99);
    } catch (error) {
      caught = error;
    }
    expect(isUnderpaintError(caught, "invalid-image")).toBe(true);
    expect(String(caught)).toMatch(/data that cannot be decompressed/);
  });

  it("never takes truncated data for whole", () => {
    const sample = samples["skewed values"]!.subarray(0, 20_000);
    const packed = deflateSync(sample);
    for (let length = 0; length < packed.length - 4; length += 29) {
      let found = 0;
      try {
        found = inflated(packed.subarray(0, length), sample.length).length;
      } catch (error) {
        expect(isUnderpaintError(error, "invalid-image")).toBe(true);
      }
      expect(found).toBeLessThan(sample.length);
    }
  });

  it("gives what zlib gives wherever that accepts, on 4,000 mutations", () => {
    const texts = Object.values(samples).map((sample) => sample.subarray(0, 600));
    const packed = texts.flatMap((text) =>
      [Z_DEFAULT_STRATEGY, Z_FIXED].flatMap((strategy) =>
        [0, 9].map((level) => deflateSync(text, { level, strategy })),
      ),
    );
    const limit = 20_000;
    let agreed = 0;
    for (let round = 0; round < 4000; round++) {
      // Eight bytes more, so that neither comes to its end where the other does not.
      const stream = new Uint8Array(
        Buffer.concat([packed[random(packed.length)]!, new Uint8Array(8)]),
      );
      for (let change = 0; change <= random(3); change++) {
        stream[2 + random(stream.length - 2)]! ^= 1 << random(8);
      }
      let expected: Uint8Array | undefined;
      try {
        expected = inflateRawSync(stream.subarray(2), { maxOutputLength: limit });
      } catch {}
      let found: Uint8Array | undefined;
      try {
        found = inflated(stream, limit);
      } catch (error) {
        expect(isUnderpaintError(error, "invalid-image")).toBe(true);
      }
      if (!expected) continue;
      agreed++;
      expect(found && Buffer.compare(found, expected)).toBe(0);
    }
    expect(agreed).toBeGreaterThan(1000);
    expect(agreed).toBeLessThan(3900);
  });
});
