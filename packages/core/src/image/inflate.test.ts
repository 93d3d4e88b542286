import { constants, deflateSync, inflateRawSync, inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { inflateInto } from "./inflate.js";

let state = 5;
const random = (below: number) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

const samples: Readonly<Record<string, Uint8Array>> = {
  nothing: new Uint8Array(),
  "one byte": Uint8Array.of(7),
  zeros: new Uint8Array(300_000),
  "random bytes": Uint8Array.from({ length: 70_000 }, () => random(256)),
  "few values": Uint8Array.from({ length: 50_000 }, () => random(3)),
  // Frequencies that double give codes of all lengths, up to 15 bits.
  "skewed values": Uint8Array.from({ length: 200_000 }, () => Math.clz32(random(2 ** 31))),
  "far repeats": Uint8Array.from(
    { length: 100_000 },
    (_, i) => (Math.imul(i % 32_768, 73) >> 5) & 255,
  ),
};

const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;

describe("inflateInto", () => {
  it.each(Object.entries(samples))("gives back %s, as zlib packs it in any way", (_, sample) => {
    for (const strategy of [Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE]) {
      for (const level of [0, 1, 6, 9]) {
        const out = new Uint8Array(sample.length);
        expect(inflateInto(out, deflateSync(sample, { level, strategy }))).toBe(sample.length);
        expect(Buffer.compare(out, sample)).toBe(0);
      }
    }
  });

  it("tells when the data does not fit, wherever that shows", () => {
    for (const sample of [samples.zeros!, samples["random bytes"]!, samples["few values"]!]) {
      for (const level of [0, 9]) {
        const packed = deflateSync(sample, { level });
        for (const room of [0, 1, 1000, sample.length - 1]) {
          expect(inflateInto(new Uint8Array(room), packed)).toBeUndefined();
        }
        expect(inflateInto(new Uint8Array(sample.length + 1), packed)).toBe(sample.length);
      }
    }
  });

  it.each<[string, readonly number[], RegExp]>([
    ["too many", Array(19).fill(1), /code that cannot be/],
    ["one too many", [1, 2, 2, 7], /code that cannot be/],
    ["too few", [2, 2], /incomplete/],
    ["one alone", [1], /repeats a code length before the first/],
    ["none", [], /stands for nothing/],
  ])("refuses a block whose code of code lengths has %s", (_, lengths, message) => {
    // Last block, dynamic, 257 literals, 1 distance, all 19 lengths.
    const fields = [
      [1, 1],
      [2, 2],
      [0, 5],
      [0, 5],
      [15, 4],
    ] as [value: number, bits: number][];
    for (let i = 0; i < 19; i++) fields.push([lengths[i] ?? 0, 3]);
    const bits = fields.flatMap(([value, count]) =>
      Array.from({ length: count }, (_, k) => (value >> k) & 1),
    );
    const stream = new Uint8Array(40);
    stream.set([0x78, 0x9c]);
    bits.forEach((bit, i) => {
      stream[2 + (i >> 3)]! |= bit << (i & 7);
    });
    expect(() => inflateSync(stream)).toThrow();
    expect(() => inflateInto(new Uint8Array(99), stream)).toThrow(message);
  });

  it("accepts and refuses what zlib does, on 4,000 mutations", () => {
    const texts = Object.values(samples).map((sample) => sample.subarray(0, 600));
    const packed = texts.flatMap((text) =>
      [Z_DEFAULT_STRATEGY, Z_FIXED].flatMap((strategy) =>
        [0, 9].map((level) => deflateSync(text, { level, strategy })),
      ),
    );
    const limit = 20_000;
    let agreed = 0;
    for (let round = 0; round < 4000; round++) {
      let stream = Uint8Array.from(packed[random(packed.length)]!);
      for (let change = 0; change <= random(3); change++) {
        if (random(8) === 0) stream = stream.slice(0, 2 + random(stream.length));
        // Not in the checksum, which would hide every other difference.
        else stream[2 + random(Math.max(1, stream.length - 6))]! ^= 1 << random(8);
      }
      const body = repairChecksum(stream, limit);
      let expected: Uint8Array | undefined;
      try {
        expected = inflateSync(body, { maxOutputLength: limit });
        agreed++;
      } catch {}
      const out = new Uint8Array(limit);
      let length: number | undefined;
      try {
        length = inflateInto(out, body);
      } catch {}
      expect(length).toBe(expected?.length);
      if (expected) expect(Buffer.compare(out.subarray(0, length), expected)).toBe(0);
    }
    // Enough of both, so that neither answer is the only one tried.
    expect(agreed).toBeGreaterThan(400);
    expect(agreed).toBeLessThan(3600);
  });
});

/** The stream with the checksum of what it holds, where zlib can tell what that is. */
function repairChecksum(stream: Uint8Array, limit: number): Uint8Array {
  try {
    const options = { info: true, maxOutputLength: limit };
    const { buffer, engine } = inflateRawSync(stream.subarray(2), options) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    const out = new Uint8Array(2 + engine.bytesWritten + 4);
    out.set(stream.subarray(0, 2 + engine.bytesWritten));
    let [a, b] = [1, 0];
    for (const byte of buffer) {
      a = (a + byte) % 65521;
      b = (b + a) % 65521;
    }
    new DataView(out.buffer).setUint32(2 + engine.bytesWritten, b * 65536 + a);
    return out;
  } catch {
    return stream;
  }
}
