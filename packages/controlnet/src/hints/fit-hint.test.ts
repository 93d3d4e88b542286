import { createHash } from "node:crypto";
import { createImage } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../fixtures/hints/resize.json" with { type: "json" };
import { difference, noise, noisePicture, none, rgbOf, unpack } from "./fakes/source-picture.js";
import { shrinkByArea } from "./filters/resize-area.js";
import { areaTaps, lanczosTaps, resample } from "./filters/resize-taps.js";
import { fitHint } from "./fit-hint.js";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("resizing", () => {
  it.each(fixtures.cases)("equals OpenCV in every pixel: $name", (fixture) => {
    const { width, height, seed } = fixture.source;
    const samples = noise(3 * width * height, seed);
    const shrinks = fixture.width <= width && fixture.height <= height;
    const taps = fixture.filter === "lanczos4" ? lanczosTaps : areaTaps;
    const out =
      fixture.filter === "area" && shrinks
        ? shrinkByArea(samples, width, height, fixture.width, fixture.height, 3)
        : resample(
            samples,
            width,
            height,
            taps(width, fixture.width),
            taps(height, fixture.height),
            3,
          );
    if (fixture.rgb !== undefined) expect(difference(out, unpack(fixture.rgb))).toEqual(none);
    expect(sha256(out)).toBe(fixture.sha256);
  });
});

describe("fitHint", () => {
  it.each(fixtures.fits)(
    "equals the annotators' resizing: $width × $height to $resolution",
    ({ width, height, seed, resolution, newWidth, newHeight, sha256: expected }) => {
      const hint = fitHint(noisePicture(width, height, seed), { resolution });
      expect([hint.width, hint.height]).toEqual([newWidth, newHeight]);
      expect(sha256(rgbOf(hint))).toBe(expected);
      const same = width === newWidth && height === newHeight;
      expect(hint.notices).toEqual(
        same ? [] : [`resized from ${width} × ${height} to ${newWidth} × ${newHeight}`],
      );
    },
  );

  it("is 512 unless told otherwise", () => {
    expect(fitHint(createImage(10, 10)).width).toBe(512);
  });

  it("makes exactly the size that is asked for, larger or smaller", () => {
    const image = noisePicture(60, 40, 1);
    for (const [width, height] of [
      [61, 39],
      [8, 8],
      [200, 7],
      [1, 1],
    ] as const) {
      const hint = fitHint(image, { width, height });
      expect([hint.width, hint.height]).toEqual([width, height]);
      expect(hint.notices).toEqual([`resized from 60 × 40 to ${width} × ${height}`]);
    }
    const same = fitHint(image, { width: 60, height: 40 });
    expect(difference(rgbOf(same), rgbOf(image))).toEqual(none);
    expect(same.notices).toEqual([]);
  });

  it("gives white for what is transparent", () => {
    expect([...new Set(rgbOf(fitHint(createImage(30, 30), { resolution: 64 })))]).toEqual([255]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["no picture", () => fitHint("x.png" as never), /^fitHint's picture is no picture/],
    [
      "a thin picture that would become huge",
      () => fitHint(createImage(1, 100_000)),
      /too long and thin.*512 × 51200000.*crop it/,
    ],
    ["a resolution of 0", () => fitHint(createImage(1, 1), { resolution: 0 }), /64 to 4096/],
    ["half a resolution", () => fitHint(createImage(1, 1), { resolution: 99.5 }), /99\.5/],
    ["a width alone", () => fitHint(createImage(1, 1), { width: 5 } as never), /5 × undefined/],
    [
      "a huge size",
      () => fitHint(createImage(1, 1), { width: 8192, height: 8192 }),
      /8192 × 8192.*pixels at most/,
    ],
    [
      "both",
      () => fitHint(createImage(1, 1), { width: 5, height: 5, resolution: 64 } as never),
      /both a resolution and a size/,
    ],
    ["a misspelt option", () => fitHint(createImage(1, 1), { widht: 5 } as never), /mean width\?/],
  ])("refuses %s", (_, work, message) => {
    expect(work).toThrow(message);
  });
});
