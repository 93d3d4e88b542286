import { describe, expect, it } from "vitest";
import { createImage, type RgbaImage } from "../image/image.js";
import { maskedCrop, paddedSize, wholeCrop, wholeSize } from "./crop.js";
import { cropBack, cropImage, cropMask, cropOver } from "./crop-pixels.js";
import { maskFixtures, rectangle } from "./fakes/masks.js";

/** A picture whose pixels tell where they are. */
function grid(width: number, height: number): RgbaImage {
  const image = createImage(width, height);
  for (let i = 0; i < width * height; i++) {
    image.data.set([i % width, Math.floor(i / width), 7, 255], 4 * i);
  }
  return image;
}

const at = (image: RgbaImage, x: number, y: number) => [
  ...image.data.subarray(4 * (y * image.width + x), 4 * (y * image.width + x) + 2),
];

describe("wholeCrop", () => {
  it("takes a picture as it is, and mirrors what is missing to whole multiples", () => {
    const size = paddedSize({ width: 21, height: 16 }, 8);
    expect(size).toEqual({ width: 24, height: 16 });
    const crop = wholeCrop({ width: 21, height: 16 }, size, 8);
    const seen = cropImage(grid(21, 16), crop);
    expect([seen.width, seen.height]).toEqual([24, 16]);
    expect(at(seen, 20, 3)).toEqual([20, 3]);
    expect([at(seen, 21, 3), at(seen, 23, 15)]).toEqual([
      [20, 3],
      [18, 15],
    ]);
    expect(cropBack(seen, crop).data).toEqual(grid(21, 16).data);
  });

  it("mirrors again and again where the picture is tiny", () => {
    const seen = cropImage(
      grid(2, 1),
      wholeCrop({ width: 2, height: 1 }, { width: 8, height: 8 }, 8),
    );
    expect(Array.from({ length: 8 }, (_, x) => at(seen, x, 5)[0])).toEqual([
      0, 1, 1, 0, 0, 1, 1, 0,
    ]);
  });

  it("keeps proportions at another size", () => {
    const image = { width: 100, height: 50 };
    expect(wholeCrop(image, { width: 64, height: 64 }, 8).target).toEqual({
      x: 0,
      y: 0,
      width: 64,
      height: 32,
    });
    expect(wholeCrop({ width: 5000, height: 1 }, { width: 64, height: 64 }, 8).target.height).toBe(
      1,
    );
  });
});

describe("wholeSize", () => {
  const model = { width: 512, height: 512 };
  it.each([
    ["its own", 640, 448, 640, 448],
    ["padded", 641, 1, 704, 64],
    ["four times the model's area", 1024, 1024, 1024, 1024],
    ["a photograph, smaller", 4000, 3000, 1152, 832],
    ["very long, bounded", 60_000, 20, 8192, 64],
  ])("is %s", (_, width, height, toWidth, toHeight) => {
    const size = { width: toWidth, height: toHeight };
    expect(wholeSize({ width, height }, model, 64)).toEqual(size);
  });
});

describe("cropOver", () => {
  const crop = maskedCrop({ width: 100, height: 80 }, { x: 30, y: 20, width: 16, height: 16 }, 8, {
    width: 32,
    height: 32,
  });

  it("takes the same part of a picture of the same size", () => {
    const image = grid(100, 80);
    expect(cropOver(image, image, crop)).toEqual(cropImage(image, crop));
  });

  it("takes the part in proportion of a picture of another size", () => {
    const seen = cropOver(grid(200, 160), { width: 100, height: 80 }, crop);
    const middle = at(seen, 16, 16);
    expect(Math.abs(middle[0]! - 77) + Math.abs(middle[1]! - 57)).toBeLessThanOrEqual(2);
    expect(cropOver(grid(1, 1), { width: 100, height: 80 }, crop).width).toBe(32);
  });
});

describe("maskedCrop", () => {
  it("equals diffusers wherever that keeps the proportions", () => {
    let compared = 0;
    for (const { picture, bounds, size, padding, region } of maskFixtures.crops) {
      const [width, height] = picture;
      const [x, y, w, h] = bounds;
      const { source } = maskedCrop({ width, height }, { x, y, width: w, height: h }, padding, {
        width: size[0],
        height: size[1],
      });
      const found = [source.x, source.y, source.x + source.width, source.y + source.height];
      expect(found).toEqual(region);
      compared++;
    }
    expect(compared).toBe(60);
  });

  it("mirrors rather than distorts where the picture is too small", () => {
    const image = { width: 40, height: 200 };
    const bounds = { x: 10, y: 50, width: 20, height: 100 };
    const crop = maskedCrop(image, bounds, 0, { width: 64, height: 64 });
    expect(crop.source).toEqual({ x: 0, y: 50, width: 40, height: 100 });
    expect(crop.target).toEqual({ x: 19, y: 0, width: 26, height: 64 });
  });

  it("enlarges the part, and its mask the same way", () => {
    const image = grid(100, 80);
    const bounds = { x: 30, y: 20, width: 16, height: 16 };
    const crop = maskedCrop(image, bounds, 8, { width: 64, height: 64 });
    expect(crop.source).toEqual({ x: 22, y: 12, width: 32, height: 32 });
    const mask = cropMask(rectangle(100, 80, [30, 20, 16, 16]), crop);
    expect(mask.data[64 * 32 + 32]).toBe(255);
    expect(mask.data[64 * 8 + 8]).toBe(0);
    const back = cropBack(cropImage(image, crop), crop);
    expect([back.width, back.height]).toEqual([32, 32]);
    const middle = at(back, 16, 16);
    expect(Math.abs(middle[0]! - 38) + Math.abs(middle[1]! - 28)).toBeLessThanOrEqual(1);
  });
});
