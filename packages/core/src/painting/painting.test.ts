import { describe, expect, it } from "vitest";
import { createImage, type RgbaImage } from "../image/image.js";
import { floatTensor } from "../tensor/tensor.js";
import { defaultEdge, newShare, repaintedArea } from "./edge.js";
import { expand } from "./expand.js";
import { drawn, rectangle } from "./fakes/masks.js";
import { fillMasked } from "./fill.js";
import { mixed } from "./keep-unmasked.js";
import { inpaintingInput, latentMask, withoutMasked } from "./latent-mask.js";
import { layOver, newPixels } from "./layer.js";
import { maskBounds } from "./mask.js";

describe("defaultEdge", () => {
  const bounds = (width: number, height: number) => ({ x: 0, y: 0, width, height });
  const image = { width: 1024, height: 768 };

  it("with spill follows the plug-in's arithmetic", () => {
    const amounts = (width: number, height: number, strength: number) => {
      const { grow, feather, blend } = defaultEdge(bounds(width, height), image, strength, true);
      return [grow, feather, blend];
    };
    // diagonal 500: feather 50, grow 4 + 25, blend min(25, 29 + 25).
    expect(amounts(300, 400, 1)).toEqual([29, 50, 25]);
    // 10 % of 50 is below 32.
    expect(amounts(30, 40, 1)).toEqual([20, 32, 25]);
    // Strength takes both alike: feather 8, grow 8, blend 8 + 4.
    expect(amounts(30, 40, 0.25)).toEqual([8, 8, 12]);
  });

  it("without grows by less, for only the inner half of the feather counts", () => {
    const edge = { grow: 17, feather: 50, blend: 25, spill: false };
    expect(defaultEdge(bounds(300, 400), image, 1)).toEqual(edge);
  });

  it("counts pixels for less in small pictures", () => {
    const small = defaultEdge(bounds(30, 40), { width: 128, height: 200 }, 1, true);
    expect(small).toEqual({ grow: 5, feather: 8, blend: 6, spill: true });
  });
});

describe("an edge inside of the mask", () => {
  const mask = rectangle(120, 90, [40, 30, 30, 30]);
  const bounds = maskBounds(mask)!;
  const edge = { grow: 4, feather: 11, blend: 8, spill: false };
  const area = repaintedArea(mask, bounds, edge);
  const row = (data: Uint8Array) => data.subarray(45 * 120, 46 * 120);

  it("blurs what is repainted over the border of wide parts", () => {
    const across = row(area.data);
    expect(across[39]! + across[40]!).toBe(255);
    expect([across[40 - 5]! > 0, across[40 - 6], across[40 + 5]]).toEqual([true, 0, 255]);
  });

  it("gives new pixels no share outside of the mask, and all of it inside", () => {
    const share = newShare(mask, bounds, area, edge);
    mask.data.forEach((value, i) => {
      if (value === 0) expect(share.data[i]).toBe(0);
      else expect(share.data[i]).toBeGreaterThan(0);
    });
    const across = row(share.data);
    for (let x = 41; x < 44; x++) expect(across[x]!).toBeGreaterThan(across[x - 1]!);
    expect([...across.subarray(44, 66)]).toEqual(new Array(22).fill(255));
  });

  it("leaves a mask as it is where all is 0", () => {
    const none = { grow: 0, feather: 0, blend: 0, spill: false };
    const soft = drawn("......", ".+##+.", "......");
    const found = maskBounds(soft)!;
    const same = repaintedArea(soft, found, none);
    expect(same.data).toEqual(soft.data);
    expect(newShare(soft, found, same, none).data).toEqual(soft.data);
  });

  it("repaints narrow strokes too, and makes their middle new", () => {
    const stroke = rectangle(300, 300, [20, 100, 260, 3]);
    stroke.data.set(rectangle(300, 300, [20, 150, 90, 90]).data.subarray(150 * 300), 150 * 300);
    const around = maskBounds(stroke)!;
    const usual = defaultEdge(around, stroke, 1);
    const repainted = repaintedArea(stroke, around, usual);
    expect(repainted.data[101 * 300 + 150]).toBeGreaterThan(230);
    const share = newShare(stroke, around, repainted, usual);
    expect(share.data[101 * 300 + 150]).toBe(255);
    // The square beside it is wide: half at its border, and at its corner too.
    expect(repainted.data[200 * 300 + 20]! + repainted.data[200 * 300 + 19]!).toBe(255);
    expect(repainted.data[239 * 300 + 109]).toBeLessThan(128);
  });

  it("does not take the rim of a disc for a narrow part", () => {
    const disc = { width: 200, height: 200, data: new Uint8Array(40_000) };
    disc.data.forEach((_, i) => {
      if (Math.hypot((i % 200) - 100, Math.floor(i / 200) - 100) < 60) disc.data[i] = 255;
    });
    const around = maskBounds(disc)!;
    const repainted = repaintedArea(disc, around, { grow: 15, feather: 0, blend: 0, spill: false });
    expect(repainted.data).toEqual(disc.data);
  });

  it("is not at the picture's border", () => {
    const side = rectangle(100, 80, [60, 0, 40, 80]);
    const around = maskBounds(side)!;
    const usual = defaultEdge(around, side, 1);
    const share = newShare(side, around, repaintedArea(side, around, usual), usual);
    expect([share.data[99], share.data[100 * 80 - 1], share.data[80]]).toEqual([255, 255, 255]);
  });
});

describe("an edge that spills", () => {
  const mask = rectangle(120, 90, [40, 30, 30, 30]);
  const bounds = maskBounds(mask)!;
  const edge = { grow: 9, feather: 11, blend: 8, spill: true };
  const area = repaintedArea(mask, bounds, edge);
  const row = (data: Uint8Array) => data.subarray(45 * 120, 46 * 120);

  it("grows what is repainted, and no further", () => {
    const across = row(area.data);
    expect([across[40], across[40 - 9 - 5]! > 0, across[40 - 9 - 6]]).toEqual([255, true, 0]);
    expect(across[40 - 9]! + across[40 - 10]!).toBe(255);
  });

  it("shows what is repainted, less half of the blend, blurred by it", () => {
    const share = newShare(mask, bounds, area, edge);
    const across = row(share.data);
    // The area is a half between 9 and 10 pixels out; shrunk by 4 that is between 5 and 6.
    expect(Math.abs(across[40 - 5]! + across[40 - 6]! - 255)).toBeLessThanOrEqual(2);
    expect(across[40]).toBeGreaterThan(240);
    for (let x = 20; x < 40; x++) expect(across[x + 1]!).toBeGreaterThanOrEqual(across[x]!);
    area.data.forEach((value, i) => {
      if (value === 0) expect(share.data[i]).toBe(0);
    });
  });
});

/** Opaque pixels of one colour a character. */
function picture(...rows: readonly string[]): RgbaImage {
  const colours: Record<string, number[]> = { r: [200, 0, 0, 255], b: [0, 0, 100, 255] };
  const image = createImage(rows[0]!.length, rows.length);
  [...rows.join("")].forEach((c, i) => {
    image.data.set(colours[c] ?? [9, 8, 7, 0], 4 * i);
  });
  return image;
}

const reds = ({ data }: RgbaImage) => [...data].filter((_, i) => i % 4 === 0);

describe("fillMasked", () => {
  const image = picture("rrbbbbbb");
  const mask = drawn(".#####..");

  it("keeps the original", () => {
    expect(fillMasked(image, mask, "original")).toBe(image);
  });

  it("takes the nearest colour that is kept", () => {
    expect(reds(fillMasked(image, mask, "border"))).toEqual([200, 200, 200, 200, 0, 0, 0, 0]);
  });

  it("lets colours flow in", () => {
    const filled = reds(fillMasked(image, mask, "blur"));
    for (let x = 2; x < 6; x++) expect(filled[x]!).toBeLessThanOrEqual(filled[x - 1]!);
    expect(filled[1]).toBeGreaterThan(100);
    expect(filled[5]).toBeLessThan(60);
  });

  it("is grey where asked, and where nothing is kept", () => {
    expect(reds(fillMasked(image, mask, "neutral"))).toEqual([200, 128, 128, 128, 128, 128, 0, 0]);
    const all = drawn("########");
    expect(reds(fillMasked(image, all, "border"))).toEqual(new Array(8).fill(128));
    expect(reds(fillMasked(image, all, "blur"))).toEqual(new Array(8).fill(128));
  });

  it("takes transparent pixels as white, as networks do", () => {
    const filled = fillMasked(picture("..r"), drawn("..#"), "border");
    expect([...filled.data.subarray(8)]).toEqual([255, 255, 255, 255]);
  });
});

describe("layers", () => {
  it("hold the new pixels alone", () => {
    const share = drawn("....", ".#+.", "....");
    const layer = newPixels(picture("rb"), { x: 1, y: 1, width: 2, height: 1 }, share);
    const expected = new Uint8ClampedArray(48);
    expected.set([200, 0, 0, 255, 0, 0, 100, 128], 20);
    expect(layer.data).toEqual(expected);
  });

  it("laid over a picture change what they cover, by source-over, and nothing else", () => {
    const image = picture("r..b");
    image.data.set([50, 60, 70, 100], 8);
    const layer = createImage(4, 1);
    layer.data.set([0, 200, 0, 255, 10, 20, 30, 0, 100, 0, 0, 128, 255, 255, 255, 51], 0);
    const { data } = layOver(image, layer);
    expect([...data.subarray(0, 8)]).toEqual([0, 200, 0, 255, 9, 8, 7, 0]);
    // alpha 128 / 255 over 100 / 255: 178; red (128 · 255 · 100 + 100 · 127 · 50) / (178 · 255).
    expect([...data.subarray(8, 12)]).toEqual([86, 17, 20, 178]);
    expect([...data.subarray(12)]).toEqual([51, 51, 131, 255]);
  });
});

describe("expand", () => {
  it("adds room, and a mask of it", () => {
    const { image, mask } = expand(picture("rb"), { left: 1, bottom: 1 });
    expect([image.width, image.height]).toEqual([3, 2]);
    expect(reds(image)).toEqual([200, 200, 0, 200, 200, 0]);
    expect(reds(mask)).toEqual([255, 0, 0, 255, 255, 255]);
  });

  it.each([
    [{ left: -1 }, /left/],
    [{ top: Number.NaN }, /top/],
    [{ right: 1.5 }, /right/],
    [{}, /add nothing/],
    [{ left: 1, fill: "original" }, /fill/],
    [{ lefft: 1 }, /lefft/],
    [{ left: 2 ** 27 }, /size/],
  ])("refuses %o", (options, message) => {
    expect(() => expand(picture("rb"), options as never)).toThrow(message);
  });
});

describe("in latents", () => {
  const mask = drawn("#...", "....", "##.+", "##..");

  it("a mask is the first pixel of each, or the mean", () => {
    expect(latentMask(mask, 2, "hard")).toEqual(
      floatTensor([1, 1, 2, 2], Float32Array.of(1, 0, 1, 0)),
    );
    const soft = latentMask(mask, 2, "soft").data;
    expect([...soft]).toEqual([0.25, 0, 1, Math.fround(128 / 1020)]);
  });

  it("a network for inpainting sees the mask and what is kept", () => {
    const masked = floatTensor([1, 2, 1, 1], Float32Array.of(3, 4));
    const input = inpaintingInput(floatTensor([1, 1, 1, 1], Float32Array.of(1)), masked);
    expect(input).toEqual(floatTensor([1, 3, 1, 1], Float32Array.of(1, 3, 4)));
    const pixels = floatTensor([1, 3, 1, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
    expect([...withoutMasked(pixels, drawn("+.")).data]).toEqual([0, 2, 0, 4, 0, 6]);
  });

  it("old and new are mixed by the mask", () => {
    const tensor = (...values: number[]) => floatTensor([1, 1, 1, 3], Float32Array.from(values));
    const found = mixed(
      tensor(1, Number.NaN, 4),
      tensor(Number.NaN, 2, 8),
      tensor(1, 0, 0.25),
      0.5,
      tensor(0, 3, 6),
      2,
    );
    expect([...found.data]).toEqual([1, 7, 13]);
  });
});
