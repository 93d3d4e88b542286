import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { digestImage } from "./digest.js";
import { checkImage, createImage, maxImagePixels } from "./image.js";

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isUnderpaintError(error, "invalid-image")) return error.message;
    throw error;
  }
  return "nothing";
}

describe("createImage", () => {
  it("holds the data that it is given, without copying", () => {
    const data = new Uint8ClampedArray(24);
    expect(createImage(3, 2, data)).toEqual({ width: 3, height: 2, data });
    expect(createImage(3, 2, data).data).toBe(data);
  });

  it("is transparent black without data", () => {
    expect(createImage(1, 1).data).toEqual(Uint8ClampedArray.of(0, 0, 0, 0));
  });

  it("views plain bytes as clamped ones", () => {
    const bytes = Uint8Array.of(9, 1, 2, 3, 4, 9).subarray(1, 5);
    const image = createImage(1, 1, bytes);
    expect(image.data).toEqual(Uint8ClampedArray.of(1, 2, 3, 4));
    bytes[0] = 77;
    expect(image.data[0]).toBe(77);
    expect(createImage(1, 1, Buffer.from([1, 2, 3, 4])).data[3]).toBe(4);
  });

  it.each([
    [0, 4],
    [4, 0],
    [-1, 1],
    [1.5, 2],
    [Number.NaN, 1],
    [Number.POSITIVE_INFINITY, 1],
    [maxImagePixels, 2],
    [2 ** 40, 2 ** 40],
    ["2", 2],
  ])("refuses the size %s × %s before allocating", (width, height) => {
    expect(refusal(() => createImage(width as number, height as number))).toContain(
      `a picture has a size that is not allowed (found "${width} × ${height}"); allowed: whole`,
    );
  });

  it("refuses data of another length or kind", () => {
    expect(refusal(() => createImage(2, 2, new Uint8ClampedArray(15)))).toMatch(
      /2 × 2 pixels has data of another length \(found 15\); allowed: 16/,
    );
    expect(refusal(() => createImage(1, 1, new Float32Array(4) as never))).toMatch(/another kind/);
    expect(refusal(() => createImage(1, 1, [1, 2, 3, 4] as never))).toMatch(/another kind/);
  });
});

describe("checkImage", () => {
  it("takes an ImageData of this realm or another", () => {
    const foreign = runInNewContext("({ width: 1, height: 1, data: new Uint8ClampedArray(4) })");
    expect(checkImage(foreign)).toBe(foreign);
    const imageData = { width: 1, height: 1, data: new Uint8ClampedArray(4), colorSpace: "srgb" };
    expect(checkImage(imageData)).toBe(imageData);
  });

  it.each([[null], [undefined], ["cat.png"], [7], [new Uint8Array(4)]])("refuses %s", (value) => {
    expect(refusal(() => checkImage(value))).toMatch(/^image /);
  });

  it("names what it was called for", () => {
    expect(refusal(() => checkImage(3, "cell 2's image"))).toMatch(/^cell 2's image is no picture/);
  });
});

describe("digestImage", () => {
  it("is SHA-256 of the samples, with the size", async () => {
    // printf '\1\2\3\4\5\6\7\10' | sha256sum
    expect(await digestImage(createImage(2, 1, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)))).toEqual({
      sha256: "66840dda154e8a113c31dd0ad32f7f3a366a80e8136979d8f5a101d3d29d6f72",
      width: 2,
      height: 1,
    });
  });
});
