import { createImage, type RgbaImage } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../fixtures/hints/lines.json" with { type: "json" };
import {
  difference,
  levelsOf,
  none,
  readPicture,
  sourcePicture,
  unpack,
  unpackBits,
} from "./fakes/source-picture.js";
import { lineArtStandard } from "./line-art-standard.js";
import { scribbleSoftEdges } from "./scribble-soft-edges.js";
import { xdog } from "./xdog.js";

describe("lineArtStandard", () => {
  it.each(fixtures.standard)(
    "equals the annotator in every pixel: $source.picture, sigma $sigma, threshold $threshold",
    ({ source, lines, sigma, threshold }) => {
      const hint = lineArtStandard(sourcePicture(source), { sigma, threshold });
      expect(difference(levelsOf(hint), unpack(lines))).toEqual(none);
    },
  );

  it("is sigma 6 and threshold 8 unless told otherwise", () => {
    const image = readPicture("chelsea");
    const told = lineArtStandard(image, { sigma: 6, threshold: 8 });
    expect(difference(lineArtStandard(image).data, told.data)).toEqual(none);
  });

  it("says when there is nothing to see", () => {
    expect(lineArtStandard(createImage(30, 20)).notices).toEqual([
      "nothing is darker than its surroundings: the hint is black",
    ]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["a sigma of 0", () => lineArtStandard(createImage(1, 1), { sigma: 0 }), /0\.3 to 64/],
    ["a huge sigma", () => lineArtStandard(createImage(1, 1), { sigma: 1e9 }), /0\.3 to 64/],
    ["a NaN", () => lineArtStandard(createImage(1, 1), { threshold: Number.NaN }), /0 to 255/],
    ["no picture", () => lineArtStandard({} as never), /^lineArtStandard's picture/],
  ])("refuses %s", (_, work, message) => {
    expect(work).toThrow(message);
  });
});

describe("xdog", () => {
  it.each(fixtures.xdog)(
    "equals the annotator in every pixel, but for its overflow: $source.picture, $threshold",
    ({ source, lines, threshold }) => {
      const levels = levelsOf(xdog(sourcePicture(source), { threshold }));
      expect(difference(levels, unpackBits(lines, levels.length))).toEqual(none);
    },
  );

  it("refuses a threshold out of range", () => {
    expect(() => xdog(createImage(1, 1), { threshold: 511 })).toThrow(/0 to 510/);
  });
});

/** What stands in for a soft edge detector's map. */
function bold({ width, height, data }: RgbaImage): RgbaImage {
  return createImage(
    width,
    height,
    data.map((sample) => Math.min(255, 4 * sample)),
  );
}

describe("scribbleSoftEdges", () => {
  it.each(fixtures.soft)(
    "equals the annotator in every pixel: $source.picture, $threshold, sigma $sigma",
    ({ source, lines, threshold, sigma }) => {
      const soft = bold(lineArtStandard(sourcePicture(source)));
      const levels = levelsOf(scribbleSoftEdges(soft, { threshold, sigma }));
      expect(levels.some((level) => level === 255)).toBe(true);
      expect(difference(levels, unpackBits(lines, levels.length))).toEqual(none);
    },
  );

  it("is 127 and sigma 3 unless told otherwise, and says when nothing is left", () => {
    const soft = bold(lineArtStandard(readPicture("sheet")));
    const told = scribbleSoftEdges(soft, { threshold: 127, sigma: 3 });
    expect(difference(scribbleSoftEdges(soft).data, told.data)).toEqual(none);
    const black = createImage(
      9,
      9,
      new Uint8ClampedArray(324).map((_, i) => (i % 4 < 3 ? 0 : 255)),
    );
    expect(scribbleSoftEdges(black).notices[0]).toMatch(/the hint is black/);
  });

  it("refuses a sigma out of range", () => {
    expect(() => scribbleSoftEdges(createImage(1, 1), { sigma: 17 })).toThrow(/0\.5 to 16/);
  });
});
