import { createHash } from "node:crypto";
import { createImage } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../fixtures/hints/depth.json" with { type: "json" };
import { depthMap } from "./depth-map.js";
import {
  difference,
  levelsOf,
  none,
  opaque,
  readPicture,
  unpack,
  unpackFloats,
} from "./fakes/source-picture.js";
import { greyOf, onWhite } from "./flatten.js";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const grey = (levels: readonly number[]) =>
  opaque(levels.length, 1, Uint8Array.from(levels.flatMap((level) => [level, level, level])));

describe("depthMap", () => {
  it.each(fixtures.cases)("stretches $name as MiDaS does", (fixture) => {
    const { width, height } = fixture;
    const map = { width, height, data: unpackFloats(fixture.values) };
    const high = depthMap(map);
    expect(difference(levelsOf(high), unpack(fixture.high))).toEqual(none);
    expect(difference(levelsOf(depthMap(map, { near: "low" })), unpack(fixture.low))).toEqual(none);
  });

  it("stretches pictures alike when asked to", () => {
    const coffee = readPicture("coffee");
    const levels = greyOf(onWhite(coffee)).map((level) => Math.floor(level / 3) + 40);
    const narrow = grey([...levels]);
    expect(sha256(levelsOf(depthMap(narrow, { stretch: true })))).toBe(fixtures.picture.sha256);
  });

  it("takes a rendered picture as it is", () => {
    const map = grey([0, 7, 100, 255]);
    expect([...levelsOf(depthMap(map))]).toEqual([0, 7, 100, 255]);
    expect([...levelsOf(depthMap(map, { near: "low" }))]).toEqual([255, 248, 155, 0]);
    const stretched = depthMap(grey([55, 106, 157]), { near: "low", stretch: true });
    expect([...levelsOf(stretched)]).toEqual([255, 127, 0]);
  });

  it("takes values that are not stretched as shares", () => {
    const data = Float32Array.of(-1, 0, 0.5, 1, 7);
    const map = { width: 5, height: 1, data };
    const levels = (near: "high" | "low") => [...levelsOf(depthMap(map, { near, stretch: false }))];
    expect(levels("high")).toEqual([0, 0, 127, 255, 255]);
    expect(levels("low")).toEqual([255, 255, 127, 0, 0]);
  });

  it("counts what is not finite as farthest, and does not measure by it", () => {
    const data = Float32Array.of(Number.NaN, 2, 4, Number.POSITIVE_INFINITY);
    const map = { width: 2, height: 2, data };
    expect([...levelsOf(depthMap(map))]).toEqual([0, 0, 255, 0]);
    expect([...levelsOf(depthMap(map, { near: "low" }))]).toEqual([0, 255, 0, 0]);
  });

  it("says when the map is flat", () => {
    const flat = { width: 2, height: 1, data: Float32Array.of(3, 3) };
    expect(depthMap(flat).notices).toEqual(["the depth map is flat: the hint is black"]);
    expect([...levelsOf(depthMap(flat))]).toEqual([0, 0]);
    expect(depthMap(grey([9, 9]), { stretch: true }).notices).toHaveLength(1);
    expect(depthMap(grey([9, 9])).notices).toEqual([]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["nothing", () => depthMap(null as never), /^depthMap's picture is no picture/],
    [
      "values of another number",
      () => depthMap({ width: 2, height: 2, data: new Float32Array(5) }),
      /of another number \(found 5\); allowed: 4, one a pixel/,
    ],
    [
      "values of another kind",
      () => depthMap({ width: 1, height: 1, data: new Float64Array(1) as never }),
      /another kind/,
    ],
    [
      "values without a finite one",
      () => depthMap({ width: 1, height: 1, data: Float32Array.of(Number.NaN) }),
      /no finite number/,
    ],
    ["no size", () => depthMap({ width: 0, height: 1, data: new Float32Array(0) }), /"0 × 1"/],
    ["another end", () => depthMap(createImage(1, 1), { near: "white" as never }), /high, low/],
  ])("refuses %s", (_, work, message) => {
    expect(work).toThrow(message);
  });
});
