import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { transformGroup } from "./box-muller.js";
import { createNoiseSource } from "./noise-source.js";

interface Fixture {
  readonly fresh: readonly { seed: string; values: string }[];
  readonly sequences: readonly { seed: string; counts: number[]; values: string }[];
  readonly hashed: readonly {
    seed: string;
    count: number;
    calls: number;
    sha256: string;
    first: string;
    last: string;
  }[];
  readonly exhaustive: { radius: string; cosine: string; sine: string; zeroRadius: string };
}

const fixture = JSON.parse(
  readFileSync(new URL("../../../../fixtures/noise/torch-randn.json", import.meta.url), "utf8"),
) as Fixture;

const bytesOf = (array: Float32Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** The values as bits, so that −0 differs from 0. */
const hexOf = (array: Float32Array): string[] =>
  Array.from(new Uint32Array(array.slice().buffer), (bits) => bits.toString(16).padStart(8, "0"));

const sha256 = (array: Float32Array): string =>
  createHash("sha256").update(bytesOf(array)).digest("hex");

function floats(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  return new Float32Array(bytes.buffer);
}

describe("createNoiseSource", () => {
  it.each(fixture.fresh)("gives torch's bits on each count from 1 to 64: seed $seed", (entry) => {
    const expected = floats(entry.values);
    expect(expected.length).toBe((64 * 65) / 2);
    let start = 0;
    for (let count = 1; count <= 64; count++) {
      const normals = createNoiseSource(BigInt(entry.seed)).normal(count);
      expect(hexOf(normals), `count ${count}`).toEqual(
        hexOf(expected.subarray(start, start + count)),
      );
      start += count;
    }
  });

  it.each(fixture.sequences)("gives torch's bits from call to call: seed $seed", (entry) => {
    const expected = floats(entry.values);
    const source = createNoiseSource(BigInt(entry.seed));
    let start = 0;
    entry.counts.forEach((count, call) => {
      expect(hexOf(source.normal(count)), `call ${call}`).toEqual(
        hexOf(expected.subarray(start, start + count)),
      );
      start += count;
    });
    expect(start).toBe(expected.length);
  });

  it.each(fixture.hashed)(
    "gives torch's bits on $calls × $count values: seed $seed",
    ({ seed, count, calls, ...expected }) => {
      const source = createNoiseSource(BigInt(seed));
      const normals = new Float32Array(count * calls);
      for (let call = 0; call < calls; call++) {
        source.fillNormal(normals.subarray(call * count, (call + 1) * count));
      }
      expect(hexOf(normals.subarray(0, 8))).toEqual(hexOf(floats(expected.first)));
      expect(hexOf(normals.subarray(-8))).toEqual(hexOf(floats(expected.last)));
      expect(sha256(normals)).toBe(expected.sha256);
    },
  );

  it("takes a number and a bigint for the same seed, of which the low 32 bits count", () => {
    const normals = hexOf(createNoiseSource(7).normal(20));
    expect(hexOf(createNoiseSource(7n).normal(20))).toEqual(normals);
    expect(hexOf(createNoiseSource(2 ** 32 + 7).normal(20))).toEqual(normals);
    expect(hexOf(createNoiseSource(8).normal(20))).not.toEqual(normals);
  });

  it("keeps two sources apart", () => {
    const alone = createNoiseSource(3);
    const expected = [...hexOf(alone.normal(5)), ...hexOf(alone.normal(40))];
    const [a, b] = [createNoiseSource(3), createNoiseSource(4)];
    const first = a.normal(5);
    b.normal(5);
    b.normal(40);
    expect([...hexOf(first), ...hexOf(a.normal(40))]).toEqual(expected);
  });

  it("fills a part of an array and leaves the rest", () => {
    const out = new Float32Array(40).fill(9);
    createNoiseSource(1).fillNormal(out.subarray(3, 23));
    expect(hexOf(out.slice(3, 23))).toEqual(hexOf(createNoiseSource(1).normal(20)));
    expect([...out.subarray(0, 3), ...out.subarray(23)]).toEqual(Array(20).fill(9));
  });

  it.each([-1, 1.5, Number.NaN, 2 ** 31, "4"])("refuses a count of %s", (count) => {
    const source = createNoiseSource(0);
    expect(() => source.normal(count as number)).toThrow(
      expect.toSatisfy((error) => isUnderpaintError(error, "invalid-request")),
    );
  });

  it.each([-1, 0.5, "1", undefined])("refuses a seed of %s", (seed) => {
    expect(() => createNoiseSource(seed as number)).toThrow(/^seed is out of range/);
  });
});

describe("transformGroup", () => {
  // All 2^24 uniforms there are: the proof that float32 steps in doubles miss no fused rounding.
  const every = 2 ** 24;
  const transformed = (u1: (k: number) => number, u2: (k: number) => number): Float32Array[] => {
    const [first, second] = [new Float32Array(every), new Float32Array(every)];
    const group = new Float32Array(16);
    for (let k = 0; k < every; k += 8) {
      for (let j = 0; j < 8; j++) {
        group[j] = u1(k + j);
        group[j + 8] = u2(k + j);
      }
      transformGroup(group, 0);
      for (let j = 0; j < 8; j++) {
        first[k + j] = group[j]!;
        second[k + j] = group[j + 8]!;
      }
    }
    return [first, second];
  };

  it("gives torch's radius for every uniform", () => {
    const [radius] = transformed(
      (k) => k,
      () => 0,
    );
    expect(sha256(radius!)).toBe(fixture.exhaustive.radius);
  });

  it("gives torch's cosine and sine for every uniform", () => {
    // 2 · 2^-24 has the radius 2^-11 exactly.
    const [cosine, sine] = transformed(
      () => 2,
      (k) => k,
    );
    expect(sha256(cosine!.map((value) => value * 2 ** 11))).toBe(fixture.exhaustive.cosine);
    expect(sha256(sine!.map((value) => value * 2 ** 11))).toBe(fixture.exhaustive.sine);
  });

  it("gives torch's zeros, sign and all, where the radius is 0", () => {
    const group = new Float32Array(16);
    for (let octant = 0; octant < 8; octant++) group[octant + 8] = octant * 2 ** 21;
    transformGroup(group, 0);
    expect(hexOf(group)).toEqual(hexOf(floats(fixture.exhaustive.zeroRadius)));
  });
});
