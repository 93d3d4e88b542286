import { createImage, isUnderpaintError, type RgbaImage } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import { contactSheet } from "./contact-sheet.js";

/** A picture in which every pixel differs from its neighbours. */
function picture(width: number, height: number, seed: number): RgbaImage {
  const data = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) =>
    i % 4 === 3 ? 255 : (i * 29 + seed * 71) % 200,
  );
  return createImage(width, height, data);
}

function pixel({ width, data }: RgbaImage, x: number, y: number): number[] {
  return [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4)];
}

/** Where `part`, each pixel repeated `scale` times, lies in `whole`; undefined if it does not. */
function find(whole: RgbaImage, part: RgbaImage, scale: number): [number, number] | undefined {
  const matches = (x: number, y: number, j: number) => {
    for (let i = 0; i < part.width * scale; i++) {
      const [row, column] = [Math.floor(j / scale), Math.floor(i / scale)];
      const expected = pixel(part, column, row);
      if (pixel(whole, x + i, y + j).some((sample, c) => sample !== expected[c])) return false;
    }
    return true;
  };
  for (let y = 0; y + part.height * scale <= whole.height; y++) {
    for (let x = 0; x + part.width * scale <= whole.width; x++) {
      let j = 0;
      while (j < part.height * scale && matches(x, y, j)) j++;
      if (j === part.height * scale) return [x, y];
    }
  }
  return undefined;
}

/** The dark pixels of a region: letters. */
function ink(sheet: RgbaImage, left: number, top: number, right: number, bottom: number): number {
  let count = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) if (pixel(sheet, x, y)[0]! < 100) count++;
  }
  return count;
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isUnderpaintError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "nothing";
}

describe("contactSheet", () => {
  const cells = [1, 2, 3].map((seed) => ({
    image: picture(50, 40, seed),
    label: `picture ${seed}`,
  }));

  it("shows every picture, pixel by pixel, in rows, with its label below", () => {
    const sheet = contactSheet(cells, { columns: 2, scale: 2 });
    const places = cells.map(({ image }) => find(sheet, image, 2)!);
    expect(places[0]![1]).toBe(places[1]![1]);
    expect(places[0]![0]).toBe(places[2]![0]);
    expect(places[1]![0]).toBeGreaterThan(places[0]![0] + 100);
    expect(places[2]![1]).toBeGreaterThan(places[0]![1] + 80);
    for (const [x, y] of places) {
      expect(ink(sheet, x, y + 82, x + 100, y + 97)).toBeGreaterThan(30);
    }
    // Nothing beside the last picture, and nothing at the edges.
    const [x, y] = places[2]!;
    expect(ink(sheet, x + 102, y, sheet.width, sheet.height)).toBe(0);
    expect(ink(sheet, 0, 0, sheet.width, 10)).toBe(0);
    expect(ink(sheet, 0, 0, 10, sheet.height)).toBe(0);
    expect(ink(sheet, sheet.width - 10, 0, sheet.width, sheet.height)).toBe(0);
    expect(ink(sheet, 0, sheet.height - 10, sheet.width, sheet.height)).toBe(0);
  });

  it("is opaque, and shows transparent pixels on white", () => {
    const image = createImage(1, 1, Uint8ClampedArray.of(255, 0, 0, 51));
    const sheet = contactSheet([{ image, label: "" }], { columns: 1, scale: 40 });
    expect(
      find(sheet, createImage(1, 1, Uint8ClampedArray.of(255, 204, 204, 255)), 40),
    ).toBeDefined();
    expect(sheet.data.every((sample, i) => i % 4 !== 3 || sample === 255)).toBe(true);
  });

  it("takes pictures of different sizes, and columns beyond their number", () => {
    const mixed = [
      { image: picture(30, 90, 1), label: "tall" },
      { image: picture(120, 20, 2), label: "wide and with a label that needs two lines" },
      { image: picture(1, 1, 3), label: "" },
    ];
    const sheet = contactSheet(mixed, { columns: 7, title: "Mixed" });
    for (const { image } of mixed) expect(find(sheet, image, 1)).toBeDefined();
    expect(sheet.width).toBeLessThan(3 * 120 + 100);
  });

  it("has room for a title", () => {
    const plain = contactSheet(cells, { columns: 3 });
    const titled = contactSheet(cells, { columns: 3, title: "A title" });
    const added = titled.height - plain.height;
    expect(added).toBeGreaterThan(18);
    expect(ink(titled, 0, 0, titled.width, added)).toBeGreaterThan(50);
    const below = titled.data.subarray(4 * titled.width * (added + 12));
    expect(
      Buffer.compare(Buffer.from(below), Buffer.from(plain.data.subarray(4 * plain.width * 12))),
    ).toBe(0);
  });

  it("gets larger letters with larger cells", () => {
    const height = (scale: number) =>
      contactSheet(cells.slice(0, 1), { columns: 1, scale }).height - 40 * scale;
    expect(height(8)).toBe(2 * height(2));
  });

  it("makes pictures smaller, too", () => {
    const sheet = contactSheet([{ image: picture(400, 400, 1), label: "x" }], {
      columns: 1,
      scale: 0.25,
    });
    expect(sheet.width).toBeLessThan(140);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["no cells", () => contactSheet([], { columns: 1 }), /^invalid-request: .* no cells/],
    [
      "no columns",
      () => contactSheet(cells, { columns: 0 }),
      /columns is out of range \(found 0\)/,
    ],
    ["half a column", () => contactSheet(cells, { columns: 1.5 }), /columns is out of range/],
    ["no scale", () => contactSheet(cells, { columns: 1, scale: 0 }), /scale is out of range/],
    ["a NaN scale", () => contactSheet(cells, { columns: 1, scale: Number.NaN }), /scale is out/],
    [
      "no picture",
      () => contactSheet([{ image: null as never, label: "" }], { columns: 1 }),
      /^invalid-image: cell 0's image is no picture/,
    ],
    [
      "no label",
      () => contactSheet([{ image: picture(1, 1, 1) } as never], { columns: 1 }),
      /cell 0's label is not a string/,
    ],
    [
      "too large a sheet",
      () =>
        contactSheet([{ image: createImage(2000, 2000), label: "" }], { columns: 1, scale: 64 }),
      /^invalid-request: the contact sheet would be too large \(found "128048 × 128048"\)/,
    ],
  ])("refuses %s", (_, work, message) => {
    expect(refusal(work)).toMatch(message);
  });
});
