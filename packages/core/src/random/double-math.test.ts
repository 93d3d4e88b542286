import { describe, expect, it } from "vitest";
import { logarithm, sineAndCosine } from "./double-math.js";

/**
 * How far apart, in units of 2^-52 of the second. The engine's functions are within one unit in
 * the last place, as are these: they may be 2 apart, and no more.
 */
const apart = (value: number, engines: number): number =>
  value === engines ? 0 : Math.abs(value / engines - 1) * 2 ** 52;

describe("logarithm", () => {
  it("is within 2 units of the last place of Math.log", () => {
    const farOff: number[] = [];
    for (let i = 1; i <= 100_000; i++) {
      for (const w of [i / 100_000, 1 - i * 2 ** -53, i * 2 ** -53]) {
        if (!(apart(logarithm(w), Math.log(w)) <= 2)) farOff.push(w);
      }
    }
    expect(farOff).toEqual([]);
  });

  it("is exactly 0 at 1", () => {
    expect(logarithm(1)).toBe(0);
  });
});

describe("sineAndCosine", () => {
  it("is within 2 units of the last place of Math.sin and Math.cos, at their zeros too", () => {
    const farOff: number[] = [];
    const check = (theta: number): void => {
      const [sine, cosine] = sineAndCosine(theta);
      const worst = Math.max(apart(sine, Math.sin(theta)), apart(cosine, Math.cos(theta)));
      if (!(worst <= 2)) farOff.push(theta);
    };
    for (let i = 0; i <= 100_000; i++) check((2 * Math.PI * i) / 100_000);
    for (let eighth = 1; eighth < 8; eighth++) {
      for (let i = -50; i <= 50; i++) check((eighth * Math.PI) / 4 + i * 2 ** -50);
    }
    expect(farOff).toEqual([]);
  });
});
