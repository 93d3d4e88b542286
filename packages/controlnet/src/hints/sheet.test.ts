import { createImage, type RgbaImage } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../fixtures/hints/lines.json" with { type: "json" };
import {
  difference,
  levelsOf,
  noise,
  none,
  readPicture,
  rgbOf,
  unpackBits,
} from "./fakes/source-picture.js";
import { lineArtSheet } from "./line-art-sheet.js";
import { scribbleSheet } from "./scribble-sheet.js";

const blackOnWhite = "looks black on white: inverted";
const whiteOnBlack = "looks white on black: kept as it is";

function inverted({ width, height, data }: RgbaImage): RgbaImage {
  const out = data.map((sample, i) => (i % 4 === 3 ? sample : 255 - sample));
  return createImage(width, height, out);
}

/** A layer with what is dark of a sheet as ink of the given level, and nothing else. */
function layerOf({ width, height, data }: RgbaImage, level: number): RgbaImage {
  const out = data.map((_, i) => (i % 4 === 3 ? 255 - data[i - 3]! : level));
  return createImage(width, height, out);
}

const sheet = readPicture("sheet");

describe("lineArtSheet", () => {
  it("inverts what looks black on white, every channel, and says so", () => {
    for (const image of [sheet, readPicture("coffee")]) {
      const hint = lineArtSheet(image, { polarity: "black-on-white" });
      expect(difference(rgbOf(hint), rgbOf(inverted(image)))).toEqual(none);
    }
    const hint = lineArtSheet(sheet);
    expect(difference(rgbOf(hint), rgbOf(inverted(sheet)))).toEqual(none);
    expect(hint.notices).toEqual([blackOnWhite]);
  });

  it("keeps what looks white on black, and says so", () => {
    const hint = lineArtSheet(inverted(sheet));
    expect(difference(rgbOf(hint), rgbOf(inverted(sheet)))).toEqual(none);
    expect(hint.notices).toEqual([whiteOnBlack]);
  });

  it("does as it is told, and says nothing", () => {
    const kept = lineArtSheet(sheet, { polarity: "white-on-black" });
    expect(difference(rgbOf(kept), rgbOf(sheet))).toEqual(none);
    expect(kept.notices).toEqual([]);
    const turned = lineArtSheet(inverted(sheet), { polarity: "black-on-white" });
    expect(difference(rgbOf(turned), rgbOf(sheet))).toEqual(none);
  });

  it("lays a layer's dark lines on white and light ones on black", () => {
    const dark = lineArtSheet(layerOf(sheet, 0));
    expect(dark.notices).toEqual([blackOnWhite]);
    expect(difference(rgbOf(dark), rgbOf(inverted(sheet))).most).toBeLessThanOrEqual(1);
    const light = lineArtSheet(layerOf(sheet, 255));
    expect(light.notices).toEqual(["looks like light lines on a transparent layer: laid on black"]);
    expect(difference(rgbOf(light), rgbOf(inverted(sheet))).most).toBeLessThanOrEqual(1);
  });

  it("is not misled by dark ink over much of the sheet, on tinted paper, with noise", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const [share, paper, ink, ...rest] = noise(9, seed);
      const [width, height] = [40 + (rest[0]! % 60), 40 + (rest[1]! % 60)];
      // Ink in the middle, up to 60 % of the sheet; the margin stays paper.
      const side = Math.sqrt((0.02 + (0.58 * share!) / 255) * width * height);
      const grain = noise(width * height, seed + 1000);
      const data = new Uint8ClampedArray(4 * width * height);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const drawn = Math.max(Math.abs(x - width / 2), Math.abs(y - height / 2)) < side / 2;
          const i = y * width + x;
          const level = (drawn ? ink! / 4 : 185 + paper! / 4) + (grain[i]! - 128) / 8;
          data.set([level, level, level * 0.93, 255], 4 * i);
        }
      }
      const image = createImage(width, height, data);
      expect(lineArtSheet(image).notices, `seed ${seed}`).toEqual([blackOnWhite]);
      expect(lineArtSheet(inverted(image)).notices, `seed ${seed}`).toEqual([whiteOnBlack]);
    }
  });

  it("says when the sheet is empty", () => {
    expect(lineArtSheet(createImage(8, 8)).notices).toEqual([
      blackOnWhite,
      "the sheet is empty: the hint is black",
    ]);
  });

  it("takes sheets of one row, one column and one pixel", () => {
    for (const [width, height] of [
      [50, 1],
      [1, 50],
      [1, 1],
      [2, 2],
    ] as const) {
      const data = new Uint8ClampedArray(4 * width * height).fill(255);
      expect(lineArtSheet(createImage(width, height, data)).notices[0]).toBe(blackOnWhite);
    }
  });

  it.each<[string, () => unknown, RegExp]>([
    ["no picture", () => lineArtSheet(undefined as never), /^lineArtSheet's picture/],
    [
      "an unknown polarity",
      () => lineArtSheet(sheet, { polarity: "black-on-wite" as never }),
      /polarity is not known \(found "black-on-wite"\).*did you mean black-on-white\?/,
    ],
  ])("refuses %s", (_, work, message) => {
    expect(work).toThrow(message);
  });
});

describe("scribbleSheet", () => {
  it.each(fixtures.sheets)("equals the annotator in every pixel: $picture", (fixture) => {
    const image = readPicture(fixture.picture);
    const levels = levelsOf(scribbleSheet(image, { polarity: "black-on-white" }));
    const expected = unpackBits(fixture.scribble, levels.length);
    expect(difference(levels, expected)).toEqual(none);
    const negative = scribbleSheet(inverted(image), { polarity: "white-on-black" });
    expect(difference(levelsOf(negative), expected)).toEqual(none);
  });

  it("finds the polarity out by itself", () => {
    const told = scribbleSheet(sheet, { polarity: "black-on-white" });
    const found = scribbleSheet(sheet);
    expect(found.notices).toEqual([blackOnWhite]);
    expect(difference(found.data, told.data)).toEqual(none);
    expect(difference(scribbleSheet(inverted(sheet)).data, told.data)).toEqual(none);
  });
});
