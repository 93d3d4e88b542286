import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { convert } from "./convert.js";
import { floatTensor, type TensorType, tensor } from "./tensor.js";

const invalid = expect.toSatisfy((error) => isUnderpaintError(error, "invalid-request"));

describe("convert", () => {
  it("returns a tensor of the type asked for as it is", () => {
    const source = floatTensor([2], Float32Array.of(1, 2));
    expect(convert(source, "float32")).toBe(source);
  });

  it("keeps the dims and leaves the source alone", () => {
    const source = floatTensor([1, 2, 1], Float32Array.of(1, -2));
    const halves = convert(source, "float16");
    expect(halves).toEqual(tensor("float16", [1, 2, 1], Uint16Array.of(0x3c00, 0xc000)));
    expect(convert(halves, "float32")).toEqual(source);
    expect([...source.data]).toEqual([1, -2]);
    expect(convert(tensor("int32", [], Int32Array.of(7)), "int64").dims).toEqual([]);
  });

  it("rounds to half as IEEE 754 says", () => {
    const values = Float32Array.of(2049, 2051, 65519, 65520, -1e30, 2 ** -25, 1.5 * 2 ** -24);
    const halves = convert(floatTensor([7], values), "float16");
    expect([...convert(halves, "float32").data]).toEqual([
      2048,
      2052,
      65504,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      0,
      2 ** -23,
    ]);
  });

  it("turns token ids into int64 and back", () => {
    const ids = Int32Array.of(49406, 0, -1, 2 ** 31 - 1, -(2 ** 31));
    const wide = convert(tensor("int32", [1, 5], ids), "int64");
    expect([...wide.data]).toEqual([49406n, 0n, -1n, 2n ** 31n - 1n, -(2n ** 31n)]);
    expect(convert(wide, "int32").data).toEqual(ids);
  });

  it("turns whole numbers into floats and back", () => {
    const timesteps = tensor("int64", [4], BigInt64Array.of(981n, 0n, -1n, 2n ** 53n));
    expect([...convert(timesteps, "float32").data]).toEqual([981, 0, -1, 2 ** 53]);
    expect(convert(convert(timesteps, "float32"), "int64")).toEqual(timesteps);
    expect(convert(tensor("int32", [1], Int32Array.of(2049)), "float16").data[0]).toBe(0x6800);
    expect(convert(tensor("float16", [1], Uint16Array.of(0xe400)), "int32").data[0]).toBe(-1024);
  });

  it("rounds a whole number to float32 once, ties to even", () => {
    const values = BigInt64Array.of(2n ** 24n + 1n, 2n ** 24n + 3n, 2n ** 53n - 1n);
    const rounded = convert(tensor("int64", [3], values), "float32").data;
    expect([...rounded]).toEqual([2 ** 24, 2 ** 24 + 4, 2 ** 53]);
  });

  it("reaches both ends of int64", () => {
    const ends = floatTensor([2], Float32Array.of(-(2 ** 63), 2 ** 63 - 2 ** 39));
    expect([...convert(ends, "int64").data]).toEqual([-(2n ** 63n), 2n ** 63n - 2n ** 39n]);
  });

  it.each<[TensorType, number | bigint, TensorType]>([
    ["float32", 1.5, "int32"],
    ["float32", Number.NaN, "int64"],
    ["float32", Number.POSITIVE_INFINITY, "int64"],
    ["float32", 2 ** 31, "int32"],
    ["float32", 2 ** 63, "int64"],
    ["float16", 0x7c00, "int32"],
    ["int64", 2n ** 31n, "int32"],
    ["int64", -(2n ** 31n) - 1n, "int32"],
    ["int64", 2n ** 53n + 1n, "float32"],
    ["int64", -(2n ** 53n) - 1n, "float16"],
  ])("refuses %s %s as %s", (type, value, target) => {
    const source = {
      float32: () => tensor("float32", [1], Float32Array.of(Number(value))),
      float16: () => tensor("float16", [1], Uint16Array.of(Number(value))),
      int32: () => tensor("int32", [1], Int32Array.of(Number(value))),
      int64: () => tensor("int64", [1], BigInt64Array.of(BigInt(value))),
    }[type]();
    expect(() => convert(source, target)).toThrow(invalid);
  });

  it("names the value and the range", () => {
    expect(() => convert(floatTensor([1], Float32Array.of(0.5)), "int32")).toThrow(
      "a tensor's element cannot become int32 (found 0.5); " +
        "allowed: whole numbers from -2147483648 to 2147483647.",
    );
  });
});
