import { createHash } from "node:crypto";
import { createImage, type RgbaImage } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../../fixtures/hints/palette.json" with { type: "json" };
import { difference, noise, none, rgbOf, sourcePicture } from "../fakes/source-picture.js";
import { blockHint } from "./blocks.js";
import { picturePalette } from "./picture-palette.js";
import { swatchPalette } from "./swatch-palette.js";
import { cooler, warmer } from "./warmth.js";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** The colour of each block of 64 pixels, "#rrggbb", row by row. */
function blocksOf(hint: RgbaImage): string[] {
  const rgb = rgbOf(hint);
  const out: string[] = [];
  for (let y = 32; y < hint.height; y += 64) {
    for (let x = 32; x < hint.width; x += 64) {
      const at = 3 * (y * hint.width + x);
      out.push(`#${Buffer.from(rgb.subarray(at, at + 3)).toString("hex")}`);
    }
  }
  return out;
}

describe("picturePalette", () => {
  it.each(fixtures.cases)(
    "equals the adapter's arithmetic in every pixel: $source, $pixels pixels",
    ({ source, pixels, columns, rows, grid, sha256: expected }) => {
      const hint = picturePalette(sourcePicture(source), { pixels });
      expect([hint.width, hint.height]).toEqual([64 * columns, 64 * rows]);
      const colours = blocksOf(hint).map((hex) => [...Buffer.from(hex.slice(1), "hex")]);
      expect(difference(colours.flat(), Buffer.from(grid, "base64"))).toEqual(none);
      expect(sha256(rgbOf(hint))).toBe(expected);
    },
  );

  it("is about 512 · 512 pixels unless told otherwise, however thin the picture", () => {
    const wide = picturePalette(createImage(640, 400));
    expect([wide.width, wide.height]).toEqual([640, 384]);
    const thin = picturePalette(createImage(1, 600));
    expect(thin.width).toBe(64);
    expect(thin.height % 64).toBe(0);
  });

  it("gets warmer as the swatches do", () => {
    const image = sourcePicture({ picture: "coffee" });
    const plain = [...new Set(blocksOf(picturePalette(image)))];
    const warmed = blocksOf(picturePalette(image, { warmth: 0.7 }));
    const cooled = blocksOf(picturePalette(image, { warmth: -1 }));
    expect([...new Set(warmed)]).toEqual([...new Set(warmer(plain, 0.7))]);
    expect([...new Set(cooled)]).toEqual([...new Set(cooler(plain, 1))]);
  });

  it("refuses what is not allowed", () => {
    expect(() => picturePalette(null as never)).toThrow(/picturePalette's picture/);
    expect(() => picturePalette(createImage(1, 1), { pixels: 1 })).toThrow(/4096/);
    expect(() => picturePalette(createImage(1, 1), { warmth: 2 })).toThrow(/-1 to 1/);
  });
});

describe("blockHint", () => {
  it.each(fixtures.enlarged)(
    "equals OpenCV's nearest neighbour: $columns × $rows to $width × $height",
    ({ columns, rows, width, height, sha256: expected }) => {
      const hint = blockHint(noise(3 * columns * rows, columns), columns, rows, width, height);
      expect(sha256(rgbOf(hint))).toBe(expected);
    },
  );
});

describe("swatchPalette", () => {
  it("puts ordered swatches where they shall be", () => {
    const grid = [
      ["#ff0000", "lime"],
      [[0, 0, 255], "rgb(255 255 0)"],
    ] as const;
    const hint = swatchPalette({ grid, width: 256, height: 128 });
    expect([hint.width, hint.height]).toEqual([256, 128]);
    const [r, g, b, y] = ["#ff0000", "#00ff00", "#0000ff", "#ffff00"];
    expect(blocksOf(hint)).toEqual([r, r, g, g, b, b, y, y]);
  });

  it("gives a block the swatch under its middle", () => {
    const grid = [["#010101", "#020202", "#030303"]];
    const hint = swatchPalette({ grid, width: 512, height: 64 });
    expect(blocksOf(hint).map((hex) => Number(hex.slice(-1)))).toEqual([1, 1, 1, 2, 2, 3, 3, 3]);
  });

  it("gives unordered colours as many blocks as their shares say", () => {
    const count = (hint: RgbaImage, hex: string) =>
      blocksOf(hint).filter((block) => block === hex).length;
    const colours = ["#100000", { colour: "#001000", share: 2 }, { colour: "#000010", share: 5 }];
    const hint = swatchPalette({ colours, width: 512, height: 512 });
    expect(["#100000", "#001000", "#000010"].map((hex) => count(hint, hex))).toEqual([8, 16, 40]);
    // 3 colours on 64 blocks: one of them has one more.
    const even = swatchPalette({
      colours: ["#010000", "#020000", "#030000"],
      width: 512,
      height: 512,
    });
    const counts = ["#010000", "#020000", "#030000"].map((hex) => count(even, hex));
    expect(counts.sort()).toEqual([21, 21, 22]);
    // However small its share, a colour is there.
    const rare = [{ colour: "#010101", share: 1000 }, "#020202"];
    expect(count(swatchPalette({ colours: rare, width: 256, height: 256 }), "#020202")).toBe(1);
  });

  it("scatters unordered colours evenly: each is in every quarter", () => {
    const colours = ["#010101", "#020202", "#030303", "#040404"];
    for (const seed of [0, 1, 2, 77]) {
      const blocks = blocksOf(swatchPalette({ colours, width: 512, height: 512, seed }));
      for (const [x0, y0] of [
        [0, 0],
        [4, 0],
        [0, 4],
        [4, 4],
      ] as const) {
        const quarter = blocks.filter(
          (_, i) => i % 8 >= x0 && i % 8 < x0 + 4 && i >> 3 >= y0 && i >> 3 < y0 + 4,
        );
        for (const colour of colours) {
          const found = quarter.filter((block) => block === colour).length;
          expect(found, `seed ${seed}`).toBeGreaterThanOrEqual(2);
          expect(found, `seed ${seed}`).toBeLessThanOrEqual(6);
        }
      }
    }
    const blocks = (seed: number) =>
      blocksOf(swatchPalette({ colours, width: 512, height: 512, seed }));
    expect(blocks(1)).not.toEqual(blocks(2));
    expect(blocks(1)).toEqual(blocks(1));
  });

  it("says when there are more colours than blocks", () => {
    const colours = Array.from({ length: 5 }, (_, i) => [i, 0, 0] as const);
    const hint = swatchPalette({ colours, width: 128, height: 128 });
    expect(hint.notices).toEqual(["1 colours found no room: 4 blocks are all there are"]);
    expect(new Set(blocksOf(hint)).size).toBe(4);
  });

  it("brings colours that sRGB lacks into it, hue kept", () => {
    const hint = swatchPalette({ colours: ["oklch(70% 0.4 150)"], width: 64, height: 64 });
    const [r, g, b] = [...Buffer.from(blocksOf(hint)[0]!.slice(1), "hex")];
    expect(g).toBeGreaterThan(170);
    expect(Math.max(r!, b!)).toBeLessThan(110);
  });

  it.each<[string, object, RegExp]>([
    ["no colour", { colours: ["greenish"] }, /colour 0 is no opaque colour \(found "greenish"\)/],
    ["a transparent colour", { colours: ["#ff000080"] }, /no opaque colour/],
    ["bytes beyond 255", { colours: [[0, 0, 256]] }, /no opaque colour/],
    ["a swatch without a colour", { colours: [{ share: 2 }] }, /colour 0 is no opaque colour/],
    ["a share of 0", { colours: [{ colour: "red", share: 0 }] }, /colour 0's share/],
    ["no colours", { colours: [] }, /no list of them \(found 0\)/],
    ["rows of different lengths", { grid: [["red"], ["red", "red"]] }, /row 1 .*found 2/],
    ["an empty row", { grid: [[]] }, /row 0/],
    ["no rows", { grid: [] }, /no list of rows/],
    ["a grid of colours", { grid: ["red"] }, /row 0/],
    ["both", { grid: [["red"]], colours: ["red"] }, /either a grid or colours/],
    ["neither", {}, /either a grid or colours/],
    ["a small width", { colours: ["red"], width: 63 }, /width.*64 to 8192/],
    ["a misspelt option", { color: ["red"] }, /did you mean colours\?/],
  ])("refuses %s", (_, options, message) => {
    expect(() => swatchPalette({ width: 64, height: 64, ...options } as never)).toThrow(message);
  });
});

describe("warmer and cooler", () => {
  const bytes = (hex: string) => [...Buffer.from(hex.slice(1), "hex")];
  const shift = (colour: string, amount: number) =>
    amount > 0 ? warmer([colour], amount)[0]! : cooler([colour], -amount)[0]!;
  const shown = fixtures.warmth.filter(({ rgb }) => rgb !== null);

  it.each(shown)("moves $colour by $amount as OKLab says", ({ colour, amount, rgb }) => {
    const found = bytes(shift(colour, amount));
    found.forEach((sample, i) => {
      expect(Math.abs(sample - rgb![i]!)).toBeLessThanOrEqual(0.51);
    });
  });

  it("brings back what leaves sRGB by its chroma alone", () => {
    const lost = fixtures.warmth.filter(({ rgb }) => rgb === null);
    expect(lost.length).toBeGreaterThan(5);
    for (const { colour, amount, oklab } of lost) {
      const [l, a, b] = toOklab(bytes(shift(colour, amount)));
      expect(Math.abs(l! - oklab[0]!), colour).toBeLessThan(0.004);
      const chroma = Math.hypot(a!, b!);
      expect(chroma, colour).toBeLessThanOrEqual(Math.hypot(oklab[1]!, oklab[2]!) + 0.002);
      if (chroma < 0.03) continue;
      const turn = Math.atan2(b!, a!) - Math.atan2(oklab[2]!, oklab[1]!);
      expect(Math.abs(Math.sin(turn)), colour).toBeLessThan(0.06);
    }
  });

  it("leaves white, black and an amount of 0 alone", () => {
    expect(warmer(["#ffffff", "#000000"], 1)).toEqual(["#ffffff", "#000000"]);
    expect(cooler(["#ffffff", "#000000"], 1)).toEqual(["#ffffff", "#000000"]);
    expect(warmer(["#123456", [1, 2, 3], "tomato"], 0)).toEqual(["#123456", "#010203", "#ff6347"]);
  });

  it("refuses what is not allowed", () => {
    expect(() => warmer(["x"])).toThrow(/warmer's colour 0/);
    expect(() => cooler(["red"], 2)).toThrow(/cooler's amount.*0 to 1/);
  });

  /** B. Ottosson's matrices. */
  function toOklab(rgb: readonly number[]): number[] {
    const linear = rgb.map((byte) => {
      const share = byte / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    const times = (rows: readonly (readonly number[])[], v: readonly number[]) =>
      rows.map((row) => row.reduce((sum, x, i) => sum + x * v[i]!, 0));
    const lms = times(
      [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
      ],
      linear,
    ).map(Math.cbrt);
    return times(
      [
        [0.2104542553, 0.793617785, -0.0040720468],
        [1.9779984951, -2.428592205, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.808675766],
      ],
      lms,
    );
  }
});
