import { createHash } from "node:crypto";
import { createImage } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import blur from "../../../../../fixtures/hints/blur.json" with { type: "json" };
import flatten from "../../../../../fixtures/hints/flatten.json" with { type: "json" };
import lines from "../../../../../fixtures/hints/lines.json" with { type: "json" };
import {
  crop,
  difference,
  every,
  noise,
  none,
  readPicture,
  unpack,
  unpackFloats,
} from "../fakes/source-picture.js";
import { greyOf, onBlack, onWhite } from "../flatten.js";
import { mirrored } from "./border.js";
import { gaussianBlurBytes, gaussianBlurFloat } from "./gaussian-blur.js";
import { medianAbove } from "./median.js";
import { roundHalfEven } from "./round.js";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const source = readPicture(blur.picture);
const reds = (area: readonly number[]) => every(crop(source, area).data, 4, 0);

describe("gaussianBlurFloat", () => {
  it.each(blur.floats)("equals OpenCV in every bit: sigma $sigma on $crop", (fixture) => {
    const [, , width, height] = fixture.crop;
    const plane = Float32Array.from(reds(fixture.crop));
    const blurred = gaussianBlurFloat(plane, width!, height!, fixture.sigma);
    const expected = unpackFloats(fixture.values);
    expect(difference(plane, reds(fixture.crop))).toEqual(none);
    if (fixture.exact) {
      expect(difference(blurred, expected)).toEqual(none);
      return;
    }
    // OpenCV rounds what is left of a row behind its last vector of 8 in another order.
    expect(difference(blurred, expected).most).toBeLessThan(3.1e-5);
    const inVectors = (_: number, i: number) => i % width! < width! - (width! % 8);
    expect(difference(blurred.filter(inVectors), expected.filter(inVectors))).toEqual(none);
  });
});

describe("gaussianBlurBytes", () => {
  it.each(blur.bytes)("equals OpenCV in every pixel: sigma $sigma on $crop", (fixture) => {
    const [, , width, height] = fixture.crop;
    const blurred = gaussianBlurBytes(reds(fixture.crop), width!, height!, fixture.sigma);
    expect(difference(blurred, unpack(fixture.values))).toEqual(none);
  });
});

describe("flattening", () => {
  // Row: alpha; column: the colour.
  const data = Uint8ClampedArray.from({ length: 4 * 65536 }, (_, i) =>
    i % 4 === 3 ? i >> 10 : (i >> 2) & 255,
  );
  const layer = createImage(256, 256, data);

  it("lays every transparency on white as the annotators do", () => {
    const flat = every(onWhite(layer), 3, 1);
    const row = Buffer.from(flat.subarray(100 * 256, 101 * 256)).toString("base64");
    expect(row).toBe(flatten.on_white.alpha_100);
    expect(sha256(flat)).toBe(flatten.on_white.sha256);
  });

  it("lays on black what is left of each colour", () => {
    const flat = every(onBlack(layer), 3, 2);
    expect([flat[200], flat[100 * 256 + 200], flat[255 * 256 + 200]]).toEqual([0, 78, 200]);
  });

  it("weighs grey as Pillow does", () => {
    expect(sha256(greyOf(onWhite(readPicture("astronaut"))))).toBe(flatten.grey_sha256);
  });
});

describe("medianAbove", () => {
  it.each(lines.medians)("equals numpy's of $count values", ({ count, seed, median }) => {
    const values = Float32Array.from(noise(count, seed), (x) => x * Math.fround(1.0371));
    expect(medianAbove(values, 8)).toBe(median ?? undefined);
  });

  it("is undefined where nothing is above", () => {
    expect(medianAbove(Float32Array.of(1, 8, 0), 8)).toBeUndefined();
  });
});

describe("roundHalfEven", () => {
  it("rounds as C's rint", () => {
    const values = [0.5, 1.5, 2.5, -0.5, -1.5, 2.4999, 2.5001, -2.6, 7];
    expect(values.map(roundHalfEven)).toEqual([0, 2, 2, 0, -2, 2, 3, -3, 7]);
  });
});

describe("mirrored", () => {
  it("never repeats the border, however far out", () => {
    const seen = Array.from({ length: 15 }, (_, i) => mirrored(i - 6, 4));
    expect(seen).toEqual([0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]);
    expect([-3, 0, 5].map((at) => mirrored(at, 1))).toEqual([0, 0, 0]);
  });
});
