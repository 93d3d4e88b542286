import { createImage } from "@underpaint/core";
import { converter } from "culori";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../../fixtures/hints/by-model.json" with { type: "json" };
import {
  noisePicture,
  opaque,
  readPicture,
  rgbOf,
  unpack,
  unpackFloats,
} from "../fakes/source-picture.js";
import { matchColours } from "./match-colours.js";
import { meanPalette } from "./mean-palette.js";
import { pictureColours } from "./picture-colours.js";
import { swatchPalette } from "./swatch-palette.js";

const toOklab = converter("oklab");
const labOf = (rgb: Uint8Array, i: number) => {
  const [r, g, b] = [0, 1, 2].map((c) => rgb[3 * i + c]! / 255) as [number, number, number];
  const lab = toOklab({ mode: "rgb", r, g, b });
  return [lab.l, lab.a, lab.b];
};

/** Stripes of these colours, each as wide as told. */
function stripes(colours: readonly (readonly [hex: string, width: number])[], height = 10) {
  const width = colours.reduce((sum, [, w]) => sum + w, 0);
  const row = colours.flatMap(([hex, w]) =>
    Array.from({ length: w }, () => [...Buffer.from(hex.slice(1), "hex")]).flat(),
  );
  return opaque(width, height, Uint8Array.from(Array.from({ length: height }, () => row).flat()));
}

describe("pictureColours", () => {
  it("finds the colours of a picture that has just these, with their shares", () => {
    const given = [
      ["#e4572e", 5],
      ["#29335c", 3],
      ["#f3a712", 2],
    ] as const;
    const found = pictureColours(stripes(given), { count: 6 });
    expect(found.map(({ colour }) => colour)).toEqual(["#e4572e", "#29335c", "#f3a712"]);
    found.forEach(({ share }, i) => {
      expect(share).toBeCloseTo(given[i]![1] / 10, 10);
    });
  });

  it("joins colours that are near when there are fewer to be", () => {
    const image = stripes([
      ["#ff0000", 30],
      ["#f00808", 10],
      ["#0000ff", 20],
      ["#0808e8", 20],
    ]);
    const found = pictureColours(image, { count: 2 });
    expect(found.map(({ share }) => share)).toEqual([0.5, 0.5]);
    const [red, blue] = found.map(({ colour }) => [...Buffer.from(String(colour).slice(1), "hex")]);
    expect(Math.min(red![0]!, red![1]! + 240)).toBeGreaterThan(239);
    expect(blue![2]!).toBeGreaterThan(230);
  });

  it("describes a photograph better with more colours, the same each time", () => {
    const coffee = readPicture("coffee");
    const rgb = rgbOf(coffee);
    const error = (count: number) => {
      const labs = pictureColours(coffee, { count }).map(({ colour }) => toOklab(String(colour))!);
      let sum = 0;
      for (let i = 0; i < rgb.length / 3; i += 7) {
        const [l, a, b] = labOf(rgb, i) as [number, number, number];
        sum += Math.min(...labs.map((c) => (c.l - l) ** 2 + (c.a - a) ** 2 + (c.b - b) ** 2));
      }
      return sum;
    };
    const errors = [1, 2, 4, 8, 16].map(error);
    expect([...errors].sort((a, b) => b - a)).toEqual(errors);
    expect(errors[4]! / errors[0]!).toBeLessThan(0.1);
    expect(pictureColours(coffee)).toEqual(pictureColours(coffee));
  });

  it("leaves out what is transparent, and refuses nothing but that", () => {
    const image = stripes([
      ["#ff0000", 4],
      ["#00ff00", 4],
    ]);
    for (let i = 0; i < 80; i++) if (i % 8 >= 4) image.data[4 * i + 3] = 0;
    expect(pictureColours(image)).toEqual([{ colour: "#ff0000", share: 1 }]);
    expect(() => pictureColours(createImage(4, 4))).toThrow(/transparent throughout/);
    expect(() => pictureColours(image, { count: 0 })).toThrow(/1 to 32/);
  });
});

describe("meanPalette", () => {
  it("is blocks of the means of what lies under them", () => {
    const image = noisePicture(32, 16, 5);
    const hint = meanPalette(image, { width: 64, height: 32, block: 8 });
    expect([hint.width, hint.height]).toEqual([64, 32]);
    const [from, to] = [rgbOf(image), rgbOf(hint)];
    for (let block = 0; block < 32; block++) {
      const [bx, by] = [block % 8, Math.floor(block / 8)];
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let k = 0; k < 16; k++) {
          sum += from[3 * ((4 * by + (k >> 2)) * 32 + 4 * bx + (k & 3)) + c]!;
        }
        for (const [x, y] of [
          [0, 0],
          [7, 7],
          [3, 5],
        ] as const) {
          const found = to[3 * ((8 * by + y) * 64 + 8 * bx + x) + c]!;
          expect(Math.abs(found - sum / 16)).toBeLessThanOrEqual(0.5);
        }
      }
    }
  });

  it("refuses sizes and blocks that cannot be", () => {
    const image = noisePicture(8, 8, 1);
    expect(() => meanPalette(image, { width: 7, height: 64, block: 8 })).toThrow(
      /width.*8 to 8192/,
    );
    expect(() => meanPalette(image, { width: 64, height: 64, block: 0 })).toThrow(
      /block.*1 to 512/,
    );
    expect(() => meanPalette(image, { width: 4096, height: 4096, block: 1 })).toThrow(/too many/);
  });
});

describe("swatchPalette in other blocks", () => {
  it("lays its swatches out in them", () => {
    const hint = swatchPalette({ grid: [["#010000", "#020000"]], width: 16, height: 8, block: 8 });
    const reds = rgbOf(hint).filter((_, i) => i % 3 === 0);
    expect([reds[0], reds[7], reds[8], reds[15]]).toEqual([1, 1, 2, 2]);
    expect(() => swatchPalette({ colours: ["red"], width: 64, height: 64, block: 65 })).toThrow(
      /65 to 8192/,
    );
  });
});

describe("matchColours", () => {
  it.each(fixtures.matched)("matches histograms as scikit-image does: case %#", (fixture) => {
    const { width, height, templateWidth, templateHeight } = fixture;
    const source = opaque(width, height, unpack(fixture.source));
    const template = opaque(templateWidth, templateHeight, unpack(fixture.template));
    const found = rgbOf(matchColours(source, template));
    const expected = unpackFloats(fixture.oklab);
    for (let i = 0; i < width * height; i++) {
      // Bytes round the colour: half a level is up to 0.003 of OKLab here.
      labOf(found, i).forEach((value, axis) => {
        expect(Math.abs(value - expected[3 * i + axis]!)).toBeLessThan(0.004);
      });
    }
  });

  it("takes swatches by their shares, and keeps lightness and alpha", () => {
    const image = noisePicture(40, 30, 9);
    image.data[7] = 99;
    const swatches = [{ colour: "#8a5a44", share: 3 }, "#446a8a"];
    const found = matchColours(image, swatches);
    expect(found.data[7]).toBe(99);
    const before = rgbOf(noisePicture(40, 30, 9));
    const after = rgbOf(opaque(40, 30, found.data.filter((_, i) => i % 4 !== 3) as never));
    const [sums, levels] = [[0, 0], new Set<number>()];
    for (let i = 2; i < 1200; i++) {
      const [l, a, b] = labOf(after, i) as [number, number, number];
      expect(Math.abs(l - labOf(before, i)[0]!)).toBeLessThan(0.01);
      sums[0]! += a / 1198;
      sums[1]! += b / 1198;
      levels.add(Math.round(100 * b));
    }
    // The mean of what was asked for, by shares; what is very dark or light cannot have it all.
    const [brown, blue] = ["#8a5a44", "#446a8a"].map((hex) => toOklab(hex)!);
    expect(Math.abs(sums[0]! - (0.75 * brown!.a + 0.25 * blue!.a))).toBeLessThan(0.006);
    expect(Math.abs(sums[1]! - (0.75 * brown!.b + 0.25 * blue!.b))).toBeLessThan(0.006);
    expect(levels.size).toBeGreaterThan(5);
  });

  it("does nothing by an amount of 0, and half by a half", () => {
    const image = stripes([
      ["#808080", 2],
      ["#a06060", 2],
    ]);
    expect(rgbOf(matchColours(image, ["#3366cc"], { amount: 0 }))).toEqual(rgbOf(image));
    const full = labOf(rgbOf(matchColours(image, ["#6f86a8"])), 0);
    const half = labOf(rgbOf(matchColours(image, ["#6f86a8"], { amount: 0.5 })), 0);
    expect(half[2]!).toBeCloseTo(full[2]! / 2, 2);
    expect(() => matchColours(image, ["greenish"])).toThrow(/no opaque colour/);
    expect(() => matchColours(image, ["red"], { amount: 2 })).toThrow(/0 to 1/);
    expect(() => matchColours(image, "red" as never)).toThrow(/matchColours' colours/);
  });
});
