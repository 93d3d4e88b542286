import { describe, expect, it } from "vitest";
import { createMersenneTwister } from "./mersenne-twister.js";

describe("createMersenneTwister", () => {
  it("gives the 10,000th draw that the C++ standard demands of std::mt19937", () => {
    const twister = createMersenneTwister(5489);
    for (let i = 1; i < 10_000; i++) twister.next();
    expect(twister.next()).toBe(4123659995); // ISO C++, [rand.predef]
  });

  it("fills with the low 24 bits of the same draws", () => {
    const [draws, fill] = [createMersenneTwister(0xffffffff), createMersenneTwister(0xffffffff)];
    const out = new Float32Array(1300);
    fill.fill24(out, 0);
    expect([...out]).toEqual(Array.from(out, () => draws.next() % 2 ** 24));
    fill.fill24(out, 1299);
    expect(out[1299]).toBe(draws.next() % 2 ** 24);
  });
});
