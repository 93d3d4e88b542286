import { describe, expect, it } from "vitest";
import { createImage } from "../image/image.js";
import { blur } from "./blur.js";
import { distancesInside } from "./distance.js";
import { bytesOf, drawn, floatsOf, maskFixtures } from "./fakes/masks.js";
import { maskBounds, maskSourceOf, readMask } from "./mask.js";
import { dilate, erode } from "./morphology.js";

const cases = maskFixtures.masks.map(
  (entry) => [`${entry.width} × ${entry.height}`, entry] as const,
);

describe("equals scipy and OpenCV", () => {
  it.each(cases)("grown and shrunk, %s", (_, entry) => {
    const mask = { ...entry, data: bytesOf(entry.mask) };
    for (const radius of [1, 3, 9]) {
      expect(dilate(mask, radius).data).toEqual(bytesOf(entry.dilated[radius]!));
      expect(erode(mask, radius).data).toEqual(bytesOf(entry.eroded[radius]!));
    }
  });

  it.each(cases)("blurred, %s", (_, entry) => {
    const mask = { ...entry, data: bytesOf(entry.mask) };
    for (const [size, expected] of Object.entries(entry.blurred)) {
      const values = floatsOf(expected);
      const worst = blur(mask, Number(size)).data.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - values[i]!)),
        0,
      );
      // Rounded to bytes; from 67 on, means take the Gaussian's place.
      expect(worst, `size ${size}`).toBeLessThanOrEqual(Number(size) > 65 ? 3 : 0.501);
    }
  });
});

describe("blur", () => {
  it.each([2, 9, 40, 65, 66, 101, 300])("reaches no further than half of %i", (size) => {
    const row = new Uint8Array(601);
    row.fill(255, 300);
    const { data } = blur({ width: 601, height: 1, data: row }, size);
    const reach = Math.ceil((size - 1) / 2);
    expect([...data.subarray(0, 300 - reach)].every((value) => value === 0)).toBe(true);
    expect([...data.subarray(300 + reach)].every((value) => value === 255)).toBe(true);
    expect(data[300]! + data[299]!).toBeGreaterThanOrEqual(254);
    for (let i = 1; i < data.length; i++) expect(data[i]!).toBeGreaterThanOrEqual(data[i - 1]!);
  });

  it("leaves a mask as it is at sizes 0 and 1", () => {
    const mask = drawn(".#+", "#..");
    for (const size of [0, 1]) expect(blur(mask, size).data).toEqual(mask.data);
  });
});

describe("distancesInside", () => {
  it("counts sides as one pixel and corners as four thirds", () => {
    const { thirds, nearest } = distancesInside(drawn("....", ".##.", ".##.", "####"));
    expect([...thirds]).toEqual([0, 0, 0, 0, 0, 3, 3, 0, 0, 3, 3, 0, 3, 4, 4, 3]);
    expect(nearest[12]).toBe(8);
    expect([...nearest.subarray(0, 5)]).toEqual([0, 1, 2, 3, 4]);
  });

  it("knows where there is nothing to be near to", () => {
    const { nearest } = distancesInside(drawn("##", "##"));
    expect([...nearest]).toEqual([-1, -1, -1, -1]);
  });

  it("stays within 8 % of straight lines", () => {
    const mask = { width: 61, height: 61, data: new Uint8Array(61 * 61).fill(255) };
    mask.data[30 * 61 + 30] = 0;
    const { thirds } = distancesInside(mask);
    thirds.forEach((found, i) => {
      const straight = Math.hypot((i % 61) - 30, Math.floor(i / 61) - 30);
      expect(Math.abs(found / 3 - straight)).toBeLessThanOrEqual(0.08 * straight + 1e-9);
    });
  });
});

describe("readMask", () => {
  const image = createImage(2, 2);
  const picture = (...samples: number[]) => createImage(2, 2, Uint8Array.from(samples));

  it("reads luminance as Pillow does", () => {
    const colours = picture(255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 200, 100, 50, 255);
    expect(maskSourceOf(colours)).toBe("luminance");
    // Image.convert("L") of these colours.
    expect([...readMask(colours, image, "luminance").data]).toEqual([76, 150, 29, 124]);
  });

  it("reads the alpha of a layer", () => {
    const layer = picture(0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 9, 9, 9, 40);
    expect(maskSourceOf(layer)).toBe("alpha");
    expect([...readMask(layer, image, "alpha").data]).toEqual([0, 255, 0, 40]);
  });

  it("refuses another size, and names both", () => {
    expect(() => readMask(createImage(3, 2), image, "alpha")).toThrow(/3 × 2.*2 × 2/);
  });
});

describe("maskBounds", () => {
  it("finds the smallest rectangle", () => {
    expect(maskBounds(drawn(".....", "..+..", "...#.", "....."))).toEqual({
      x: 2,
      y: 1,
      width: 2,
      height: 2,
    });
  });

  it("finds none in black", () => {
    expect(maskBounds(drawn("...", "..."))).toBeUndefined();
  });
});
