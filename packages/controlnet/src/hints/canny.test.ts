import { createImage } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../fixtures/hints/canny.json" with { type: "json" };
import { canny } from "./canny.js";
import {
  difference,
  levelsOf,
  none,
  readPicture,
  sourcePicture,
  unpackBits,
} from "./fakes/source-picture.js";

describe("canny", () => {
  it.each(fixtures.cases)(
    "equals OpenCV in every pixel: $name",
    ({ source, edges, ...options }) => {
      const { low, high, l2, count } = options;
      const image = sourcePicture(source);
      const before = image.data.slice();
      const hint = canny(image, { low, high, l2 });
      expect([hint.width, hint.height]).toEqual([image.width, image.height]);
      const levels = levelsOf(hint);
      expect(difference(levels, unpackBits(edges, levels.length))).toEqual(none);
      expect(levels.filter((level) => level === 255)).toHaveLength(count);
      expect(difference(image.data, before)).toEqual(none);
    },
  );

  it("is 100 to 200 by the sum of the gradient's sides unless told otherwise", () => {
    const image = readPicture("coffee");
    const levels = (options?: object) => levelsOf(canny(image, options));
    expect(levels()).toEqual(levels({ low: 100, high: 200, l2: false }));
    expect(difference(levels(), levels({ l2: true })).count).toBeGreaterThan(0);
    expect(difference(levels(), levels({ low: 50 })).count).toBeGreaterThan(0);
    // A low above 200 alone raises the high with it.
    expect(levels({ low: 300 })).toEqual(levels({ low: 300, high: 300 }));
  });

  it("says when it found nothing", () => {
    const blank = canny(createImage(20, 20));
    expect(blank.notices).toEqual(["no edge is as strong as canny's high: the hint is black"]);
    expect(canny(readPicture("coffee")).notices).toEqual([]);
  });

  it("lays transparency on white", () => {
    const layer = createImage(40, 40);
    for (let i = 10; i < 30; i++) layer.data.set([0, 0, 0, 255], 4 * (40 * i + 20));
    expect(canny(layer).notices).toEqual([]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["no picture", () => canny(null as never), /^canny's picture is no picture \(found null\)/],
    ["a picture that is too large", () => canny(createImage(8192, 2049)), /8192 × 2049.*fitHint/],
    [
      "a negative low",
      () => canny(createImage(1, 1), { low: -1 }),
      /low is out of range \(found -1\)/,
    ],
    ["a NaN", () => canny(createImage(1, 1), { high: Number.NaN }), /high is out of range/],
    [
      "low above high",
      () => canny(createImage(1, 1), { low: 9, high: 3 }),
      /low is above its high \(found \[9, 3\]\)/,
    ],
    [
      "an option that is not known",
      () => canny(createImage(1, 1), { hihg: 3 } as never),
      /no option of that name \(found "hihg"\).*did you mean high\?/,
    ],
    ["options that are none", () => canny(createImage(1, 1), 7 as never), /options are no object/],
    ["an l2 that is no flag", () => canny(createImage(1, 1), { l2: 1 as never }), /neither true/],
  ])("refuses %s", (_, work, message) => {
    expect(work).toThrow(message);
  });
});
