import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import ndarray from "ndarray";
import { describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { fromNdarray, toNdarray } from "./ndarray-view.js";
import { elementCount, type FloatTensor, floatTensor, tensor } from "./tensor.js";

/** A latent whose element at [n, c, h, w] is the number nchw in decimal. */
function latent(n: number, c: number, h: number, w: number): FloatTensor {
  const data = new Float32Array(n * c * h * w);
  let i = 0;
  for (let a = 0; a < n; a++)
    for (let b = 0; b < c; b++)
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++) data[i++] = a * 1000 + b * 100 + y * 10 + x;
  return floatTensor([n, c, h, w], data);
}

const invalid = expect.toSatisfy((error) => isUnderpaintError(error, "invalid-request"));

describe("toNdarray", () => {
  it("shares the tensor's memory, both ways", () => {
    const source = latent(2, 4, 3, 5);
    const view = toNdarray(source);
    expect(view.shape).toEqual([2, 4, 3, 5]);
    expect(view.dtype).toBe("float32");
    expect(view.data).toBe(source.data);
    expect(view.get(1, 3, 2, 4)).toBe(1324);
    view.set(0, 1, 0, 2, -7);
    expect(source.data[17]).toBe(-7);
  });

  it("slices, transposes, steps and picks without copying", () => {
    const source = latent(2, 4, 3, 5);
    const view = toNdarray(source);
    const slice = view.lo(0, 1, 1, 2).hi(1, 2, 2, 3);
    expect([slice.get(0, 0, 0, 0), slice.get(0, 1, 1, 2)]).toEqual([112, 224]);
    const channelsLast = view.transpose(0, 2, 3, 1);
    expect(channelsLast.shape).toEqual([2, 3, 5, 4]);
    expect(channelsLast.get(1, 2, 4, 3)).toBe(1324);
    const mirrored = view.step(1, 1, 1, -1);
    expect(mirrored.get(0, 0, 0, 0)).toBe(4);
    const channel = view.pick(1, 2, null, null);
    expect(channel.shape).toEqual([3, 5]);
    channel.set(0, 0, 0.5);
    expect(source.data[(4 + 2) * 15]).toBe(0.5);
  });

  it("shows each type, halves as their bits", () => {
    expect(toNdarray(tensor("float16", [1], Uint16Array.of(0x3c00))).get(0)).toBe(0x3c00);
    expect(toNdarray(tensor("int32", [1], Int32Array.of(-3))).get(0)).toBe(-3);
    expect(toNdarray(tensor("int64", [1], BigInt64Array.of(2n ** 60n))).get(0)).toBe(2n ** 60n);
  });

  it("takes a scalar", () => {
    expect(toNdarray(floatTensor([], Float32Array.of(4))).get()).toBe(4);
  });
});

describe("fromNdarray", () => {
  it("copies a whole view", () => {
    const source = latent(1, 2, 2, 3);
    const back = fromNdarray(toNdarray(source));
    expect(back).toEqual(source);
    expect(back.data.buffer).not.toBe(source.data.buffer);
  });

  it("lays slices, transposes and steps out contiguously", () => {
    const view = toNdarray(latent(2, 4, 3, 5));
    expect(fromNdarray(view.lo(1, 2, 0, 1).hi(1, 1, 2, 2))).toEqual(
      floatTensor([1, 1, 2, 2], Float32Array.of(1201, 1202, 1211, 1212)),
    );
    expect(fromNdarray(view.pick(0, null, 1, null).transpose(1, 0).hi(2, 3))).toEqual(
      floatTensor([2, 3], Float32Array.of(10, 110, 210, 11, 111, 211)),
    );
    expect(fromNdarray(view.pick(1, 3).step(-2, 2))).toEqual(
      floatTensor([2, 3], Float32Array.of(1320, 1322, 1324, 1300, 1302, 1304)),
    );
    expect(fromNdarray(view.pick(0, 0, 2, 4))).toEqual(floatTensor([], Float32Array.of(24)));
  });

  it("agrees with ndarray's own get on every element of odd views", () => {
    const view = toNdarray(latent(2, 3, 4, 5));
    const odd = [
      view.transpose(3, 1, 0, 2).step(-1, 2, 1, -3),
      view.lo(1, 1, 1, 1).step(1, -1, 2, -2).transpose(2, 3, 0, 1),
      view.step(2, 2, 2, 2).lo(0, 1, 0, 1),
      view.hi(2, 0, 1, 1),
    ];
    for (const each of odd) {
      const copied = fromNdarray(each);
      expect(copied.dims).toEqual(each.shape);
      const expected: number[] = [];
      const [a = 0, b = 0, c = 0, d = 0] = each.shape;
      for (let i = 0; i < elementCount([a, b, c, d]); i++) {
        expected.push(
          each.get(
            Math.floor(i / (b * c * d)),
            Math.floor(i / (c * d)) % b,
            Math.floor(i / d) % c,
            i % d,
          ),
        );
      }
      expect([...copied.data]).toEqual(expected);
    }
  });

  it("repeats what a stride of 0 repeats", () => {
    const view = { data: Float32Array.of(1, 2), shape: [2, 3], stride: [1, 0], offset: 0 };
    expect([...fromNdarray(view).data]).toEqual([1, 1, 1, 2, 2, 2]);
  });

  it("takes its type from the array", () => {
    expect(fromNdarray(ndarray(Float64Array.of(0.1)))).toEqual(
      floatTensor([1], Float32Array.of(0.1)),
    );
    const half = tensor("float16", [2], Uint16Array.of(0x3c00, 0x7bff));
    expect(fromNdarray(toNdarray(half))).toEqual(half);
    const ids = tensor("int64", [1, 2], BigInt64Array.of(-1n, 2n ** 60n));
    expect(fromNdarray(toNdarray(ids))).toEqual(ids);
    expect(fromNdarray(ndarray(Int32Array.of(5))).type).toBe("int32");
  });

  it.each([new Uint8Array(1), [1], undefined, "1"])("refuses other data: %s", (data) => {
    const view = { data: data as unknown as Float32Array, shape: [1], stride: [1], offset: 0 };
    expect(() => fromNdarray(view)).toThrow(invalid);
  });

  it.each([
    { shape: [7], stride: [1], offset: 0 },
    { shape: [3], stride: [3], offset: 0 },
    { shape: [2], stride: [-1], offset: 0 },
    { shape: [1], stride: [1], offset: 6 },
    { shape: [2, 2], stride: [1], offset: 0 },
    { shape: [-1], stride: [1], offset: 0 },
    { shape: [1.5], stride: [1], offset: 0 },
    { shape: [2], stride: [Number.NaN], offset: 0 },
    { shape: [0], stride: [0.5], offset: 0 },
  ])("refuses a view that reaches out of its array: %j", (view) => {
    expect(() => fromNdarray({ data: new Float32Array(6), ...view })).toThrow(invalid);
  });
});

describe("under a Content-Security-Policy without unsafe-eval", () => {
  /** What a script prints in a Node whose engine refuses to compile strings. */
  const strictly = (script: string): string => {
    const path = JSON.stringify(createRequire(import.meta.url).resolve("ndarray"));
    const program = `const ndarray = require(${path}); ${script}`;
    return execFileSync(
      process.execPath,
      ["--disallow-code-generation-from-strings", "-e", program],
      { encoding: "utf8" },
    );
  };

  it("ndarray loads, and fails only where a view is made", () => {
    expect(strictly("console.log(typeof ndarray)")).toBe("function\n");
    const makeView = "try { ndarray([1]) } catch (error) { console.log(error.name) }";
    expect(strictly(makeView)).toBe("EvalError\n");
  });
});
