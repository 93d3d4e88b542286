import { createImage } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../fixtures/hints/segments.json" with { type: "json" };
import { levelsOf, noisePicture, readPicture } from "./fakes/source-picture.js";
import type { LineSegment } from "./lines/detect-lines.js";
import { findLines, straightLines } from "./straight-lines.js";

type Segment = readonly number[];

const asList = ({ x1, y1, x2, y2 }: LineSegment): Segment => [x1, y1, x2, y2];
const length = ([x1, y1, x2, y2]: Segment) => Math.hypot(x2! - x1!, y2! - y1!);

/** The share of the points along `segments`, a pixel apart, with a line of `others` within reach. */
function covered(segments: readonly Segment[], others: readonly Segment[], reach: number): number {
  let [seen, all] = [0, 0];
  for (const segment of segments) {
    const [x1, y1, x2, y2] = segment as [number, number, number, number];
    const steps = Math.ceil(length(segment));
    const angle = Math.atan2(y2 - y1, x2 - x1);
    for (let i = 0; i <= steps; i++) {
      const [x, y] = [x1 + ((x2 - x1) * i) / steps, y1 + ((y2 - y1) * i) / steps];
      all++;
      if (others.some((other) => lies(other, x, y, angle, reach))) seen++;
    }
  }
  return seen / all;
}

function lies(segment: Segment, x: number, y: number, angle: number, reach: number): boolean {
  const [x1, y1, x2, y2] = segment as [number, number, number, number];
  const [dx, dy] = [(x2 - x1) / length(segment), (y2 - y1) / length(segment)];
  const along = (x - x1) * dx + (y - y1) * dy;
  const across = Math.abs((x - x1) * dy - (y - y1) * dx);
  const turned = Math.abs(Math.sin(angle - Math.atan2(dy, dx)));
  return along > -reach && along < length(segment) + reach && across < reach && turned < 0.14;
}

describe("findLines", () => {
  it("finds every edge of a drawing to a pixel, and nothing else", () => {
    const { picture, segments } = fixtures.drawing;
    const found = findLines(readPicture(picture)).map(asList);
    expect(covered(segments, found, 1)).toBeGreaterThan(0.97);
    expect(covered(found, segments, 1)).toBeGreaterThan(0.99);
    for (const edge of segments) {
      const [x1, y1, x2, y2] = edge as [number, number, number, number];
      const near = found.some(([a, b, c, d]) => {
        const same = Math.hypot(x1 - a!, y1 - b!) + Math.hypot(x2 - c!, y2 - d!);
        const turned = Math.hypot(x2 - a!, y2 - b!) + Math.hypot(x1 - c!, y1 - d!);
        return Math.min(same, turned) < 6;
      });
      expect(near, edge.join(", ")).toBe(true);
    }
  });

  it.each(fixtures.photos)("finds what OpenCV's LSD finds in $picture", (fixture) => {
    const image = readPicture(fixture.picture);
    const found = findLines(image, { minLength: 0.04, maxLines: 5000 }).map(asList);
    const straight = fixture.picture === "brick";
    expect(covered(fixture.segments, found, 2)).toBeGreaterThan(straight ? 0.95 : 0.7);
  });

  it("finds nothing in noise and on plain paper", () => {
    for (const seed of [1, 2, 3]) expect(findLines(noisePicture(200, 150, seed))).toEqual([]);
    expect(findLines(createImage(64, 64))).toEqual([]);
    expect(findLines(createImage(1, 1))).toEqual([]);
    expect(findLines(createImage(1, 90))).toEqual([]);
  });

  it("gives the longest first, no more than asked for and none shorter", () => {
    const image = readPicture("brick");
    const lengths = findLines(image, { minLength: 0.1, maxLines: 5000 }).map(asList).map(length);
    expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
    expect(lengths.at(-1)!).toBeGreaterThanOrEqual(25.6);
    const few = findLines(image, { minLength: 0.1, maxLines: 3 }).map(asList).map(length);
    expect(few).toEqual(lengths.slice(0, 3));
  });
});

describe("straightLines", () => {
  it("draws them a pixel wide, white on black", () => {
    const image = readPicture("polygons");
    const levels = levelsOf(straightLines(image));
    expect([...new Set(levels)].sort()).toEqual([0, 255]);
    for (const line of findLines(image)) {
      const [x, y] = [Math.round(line.x1), Math.round(line.y1)];
      expect(levels[y * image.width + x]).toBe(255);
    }
    const drawn = levels.filter((level) => level === 255).length;
    const sum = findLines(image)
      .map(asList)
      .map(length)
      .reduce((a, b) => a + b, 0);
    expect(drawn).toBeLessThan(1.1 * sum);
  });

  it("says when there is none", () => {
    expect(straightLines(createImage(30, 30)).notices).toEqual([
      "no straight line was found: the hint is black",
    ]);
  });

  it("refuses options that are not allowed", () => {
    const image = createImage(4, 4);
    expect(() => straightLines(image, { minLength: 0 })).toThrow(/0\.005 to 1/);
    expect(() => straightLines(image, { maxLines: 0 })).toThrow(/1 to 5000/);
    expect(() => straightLines(7 as never)).toThrow(
      /straightLines' picture|straightLines's picture/,
    );
  });
});
