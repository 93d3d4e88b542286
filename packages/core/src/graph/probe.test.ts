import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { type Node, onnxGraph, type Port } from "../backend/fakes/onnx-graph.js";
import { elementCount } from "../tensor/tensor.js";
import { bytesRange } from "./byte-range.js";
import { exportOf } from "./fakes/exports.js";
import type { GraphPort } from "./graph.js";
import { applyPatch, patchGraph } from "./patch.js";
import { probeGraph } from "./probe.js";
import { readGraphBytes } from "./read-graph.js";
import { wireGraph } from "./wiring.js";

const sizes: Readonly<Record<string, readonly number[]>> = {
  sample: [2, 4, 16, 24],
  timestep: [],
  encoder_hidden_states: [2, 7, 8],
  text_embeds: [2, 8],
  time_ids: [2, 6],
};

function sizesOf({ name, dims }: GraphPort): readonly number[] {
  return dims.map((size, axis) => (typeof size === "number" ? size : sizes[name]![axis]!));
}

function zeros({ type }: GraphPort, dims: readonly number[]): ort.Tensor {
  const count = elementCount(dims);
  if (type === "float32") return new ort.Tensor(type, new Float32Array(count), dims);
  if (type === "float16") return new ort.Tensor(type, new Uint16Array(count), dims);
  return new ort.Tensor("int64", new BigInt64Array(count), dims);
}

/** What the probe knows of every value, against what the runtime gives for each. */
async function compared(
  bytes: Uint8Array,
  externalData: { path: string; data: Uint8Array }[],
): Promise<{ known: number; all: number }> {
  const graph = readGraphBytes(bytes);
  const probed = probeGraph(graph, wireGraph(graph), sizesOf);
  const already = new Set(graph.outputs.map(({ name }) => name));
  const names = graph.nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== "");
  const known = names.filter((name) => probed.get(name)?.dims && probed.get(name)?.type);
  const outputs = known
    .filter((name) => !already.has(name))
    .map((name) => ({ name, type: probed.get(name)!.type!, dims: probed.get(name)!.dims! }));
  // The runtime refuses outputs of another type than they have.
  const patch = await patchGraph(bytesRange(bytes), graph, { outputs });
  const session = await ort.InferenceSession.create(applyPatch(bytes, patch), {
    logSeverityLevel: 4,
    graphOptimizationLevel: "disabled",
    ...(externalData.length > 0 && { externalData }),
  });
  const feeds = Object.fromEntries(
    graph.inputs.map((port) => [port.name, zeros(port, sizesOf(port))]),
  );
  const results = await session.run(feeds);
  await session.release();
  for (const name of known) {
    const { dims, data } = results[name]!;
    const { dims: expected, values } = probed.get(name)!;
    expect([name, dims]).toEqual([name, expected]);
    if (values && results[name]!.type !== "float16") {
      expect([name, [...(data as Float32Array)].map(Number)]).toEqual([name, values]);
    }
  }
  return { known: known.length, all: names.length };
}

describe("probeGraph", () => {
  it.each([
    "torchscript-fp32",
    "dynamo-fp32",
    "torchscript-fp16-external",
    "xl-torchscript",
    "xl-dynamo",
  ])("knows the shape, type and small numbers of every value: %s", async (name) => {
    const { bytes, externalData } = exportOf(name);
    const { known, all } = await compared(bytes, [...externalData]);
    expect(known).toBe(all);
  });

  it("does of the embedded model's network", async () => {
    const file = new URL("../../../starter/model/unet/model.onnx", import.meta.url);
    const { known, all } = await compared(new Uint8Array(readFileSync(file)), []);
    expect(known / all).toBeGreaterThan(0.99);
  });

  const x: Port = { name: "x", type: "float32", dims: [2, 6, 8, 10] };
  const numbers = (name: string, ...values: number[]) => ({
    name,
    dims: [values.length],
    values: BigInt64Array.from(values, BigInt),
  });
  const floats = (name: string, ...values: number[]) => ({
    name,
    dims: [values.length],
    values: Float32Array.from(values),
  });
  const w = { name: "w", dims: [6, 2, 3, 5], values: new Float32Array(180) };
  const node = (
    op: string,
    inputs: string[],
    attributes: Node["attributes"] = {},
    outputs = ["y"],
  ): Node => ({
    op,
    inputs,
    outputs,
    attributes,
  });
  it.each<[string, Node[], Parameters<typeof onnxGraph>[0]["constants"]?]>([
    [
      "Conv",
      [
        node("Conv", ["x", "w"], {
          group: 3,
          strides: [2, 3],
          dilations: [2, 1],
          pads: [1, 2, 3, 0],
        }),
      ],
      [w],
    ],
    [
      "ConvTranspose",
      [
        node("ConvTranspose", ["x", "w"], {
          group: 2,
          strides: [2, 3],
          output_padding: [1, 2],
          pads: [1, 0, 0, 1],
        }),
      ],
      [w],
    ],
    [
      "AveragePool",
      [node("AveragePool", ["x"], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 })],
    ],
    ["MaxPool", [node("MaxPool", ["x"], { kernel_shape: [2, 3], strides: [2, 2] })]],
    ["GlobalAveragePool", [node("GlobalAveragePool", ["x"])]],
    ["SpaceToDepth", [node("SpaceToDepth", ["x"], { blocksize: 2 })]],
    ["DepthToSpace", [node("DepthToSpace", ["x"], { blocksize: 1 })]],
    ["Resize by scales", [node("Resize", ["x", "", "s"])], [floats("s", 1, 1, 2, 1.5)]],
    ["Resize to sizes", [node("Resize", ["x", "", "", "s"])], [numbers("s", 2, 6, 5, 7)]],
    ["Pad", [node("Pad", ["x", "p"])], [numbers("p", 0, 1, 2, 0, 0, 0, 1, 3)]],
    [
      "Slice with a step",
      [node("Slice", ["x", "a", "b", "axes", "step"])],
      [numbers("a", -1, 1), numbers("b", -9, 100), numbers("axes", 2, 3), numbers("step", -2, 3)],
    ],
    [
      "Slice of all axes",
      [node("Slice", ["x", "a", "b"])],
      [numbers("a", 0, 2), numbers("b", 1, -1)],
    ],
    ["Split", [node("Split", ["x", "s"], { axis: 1 }, ["y", "z"])], [numbers("s", 2, 4)]],
    ["Split evenly", [node("Split", ["x"], { axis: -1 }, ["y", "z"])]],
    ["Reshape", [node("Reshape", ["x", "s"])], [numbers("s", 0, -1, 5)]],
    ["Flatten", [node("Flatten", ["x"], { axis: 2 })]],
    ["Transpose", [node("Transpose", ["x"], { perm: [0, 2, 3, 1] })]],
    ["Transpose of all axes", [node("Transpose", ["x"])]],
    ["Unsqueeze", [node("Unsqueeze", ["x", "a"])], [numbers("a", 0, -1)]],
    [
      "Squeeze",
      [node("Unsqueeze", ["x", "a"], {}, ["u"]), node("Squeeze", ["u"])],
      [numbers("a", 2)],
    ],
    [
      "Squeeze of one axis",
      [node("Unsqueeze", ["x", "a"], {}, ["u"]), node("Squeeze", ["u", "a"])],
      [numbers("a", 2)],
    ],
    ["Concat", [node("Concat", ["x", "x"], { axis: -2 })]],
    ["Gather", [node("Gather", ["x", "i"], { axis: 2 })], [numbers("i", 1, 2, 0)]],
    [
      "Gather of a shape",
      [node("Shape", ["x"], { start: 1 }, ["s"]), node("Gather", ["s", "i"])],
      [numbers("i", -1, 0)],
    ],
    [
      "Expand",
      [node("Slice", ["x", "zero", "one"], {}, ["u"]), node("Expand", ["u", "s"])],
      [numbers("zero", 0), numbers("one", 1), numbers("s", 3, 1, 1, 1)],
    ],
    ["Tile", [node("Tile", ["x", "r"])], [numbers("r", 1, 2, 1, 3)]],
    [
      "Gemm",
      [node("Gemm", ["m", "n"], { transB: 1 })],
      [
        { name: "m", dims: [3, 4], values: new Float32Array(12) },
        { name: "n", dims: [5, 4], values: new Float32Array(20) },
      ],
    ],
    [
      "MatMul",
      [node("MatMul", ["x", "m"])],
      [{ name: "m", dims: [10, 4], values: new Float32Array(40) }],
    ],
    ["ReduceMean", [node("ReduceMean", ["x"], { axes: [1, -1], keepdims: 0 })]],
    ["ReduceSum of all", [node("ReduceSum", ["x"])]],
    [
      "ReduceProd of a shape",
      [node("Shape", ["x"], {}, ["s"]), node("ReduceProd", ["s"], { keepdims: 0 })],
    ],
    ["ConstantOfShape", [node("Shape", ["x"], {}, ["s"]), node("ConstantOfShape", ["s"])]],
    [
      "Range",
      [node("Range", ["a", "b", "c"])],
      ["a", "b", "c"].map((name, i) => ({
        name,
        dims: [],
        values: BigInt64Array.of([1n, 12n, 4n][i]!),
      })),
    ],
    [
      "arithmetic on shapes",
      [
        node("Shape", ["x"], {}, ["s"]),
        node("Div", ["s", "three"], {}, ["d"]),
        node("Mul", ["d", "s"], {}, ["p"]),
        node("Sub", ["p", "three"], {}, ["q"]),
        node("Mod", ["q", "three"], {}, ["r"]),
        node("Max", ["r", "p"]),
      ],
      [numbers("three", 3)],
    ],
    [
      "a choice",
      [
        node("Shape", ["x"], {}, ["s"]),
        node("Equal", ["s", "six"], {}, ["e"]),
        node("Where", ["e", "minus", "s"]),
      ],
      [numbers("six", 6), numbers("minus", -1)],
    ],
    [
      "casts",
      [
        node("Shape", ["x"], {}, ["s"]),
        node("Cast", ["s"], { to: 1 }, ["f"]),
        node("Div", ["f", "s3"], {}, ["g"]),
        node("Floor", ["g"], {}, ["h"]),
        node("Cast", ["h"], { to: 7 }),
      ],
      [floats("s3", 3)],
    ],
  ])("follows %s as the runtime does", async (_, nodes, constants = []) => {
    const last = nodes.at(-1)!.outputs;
    const bytes = onnxGraph({ inputs: [x], outputs: [], nodes, constants });
    // Every value is made an output by the comparison itself.
    expect(last).toContain("y");
    const { known, all } = await compared(bytes, []);
    expect(known).toBe(all);
  });
});
