import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { copy, linear, linearInto } from "./linear.js";
import { type FloatTensor, floatTensor, zeros } from "./tensor.js";

const vector = (...values: number[]): FloatTensor =>
  floatTensor([values.length], Float32Array.from(values));
const valuesOf = (tensor: FloatTensor): number[] => [...tensor.data];

const [x, y, z, w] = [vector(1, 2, 3), vector(10, 20, 30), vector(0.5, 0, -1), vector(100, 0, 0)];

describe("linear", () => {
  it("combines one to four tensors in a new one", () => {
    expect(valuesOf(linear(3, x))).toEqual([3, 6, 9]);
    expect(valuesOf(linear(2, x, -1, y))).toEqual([-8, -16, -24]);
    expect(valuesOf(linear(1, x, 1, y, 2, z))).toEqual([12, 22, 31]);
    expect(valuesOf(linear(1, x, 0.5, y, 4, z, -0.25, w))).toEqual([-17, 12, 14]);
    expect(valuesOf(x)).toEqual([1, 2, 3]);
  });

  it("keeps the dims", () => {
    expect(
      linear(1, zeros("float32", [1, 4, 2, 2]), 1, zeros("float32", [1, 4, 2, 2])).dims,
    ).toEqual([1, 4, 2, 2]);
  });

  it("leaves a tensor with the coefficient 0 out, wherever it stands", () => {
    const bad = vector(Number.NaN, Number.POSITIVE_INFINITY, 0);
    expect(valuesOf(linear(0, bad))).toEqual([0, 0, 0]);
    expect(valuesOf(linear(0, bad, 2, x))).toEqual([2, 4, 6]);
    expect(valuesOf(linear(1, x, 0, bad, 1, y))).toEqual([11, 22, 33]);
    expect(valuesOf(linear(1, x, 1, y, 1, z, 0, bad))).toEqual([11.5, 22, 32]);
  });

  it("passes NaN and infinities on otherwise", () => {
    const bad = vector(Number.NaN, Number.POSITIVE_INFINITY, 0);
    expect(valuesOf(linear(1, x, 1, bad))).toEqual([Number.NaN, Number.POSITIVE_INFINITY, 3]);
  });

  it("sums in double precision and rounds once", () => {
    // In float32, 2^24 + 1 would be lost before it is needed.
    expect(valuesOf(linear(1, vector(2 ** 24), 1, vector(1), -1, vector(2 ** 24)))).toEqual([1]);
    expect(valuesOf(linear(0.1, vector(3)))).toEqual([Math.fround(0.1 * 3)]);
  });

  it.each([[zeros("float32", [4])], [zeros("float32", [3, 1])], [zeros("float32", [])]])(
    "refuses another shape",
    (other) => {
      expect(() => linear(1, x, 1, other)).toThrow(
        expect.toSatisfy((error) => isUnderpaintError(error, "invalid-request")),
      );
      expect(() => linearInto(other, 1, x)).toThrow(/one shape/);
    },
  );
});

describe("linearInto", () => {
  it("writes into the tensor that it is given, and returns it", () => {
    const out = vector(9, 9, 9);
    expect(linearInto(out, 1, x, 1, y)).toBe(out);
    expect(valuesOf(out)).toEqual([11, 22, 33]);
  });

  it("may write over any of its operands", () => {
    for (const place of [0, 1, 2, 3]) {
      const operands = [copy(x), copy(y), copy(z), copy(w)] as const;
      linearInto(operands[place]!, 1, operands[0], 2, operands[1], 3, operands[2], 4, operands[3]);
      expect(valuesOf(operands[place]!)).toEqual([422.5, 42, 60]);
    }
  });

  it("does not read an `out` that is no operand, nor one whose coefficient is 0", () => {
    const out = vector(Number.NaN, Number.NaN, Number.NaN);
    expect(valuesOf(linearInto(out, 1, x))).toEqual([1, 2, 3]);
    out.data.fill(Number.NaN);
    expect(valuesOf(linearInto(out, 0, out, 2, x))).toEqual([2, 4, 6]);
    expect(valuesOf(linearInto(out, 0, x))).toEqual([0, 0, 0]);
  });
});

describe("copy", () => {
  it("has the same values and its own memory", () => {
    const copied = copy(x);
    expect(copied).toEqual(x);
    copied.data[0] = 9;
    expect(x.data[0]).toBe(1);
  });
});
