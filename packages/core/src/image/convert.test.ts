import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../fixtures/images/tensor.json" with { type: "json" };
import { floatTensor, zeros } from "../tensor/tensor.js";
import { fromTensor, toTensor } from "./convert.js";
import { noiseBytes } from "./fakes/noise-bytes.js";
import { createImage } from "./image.js";

const floats = (bytes: Uint8Array) => new Float32Array(Uint8Array.from(bytes).buffer);
const fromBase64 = (text: string) => Buffer.from(text, "base64");

describe("toTensor", () => {
  it("gives every level diffusers' float", () => {
    const data = Uint8ClampedArray.from({ length: 1024 }, (_, i) => (i % 4 === 3 ? 255 : i >> 2));
    const { data: values } = toTensor(createImage(16, 16, data));
    expect(values.subarray(0, 256)).toEqual(floats(fromBase64(fixtures.levels)));
  });

  it("lays channels out as planes", () => {
    const { width, height, seed, values } = fixtures.layout;
    const rgb = noiseBytes(3 * width * height, seed);
    const data = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) =>
      i % 4 === 3 ? 255 : rgb[3 * (i >> 2) + (i % 4)]!,
    );
    const tensor = toTensor(createImage(width, height, data));
    expect(tensor.dims).toEqual([1, 3, height, width]);
    expect(tensor.data).toEqual(floats(fromBase64(values)));
  });

  it("lays every transparency on white as Pillow does", () => {
    // Row: alpha; column: the colour.
    const data = Uint8ClampedArray.from({ length: 4 * 65536 }, (_, i) =>
      i % 4 === 3 ? i >> 10 : (i >> 2) & 255,
    );
    const { data: seen } = fromTensor(toTensor(createImage(256, 256, data)));
    const flat = Uint8Array.from({ length: 65536 }, (_, i) => seen[4 * i]!);
    const row = Buffer.from(flat.subarray(100 * 256, 101 * 256)).toString("base64");
    expect(row).toBe(fixtures.on_white.alpha_100);
    expect(createHash("sha256").update(flat).digest("hex")).toBe(fixtures.on_white.sha256);
  });

  it("refuses what is no picture", () => {
    expect(() => toTensor({ width: 1, height: 1 } as never)).toThrow(/another kind/);
  });
});

describe("fromTensor", () => {
  const { dims, values, rgb } = fixtures.pictures;
  const batch = floatTensor(dims, floats(inflateSync(fromBase64(values))));

  it.each([0, 1])("rounds and clamps picture %i as diffusers does, ties and all", (index) => {
    const image = fromTensor(batch, index);
    expect([image.height, image.width]).toEqual(dims.slice(2));
    const colours = Uint8Array.from(image.data.filter((_, i) => i % 4 !== 3));
    expect(Buffer.compare(colours, inflateSync(fromBase64(rgb[index]!)))).toBe(0);
    expect(image.data.every((sample, i) => i % 4 !== 3 || sample === 255)).toBe(true);
  });

  it("takes what is no number for 0", () => {
    const tensor = floatTensor([1, 3, 1, 1], Float32Array.of(Number.NaN, 1, Number.NaN));
    expect(fromTensor(tensor).data).toEqual(Uint8ClampedArray.of(0, 255, 0, 255));
  });

  it("undoes toTensor", () => {
    const data = Uint8ClampedArray.from(noiseBytes(4 * 35, 4), (byte, i) =>
      i % 4 === 3 ? 255 : byte,
    );
    const image = createImage(7, 5, data);
    expect(fromTensor(toTensor(image))).toEqual(image);
  });

  it("refuses other dims and indices", () => {
    expect(() => fromTensor(zeros("float32", [1, 4, 8, 8]))).toThrow(/no batch of pictures/);
    expect(() => fromTensor(zeros("float32", [3, 8, 8]))).toThrow(/no batch of pictures/);
    expect(() => fromTensor(batch, 2)).toThrow(/no picture of that index \(found 2\); allowed: 0/);
    expect(() => fromTensor(zeros("float32", [1, 3, 0, 8]))).toThrow(/size that is not allowed/);
  });
});
