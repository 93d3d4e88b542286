import { describe, expect, it } from "vitest";
import type { DeviceTensor, TensorSpec } from "../backend/contract.js";
import { isUnderpaintError } from "../errors.js";
import { floatTensor, tensor } from "../tensor/tensor.js";
import { floatFeed, idsFeed, readFloats, timestepFeed } from "./feeds.js";

function spec(type: string, ...dims: (number | string)[]): TensorSpec {
  return { name: "x", type, dims };
}

describe("timestepFeed", () => {
  it.each([
    [spec("float32"), [], Float32Array.of(856.5)],
    [spec("float16"), [], Uint16Array.of(0x62b1)],
    [spec("int64"), [], BigInt64Array.of(856n)],
    [spec("int32"), [], Int32Array.of(856)],
    [spec("float32", 1), [1], Float32Array.of(856.5)],
    [spec("int64", 1), [1], BigInt64Array.of(856n)],
    [spec("int64", 2), [2], BigInt64Array.of(856n, 856n)],
    [spec("int64", "batch"), [3], BigInt64Array.of(856n, 856n, 856n)],
    [spec("int64", "steps"), [1], BigInt64Array.of(856n)],
    [spec("int64", ""), [1], BigInt64Array.of(856n)],
  ])("gives %j what it takes", (port, dims, data) => {
    const feed = timestepFeed(port, 856.5, 3, "batch");
    expect(feed).toEqual({ type: port.type, dims, data });
  });

  it("cuts the fraction off for integers, and rounds it for none", () => {
    expect(timestepFeed(spec("int64"), 999.9999, 1, "b").data).toEqual(BigInt64Array.of(999n));
    expect(timestepFeed(spec("int32"), 0.75, 1, "b").data).toEqual(Int32Array.of(0));
  });
});

describe("floatFeed and idsFeed", () => {
  const value = floatTensor([1, 2], Float32Array.of(1, -2));

  it("cast to the graph's type", () => {
    expect(floatFeed("g", spec("float32", "b", 2), value)).toBe(value);
    const half = tensor("float16", [1, 2], Uint16Array.of(0x3c00, 0xc000));
    expect(floatFeed("g", spec("float16", "b", 2), value)).toEqual(half);
    const ids = tensor("int32", [1, 2], Int32Array.of(49406, 49407));
    expect(idsFeed("g", spec("int32", "b", 2), ids)).toBe(ids);
    const long = tensor("int64", [1, 2], BigInt64Array.of(49406n, 49407n));
    expect(idsFeed("g", spec("int64", "b", 2), ids)).toEqual(long);
  });

  it.each([[spec("float32", "b", 3)], [spec("float32", 2, 2)], [spec("float32", "b")]])(
    "refuse a shape that %j does not take",
    (port) => {
      let error: unknown;
      try {
        floatFeed("unet/model.onnx", port, value);
      } catch (caught) {
        error = caught;
      }
      expect(isUnderpaintError(error, "invalid-request")).toBe(true);
      expect(String(error)).toContain("unet/model.onnx cannot be given this shape");
    },
  );

  it("take any shape where the graph tells none", () => {
    expect(floatFeed("g", spec("float32"), value)).toBe(value);
  });
});

describe("readFloats", () => {
  it("widens halves", async () => {
    const half = tensor("float16", [2], Uint16Array.of(0x3c00, 0xc000));
    expect(await readFloats(half)).toEqual(floatTensor([2], Float32Array.of(1, -2)));
  });

  it("downloads what is on a device, and gives it back", async () => {
    let disposed = 0;
    const device: DeviceTensor = {
      location: "device",
      type: "float32",
      dims: [1],
      download: async () => floatTensor([1], Float32Array.of(5)),
      dispose: () => {
        disposed++;
      },
    };
    expect(await readFloats(device)).toEqual(floatTensor([1], Float32Array.of(5)));
    expect(disposed).toBe(1);
  });
});
