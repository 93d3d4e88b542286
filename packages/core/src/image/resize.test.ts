import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../fixtures/images/resize.json" with { type: "json" };
import { noiseBytes } from "./fakes/noise-bytes.js";
import { createImage, type RgbaImage } from "./image.js";
import { type ResizeFilter, resize } from "./resize.js";

/** The picture that tools/reference/images.py makes of a seed. */
function noiseImage(width: number, height: number, mode: string, seed: number): RgbaImage {
  const channels = mode === "RGBA" ? 4 : 3;
  const bytes = noiseBytes(width * height * channels, seed);
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < channels; c++) data[4 * i + c] = bytes[channels * i + c]!;
  }
  return createImage(width, height, data);
}

describe("resize", () => {
  it.each(fixtures.cases)("equals Pillow in every bit: $name", (fixture) => {
    const { width, height, mode, seed } = fixture.source;
    const source = noiseImage(width, height, mode, seed);
    const before = source.data.slice();
    const filter = fixture.filter as ResizeFilter;
    const out = resize(source, fixture.width, fixture.height, { filter });
    expect([out.width, out.height]).toEqual([fixture.width, fixture.height]);
    if (fixture.rgba !== undefined) {
      expect(Buffer.from(out.data.buffer).toString("base64")).toBe(fixture.rgba);
    }
    expect(createHash("sha256").update(out.data).digest("hex")).toBe(fixture.sha256);
    expect(source.data.every((sample, i) => sample === before[i])).toBe(true);
  });

  it("never makes a picture larger than both others on the way", () => {
    expect(resize(createImage(1, 2 ** 20), 2 ** 20, 1).width).toBe(2 ** 20);
    expect(resize(createImage(2 ** 20, 1), 1, 2 ** 20).height).toBe(2 ** 20);
  });

  it("is lanczos unless told otherwise", () => {
    const source = noiseImage(9, 8, "RGB", 1);
    expect(resize(source, 5, 6)).toEqual(resize(source, 5, 6, { filter: "lanczos" }));
    expect(resize(source, 5, 6)).not.toEqual(resize(source, 5, 6, { filter: "bicubic" }));
  });

  it("never gives back its source's memory", () => {
    const source = noiseImage(4, 4, "RGB", 1);
    expect(resize(source, 4, 4).data.buffer).not.toBe(source.data.buffer);
  });

  it("reads data that begins anywhere in its buffer", () => {
    const whole = noiseImage(6, 6, "RGBA", 3);
    const shifted = new Uint8ClampedArray(4 * 36 + 3);
    shifted.set(whole.data, 3);
    const view = createImage(6, 6, shifted.subarray(3));
    for (const filter of ["nearest", "lanczos"] as const) {
      expect(resize(view, 4, 9, { filter })).toEqual(resize(whole, 4, 9, { filter }));
    }
  });

  it("refuses sizes and filters that are not allowed, before any work", () => {
    const source = noiseImage(4, 4, "RGB", 1);
    expect(() => resize(source, 0, 4)).toThrow(/"0 × 4"/);
    expect(() => resize(source, 4, 2 ** 30)).toThrow(/size that is not allowed/);
    expect(() => resize(source, 2, 2, { filter: "lanzos" as never })).toThrow(
      /found "lanzos".*did you mean lanczos\?/,
    );
    expect(() => resize(source, 2, 2, { filter: "toString" as never })).toThrow(/no filter/);
  });
});
