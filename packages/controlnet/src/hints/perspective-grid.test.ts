import { describe, expect, it } from "vitest";
import fixtures from "../../../../fixtures/hints/perspective.json" with { type: "json" };
import { difference, levelsOf, none, unpackBits } from "./fakes/source-picture.js";
import { type PerspectiveGridOptions, perspectiveGrid } from "./perspective-grid.js";

const grid = { width: 256, height: 192, horizon: 0.5, vanishingPoints: [{ x: 0.5 }] };

describe("perspectiveGrid", () => {
  it.each(fixtures.cases)(
    "equals the reference in every pixel: $width × $height, horizon $horizon, $vanishingPoints",
    ({ lines, ...options }) => {
      const levels = levelsOf(perspectiveGrid(options as PerspectiveGridOptions));
      expect(difference(levels, unpackBits(lines, levels.length))).toEqual(none);
    },
  );

  it("draws every line to its point, and nothing else", () => {
    const [width, height] = [300, 200];
    const points = [
      { x: -2.1, y: 0.3 },
      { x: 3.4, y: 0.9 },
    ];
    const options = { width, height, horizon: 0.5, drawHorizon: false, density: 16 };
    const levels = levelsOf(perspectiveGrid({ ...options, vanishingPoints: points }));
    // The angles of the 16 lines to each point, from the picture's corners.
    const fans = points.map(({ x, y }) => {
      const [px, py] = [x * width, y * height];
      const away = px < 0 ? 0 : Math.PI;
      const angles = [0, width].flatMap((cx) =>
        [0, height].map((cy) => {
          const turn = Math.atan2(cy - py, cx - px) - away;
          return turn - 2 * Math.PI * Math.round(turn / (2 * Math.PI));
        }),
      );
      const [least, most] = [Math.min(...angles), Math.max(...angles)];
      return Array.from({ length: 16 }, (_, i) => {
        const angle = away + least + ((i + 0.5) * (most - least)) / 16;
        return { px, py, dx: Math.cos(angle), dy: Math.sin(angle), pixels: 0 };
      });
    });
    const rays = fans.flat();
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (levels[y * width + x] === 0) continue;
        const near = rays.filter((r) => Math.abs((x - r.px) * r.dy - (y - r.py) * r.dx) < 1.1);
        expect(near.length, `${x}, ${y}`).toBeGreaterThan(0);
        for (const ray of near) ray.pixels++;
      }
    }
    expect(Math.min(...rays.map(({ pixels }) => pixels))).toBeGreaterThan(20);
  });

  it("is white on black, a pixel wide, not anti-aliased", () => {
    const levels = levelsOf(perspectiveGrid({ ...grid, vanishingPoints: [{ x: 5 }], density: 2 }));
    expect([...new Set(levels)].sort()).toEqual([0, 255]);
    // Each of the two lines, and the horizon, has one pixel in a column.
    const column = levels.filter((_, i) => i % 256 === 40);
    expect(column.filter((level) => level === 255).length).toBeLessThanOrEqual(3 + 2);
  });

  it("leaves no blob at a point that is seen", () => {
    const options = { ...grid, vanishingPoints: [{ x: 0.3 }, { x: 0.7 }], density: 64 };
    const levels = levelsOf(perspectiveGrid(options));
    let lit = 0;
    for (let y = 90; y < 103; y++) {
      for (let x = 70; x < 83; x++) if (levels[y * 256 + x]! > 0) lit++;
    }
    expect(lit).toBeLessThan(60);
  });

  it("keeps the horizon away when told so", () => {
    const row = (drawHorizon: boolean) => {
      const options = {
        ...grid,
        vanishingPoints: [
          { x: 0.5, y: -9 },
          { x: 0.5, y: 9 },
        ],
        drawHorizon,
      };
      return levelsOf(perspectiveGrid(options)).subarray(96 * 256, 97 * 256);
    };
    expect(row(true).every((level) => level === 255)).toBe(true);
    expect(row(false).filter((level) => level === 0).length).toBeGreaterThan(100);
  });

  it.each<[string, object, RegExp]>([
    [
      "four vanishing points",
      { vanishingPoints: Array.from({ length: 4 }, (_, x) => ({ x })) },
      /another number \(found 4\); allowed: 1 to 3; draw a second grid/,
    ],
    ["none", { vanishingPoints: [] }, /found 0/],
    ["no list", { vanishingPoints: { x: 1 } }, /another number/],
    ["a point of a list", { vanishingPoints: [[1, 2]] }, /vanishing point 0's options are no/],
    ["a point without x", { vanishingPoints: [{}] }, /vanishing point 0's x.*undefined/],
    ["a point too far", { vanishingPoints: [{ x: 1002 }] }, /-1000 to 1001/],
    ["an infinite point", { vanishingPoints: [{ x: Number.POSITIVE_INFINITY }] }, /out of range/],
    [
      "a point with z",
      { vanishingPoints: [{ x: 1, z: 1 }] },
      /no option of that name \(found "z"\)/,
    ],
    ["no horizon", { horizon: undefined }, /horizon is out of range/],
    ["a single line", { density: 1 }, /density.*2 to 256/],
    ["half a line", { density: 2.5 }, /density/],
    ["no size", { width: 0 }, /perspectiveGrid's size/],
    ["too large a size", { width: 8192, height: 8192 }, /pixels at most/],
  ])("refuses %s", (_, change, message) => {
    expect(() => perspectiveGrid({ ...grid, ...change } as never)).toThrow(message);
  });
});
