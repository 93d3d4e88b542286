import { describe, expect, it } from "vitest";
import fixtures from "../../../../../fixtures/hints/by-model.json" with { type: "json" };
import { noise, unpackFloats } from "../fakes/source-picture.js";
import { bilinear } from "./bilinear.js";
import { cropOf, cropPlanes } from "./crop.js";
import { type DepthLayout, fedSize } from "./depth-layouts.js";
import { decodeHeatMaps, decodeSimcc, type InputPoint } from "./key-points.js";

/** The largest distance of two lists of numbers. */
function distance(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  return Array.from(expected).reduce(
    (most, value, i) => Math.max(most, Math.abs(found[i]! - value)),
    0,
  );
}

describe("bilinear", () => {
  it.each(fixtures.resized)(
    "equals torch's: $width × $height to $newWidth × $newHeight",
    ({ width, height, newWidth, newHeight, values, expected }) => {
      const found = bilinear(unpackFloats(values), width, height, newWidth, newHeight);
      expect(distance(found, unpackFloats(expected))).toBeLessThan(2e-6);
    },
  );
});

describe("fedSize", () => {
  const feeds = {
    "depth-anything": { size: 518, multiple: 14 },
    dpt: { size: 384, multiple: 32 },
    "midas-small": { size: 256, multiple: 32 },
  };

  it("equals DPTImageProcessor's for every layout, with proportions kept and without", () => {
    for (const [layout, width, height, keepsProportions, w, h] of fixtures.depthSizes) {
      const feed = feeds[layout as DepthLayout];
      const found = fedSize(Number(width), Number(height), {
        ...feed,
        keepsProportions: Boolean(keepsProportions),
      });
      expect(found, `${layout} ${width} × ${height}`).toEqual([w, h]);
    }
  });

  it("squeezes pictures that are longer than 4 : 1", () => {
    const feed = { size: 518, multiple: 14, keepsProportions: true };
    expect(fedSize(8192, 600, feed)).toEqual([2072, 518]);
    expect(fedSize(3, 8192, feed)).toEqual([14, 518]);
  });
});

describe("crops", () => {
  it.each(fixtures.crops)("equal mmpose's: box $box of $width × $height", (fixture) => {
    const { width, height, seed, inputWidth, inputHeight } = fixture;
    const [x, y, w, h] = fixture.box as [number, number, number, number];
    const crop = cropOf({ x, y, width: w, height: h }, inputWidth, inputHeight);
    const rgb = noise(3 * width * height, seed);
    const planes = cropPlanes(rgb, width, height, crop, inputWidth, inputHeight);
    // The reference's matrix is of float32 points.
    expect(distance(planes, unpackFloats(fixture.planes))).toBeLessThan(2e-3);
    fixture.inputs.forEach(([across, down], i) => {
      const back = [
        crop.centerX + (across! / inputWidth - 0.5) * crop.width,
        crop.centerY + (down! / inputHeight - 0.5) * crop.height,
      ];
      expect(distance(back, fixture.back[i]!)).toBeLessThan(1e-9);
    });
  });
});

describe("key points", () => {
  const inUnits = (points: readonly InputPoint[], across: number, down: number) =>
    points.map(([x, y, score]) => [x * across, y * down, score]);

  it("of SimCC equal get_simcc_maximum", () => {
    const { across, down, count, points, bins } = fixtures.keyPoints.simcc;
    const found = decodeSimcc(unpackFloats(across), unpackFloats(down), count);
    expect(points.filter(([x]) => x === -1)).toHaveLength(2);
    inUnits(found, bins[0]!, bins[1]!).forEach((point, k) => {
      const isNowhere = points[k]![0] === -1;
      expect(distance(point, isNowhere ? [0, 0, 0] : points[k]!), `point ${k}`).toBeLessThan(1e-5);
    });
  });

  it("of heat maps equal the argmax with refine_keypoints", () => {
    const { maps, width, height, count, points } = fixtures.keyPoints.heatMaps;
    const found = decodeHeatMaps(unpackFloats(maps), count, width, height);
    inUnits(found, width, height).forEach((point, k) => {
      const isNowhere = points[k]![0] === -1;
      expect(distance(point, isNowhere ? [0, 0, 0] : points[k]!), `point ${k}`).toBeLessThan(1e-5);
    });
    expect(points.filter(([x]) => x! % 1 !== 0).length).toBeGreaterThan(4);
  });

  it("pass over what is no number", () => {
    expect(decodeSimcc(Float32Array.of(Number.NaN, 3), Float32Array.of(2, 1), 1)).toEqual([
      [0.5, 0, 2],
    ]);
    expect(decodeHeatMaps(new Float32Array(4).fill(Number.NaN), 1, 2, 2)).toEqual([[0, 0, 0]]);
  });
});
