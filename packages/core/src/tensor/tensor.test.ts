import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import {
  batchEntry,
  elementCount,
  floatTensor,
  sameDims,
  type TensorType,
  tensor,
  zeros,
} from "./tensor.js";

const invalid = expect.toSatisfy((error) => isUnderpaintError(error, "invalid-request"));

describe("tensor", () => {
  it("lies over the array that it is given, and copies the dims", () => {
    const [dims, data] = [[2, 3], Float32Array.of(0, 1, 2, 3, 4, 5)];
    const made = tensor("float32", dims, data);
    expect(made.data).toBe(data);
    dims[0] = 9;
    expect(made.dims).toEqual([2, 3]);
  });

  it("takes a scalar and an empty tensor", () => {
    expect(floatTensor([], Float32Array.of(7)).data[0]).toBe(7);
    expect(floatTensor([3, 0], new Float32Array(0)).dims).toEqual([3, 0]);
  });

  it.each<[TensorType, unknown]>([
    ["float32", new Float64Array(2)],
    ["float16", new Float32Array(2)],
    ["int32", new Uint32Array(2)],
    ["int64", new BigUint64Array(2)],
    ["float32", [1, 2]],
  ])("refuses other data for %s: %s", (type, data) => {
    expect(() => tensor(type, [2], data as Float32Array)).toThrow(invalid);
  });

  it.each([[[3]], [[]], [[2, 2]], [[-1, -2]], [[0.5, 4]], [[Number.NaN]], [["2"]]])(
    "refuses dims of %j for two elements",
    (dims) => {
      expect(() => floatTensor(dims as number[], new Float32Array(2))).toThrow(invalid);
    },
  );
});

describe("zeros", () => {
  it("holds a zero of its type for each element", () => {
    expect(zeros("float32", [2, 2]).data).toEqual(new Float32Array(4));
    expect(zeros("float16", [3]).data).toEqual(new Uint16Array(3));
    expect(zeros("int32", []).data).toEqual(new Int32Array(1));
    expect(zeros("int64", [1, 2]).data).toEqual(new BigInt64Array(2));
  });

  it.each([[[-1]], [[1.5]], [[Number.NaN, 0]], [[Number.POSITIVE_INFINITY]]])(
    "refuses dims of %j",
    (dims) => {
      expect(() => zeros("float32", dims)).toThrow(invalid);
    },
  );
});

describe("elementCount and sameDims", () => {
  it("multiply and compare", () => {
    expect(elementCount([])).toBe(1);
    expect(elementCount([2, 4, 8, 8])).toBe(512);
    expect(elementCount([2, 0])).toBe(0);
    const dims = (...sizes: number[]) => zeros("float32", sizes);
    expect(sameDims(dims(2, 3), zeros("int64", [2, 3]))).toBe(true);
    expect(sameDims(dims(2, 3), dims(3, 2))).toBe(false);
    expect(sameDims(dims(2, 3), dims(2, 3, 1))).toBe(false);
    expect(sameDims(dims(), dims(1))).toBe(false);
  });
});

describe("batchEntry", () => {
  const batch = floatTensor([3, 1, 2], Float32Array.of(0, 1, 2, 3, 4, 5));

  it("is a view of one entry with an axis of 1", () => {
    const entry = batchEntry(batch, 1);
    expect(entry.dims).toEqual([1, 1, 2]);
    expect([...entry.data]).toEqual([2, 3]);
    expect(entry.data.buffer).toBe(batch.data.buffer);
  });

  it.each([-1, 3, 0.5, Number.NaN])("refuses the index %s", (index) => {
    expect(() => batchEntry(batch, index)).toThrow(invalid);
  });

  it("refuses every index of a scalar", () => {
    expect(() => batchEntry(floatTensor([], Float32Array.of(1)), 0)).toThrow(invalid);
  });
});
