import { type FloatTensor, floatTensor } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import { combine } from "./combine.js";
import { lagrangeIntegral } from "./lms.js";
import { solveVandermonde } from "./unipc-coefficients.js";

function tensorOf(size: number, seed: number): FloatTensor {
  const data = Float32Array.from({ length: size }, (_, i) => Math.sin(seed * 37 + i) * 3);
  return floatTensor([1, size], data);
}

describe("combine", () => {
  it.each([1, 1023, 1024, 2050])("adds any number of terms of %i elements", (size) => {
    const coefficients = [0.5, -1.25, 3, 0.125, -0.75, 2, 0.25];
    const tensors = coefficients.map((_, k) => tensorOf(size, k));
    for (let count = 1; count <= coefficients.length; count++) {
      const result = combine(coefficients.slice(0, count), tensors.slice(0, count));
      expect(result.dims).toEqual([1, size]);
      result.data.forEach((value, i) => {
        const sum = tensors
          .slice(0, count)
          .reduce((total, { data }, k) => total + coefficients[k]! * data[i]!, 0);
        // Beyond six terms, sums are rounded more than once.
        if (count <= 6) expect(value).toBe(Math.fround(sum));
        else expect(Math.abs(value - sum)).toBeLessThan(1e-6);
      });
    }
  });

  it("leaves out what is multiplied with 0, NaN included, and changes no operand", () => {
    const bad = floatTensor([1, 2], Float32Array.of(Number.NaN, Infinity));
    const good = [1, 2, 3, 4, 5].map((k) => tensorOf(2, k));
    const before = good.map(({ data }) => data.slice());
    const result = combine([1, 1, 1, 0, 1, 1], [...good.slice(0, 3), bad, ...good.slice(3)]);
    expect(result.data.every(Number.isFinite)).toBe(true);
    expect(good.map(({ data }) => data)).toEqual(before);
  });
});

describe("lagrangeIntegral", () => {
  it("integrates polynomials through four nodes exactly", () => {
    const nodes = [7, 4, 2.5, 0.5];
    const cubic = (x: number) => 2 * x ** 3 - x ** 2 + 3 * x - 5;
    const primitive = (x: number) => x ** 4 / 2 - x ** 3 / 3 + 1.5 * x ** 2 - 5 * x;
    const sum = nodes.reduce(
      (total, node, k) => total + cubic(node) * lagrangeIntegral(nodes, k, 7, 9.5),
      0,
    );
    expect(sum).toBeCloseTo(primitive(9.5) - primitive(7), 9);
  });
});

describe("solveVandermonde", () => {
  it("solves for what was put in, whatever the pivots", () => {
    const nodes = [-2.5, -0.75, 1];
    const rho = [0.4, -1.5, 2.25];
    const right = nodes.map((_, n) => nodes.reduce((sum, node, k) => sum + rho[k]! * node ** n, 0));
    solveVandermonde(nodes, right).forEach((value, k) => {
      expect(value).toBeCloseTo(rho[k]!, 12);
    });
  });
});
