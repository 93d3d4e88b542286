import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { message, onnxGraph } from "../backend/fakes/onnx-graph.js";
import { isUnderpaintError } from "../errors.js";
import { bytesRange } from "./byte-range.js";
import { freshNames, type GraphEdits } from "./edits.js";
import { computed } from "./fakes/exports.js";
import { conditional, smallUNet } from "./fakes/small-unet.js";
import type { OnnxGraph } from "./graph.js";
import { outlineGraph } from "./outline.js";
import { applyPatch, patchGraph } from "./patch.js";
import { readGraphBytes } from "./read-graph.js";

const x = { name: "x", type: "float32", dims: ["n", 2] } as const;
const y = { ...x, name: "y" };

/** y = |exp(−x · w)| */
const plain = onnxGraph({
  inputs: [x],
  outputs: [y],
  nodes: [
    { op: "Mul", inputs: ["x", "w"], outputs: ["a"] },
    { op: "Neg", inputs: ["a"], outputs: ["b"] },
    { op: "Exp", inputs: ["b"], outputs: ["c"] },
    { op: "Abs", inputs: ["c"], outputs: ["y"] },
  ],
  constants: [{ name: "w", dims: [2], values: Float32Array.of(2, 3) }],
});

type Edit = (graph: OnnxGraph) => GraphEdits;

async function patched(bytes: Uint8Array, edit: Edit): Promise<Uint8Array> {
  const graph = readGraphBytes(bytes);
  const range = bytesRange(bytes);
  const patch = await patchGraph(range, graph, edit(graph));
  // The other way to write the same edits.
  const outline = await outlineGraph(range, graph, edit(graph), {
    locate: (file) => file ?? "whole.onnx",
    fromBytes: 4,
  });
  const [one, other] = [applyPatch(bytes, patch), outline].map((file) => readGraphBytes(file));
  const names = ({ nodes, inputs, outputs, initializers }: OnnxGraph) => ({
    nodes: nodes.map(({ op, inputs, outputs, attributes }) => [op, inputs, outputs, attributes]),
    inputs,
    outputs,
    initializers: [...initializers.keys()].sort(),
  });
  expect(names(other!)).toEqual(names(one!));
  return applyPatch(bytes, patch);
}

async function outputs(bytes: Uint8Array, feeds: Record<string, number[]>) {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const tensors = Object.fromEntries(
    Object.entries(feeds).map(([name, values]) => [
      name,
      new ort.Tensor("float32", Float32Array.from(values), [values.length / 2, 2]),
    ]),
  );
  const result = await session.run(tensors);
  await session.release();
  return Object.fromEntries(
    Object.entries(result).map(([name, { data }]) => [name, [...(data as Float32Array)]]),
  );
}

function nodeOf(graph: OnnxGraph, op: string) {
  return graph.nodes.find((node) => node.op === op)!;
}

const close = (values: number[]) => values.map((value) => expect.closeTo(value, 5));

describe("patchGraph", () => {
  it("adds an input between two operators, in few bytes and a short tail", async () => {
    const edit: Edit = (graph) => ({
      rewired: [{ node: nodeOf(graph, "Neg"), input: 0, to: "sum" }],
      nodes: [{ op: "Add", inputs: ["a", "r"], outputs: ["sum"] }],
      inputs: [{ ...x, name: "r" }],
    });
    const bytes = await patched(plain, edit);
    const feeds = { x: [1, 0], r: [0, 1] };
    expect((await outputs(bytes, feeds)).y).toEqual(close([Math.exp(-2), Math.exp(-1)]));

    const graph = readGraphBytes(plain);
    const { replaced, tail } = await patchGraph(bytesRange(plain), graph, edit(graph));
    expect(replaced.map(({ bytes }) => bytes.length)).toEqual([1]);
    expect(tail.length).toBeLessThan(100);
  });

  it("makes a value an output, and gives it another name", async () => {
    const bytes = await patched(plain, (graph) => ({
      rewired: [
        { node: nodeOf(graph, "Mul"), output: 0, to: "kept" },
        { node: nodeOf(graph, "Neg"), input: 0, to: "kept" },
      ],
      outputs: [{ ...x, name: "kept" }],
    }));
    expect(await outputs(bytes, { x: [1, 1] })).toEqual({
      y: close([Math.exp(-2), Math.exp(-3)]),
      kept: [2, 3],
    });
  });

  it("removes operators, and adds others with attributes and constants", async () => {
    const bytes = await patched(plain, (graph) => ({
      removed: [nodeOf(graph, "Exp")],
      nodes: [
        { op: "Clip", inputs: ["b", "low", ""], outputs: ["d"] },
        {
          op: "Concat",
          inputs: ["d", "more"],
          outputs: ["e"],
          attributes: [{ name: "axis", int: -1 }],
        },
        {
          op: "ReduceSum",
          inputs: ["e", "axes"],
          outputs: ["c"],
          attributes: [{ name: "keepdims", int: 1 }],
        },
      ],
      initializers: [
        {
          name: "low",
          type: "float32",
          dims: [],
          data: new Uint8Array(Float32Array.of(-2.5).buffer),
        },
        {
          name: "more",
          type: "float32",
          dims: [1, 1],
          data: new Uint8Array(Float32Array.of(-4).buffer),
        },
        {
          name: "axes",
          type: "int64",
          dims: [1],
          data: new Uint8Array(BigInt64Array.of(-1n).buffer),
        },
      ],
    }));
    expect((await outputs(bytes, { x: [1, 1] })).y).toEqual([2 + 2.5 + 4]);
  });

  it("replaces a constant", async () => {
    const data = new Uint8Array(Float32Array.of(-1, 5).buffer);
    const bytes = await patched(plain, () => ({
      initializers: [{ name: "w", type: "float32", dims: [2], data }],
    }));
    expect((await outputs(bytes, { x: [1, 1] })).y).toEqual(close([Math.exp(1), Math.exp(-5)]));
  });

  it("adds operators of another domain", async () => {
    const bytes = await patched(plain, (graph) => ({
      removed: [nodeOf(graph, "Exp")],
      nodes: [{ op: "Gelu", domain: "com.microsoft", inputs: ["b"], outputs: ["c"] }],
      opsets: { "com.microsoft": 1, "": 17 },
    }));
    // gelu(v) = v · Φ(v), and Φ(−2) = 0.0227501, Φ(−3) = 0.0013499.
    expect((await outputs(bytes, { x: [1, 1] })).y).toEqual(close([0.0455003, 0.0040497]));
  });

  it("can be repeated", async () => {
    const add =
      (op: string, name: string): Edit =>
      (graph) => ({
        rewired: [{ node: nodeOf(graph, op), input: 0, to: `${name}_sum` }],
        nodes: [
          { op: "Add", inputs: [nodeOf(graph, op).inputs[0]!, name], outputs: [`${name}_sum`] },
        ],
        inputs: [{ ...x, name }],
      });
    const twice = await patched(await patched(plain, add("Neg", "r")), add("Neg", "s"));
    const feeds = { x: [1, 0], r: [0, 1], s: [1, 1] };
    expect((await outputs(twice, feeds)).y).toEqual(close([Math.exp(-3), Math.exp(-2)]));
    expect(readGraphBytes(twice).places).toHaveLength(3);
  });

  it("keeps what an operator has besides its inputs: attributes, branches", async () => {
    const branched = new Uint8Array([
      ...onnxGraph({
        inputs: [{ name: "go", type: "bool", dims: [] }, x],
        outputs: [y],
        nodes: [{ op: "Not", inputs: ["go"], outputs: ["no"] }],
      }),
      ...message(7, conditional("go", "x", "y")),
    ]);
    const bytes = await patched(branched, (graph) => ({
      rewired: [{ node: nodeOf(graph, "If"), input: 0, to: "no" }],
    }));
    const go = new ort.Tensor("bool", Uint8Array.of(1), []);
    const value = new ort.Tensor("float32", Float32Array.of(1, 2), [1, 2]);
    const [found] = await computed({ bytes, externalData: [] }, { go, x: value });
    expect([...found!.numbers]).toEqual([-1, -2]);
  });

  it("reads and writes tags that take more bytes than they must", async () => {
    // The same file, each operator's tag in three bytes: 10 as 138, 128, 0.
    const widened = (bytes: Uint8Array): Uint8Array => {
      const { nodes, places } = readGraphBytes(bytes);
      const inside: number[] = [];
      let at = places[0]!.content;
      for (const { record } of nodes) {
        inside.push(...bytes.subarray(at, record.start), 138, 128, 0);
        at = record.start + 1;
      }
      inside.push(...bytes.subarray(at, places[0]!.end));
      const [before, after] = [bytes.subarray(0, places[0]!.start), bytes.subarray(places[0]!.end)];
      return new Uint8Array([...before, ...message(7, Uint8Array.from(inside)), ...after]);
    };
    const bytes = await patched(widened(plain), (graph) => ({
      removed: [nodeOf(graph, "Exp")],
      nodes: [{ op: "Identity", inputs: ["b"], outputs: ["c"] }],
    }));
    expect((await outputs(bytes, { x: [1, 1] })).y).toEqual([2, 3]);
  });

  const other = readGraphBytes(smallUNet());
  it.each<[string, Edit, RegExp]>([
    [
      "an operator of another graph",
      () => ({ removed: [other.nodes[0]!] }),
      /an operator of another graph/,
    ],
    [
      "an input that is not there",
      ({ nodes }) => ({ rewired: [{ node: nodes[0]!, input: 2, to: "x" }] }),
      /allowed: 0 to 1/,
    ],
    [
      "a value from nowhere",
      ({ nodes }) => ({ rewired: [{ node: nodes[1]!, input: 0, to: "z" }] }),
      /as edited, .*uses "z", which nothing gives/,
    ],
    [
      "a circle",
      ({ nodes }) => ({ rewired: [{ node: nodes[0]!, input: 0, to: "c" }] }),
      /needs, by way of others/,
    ],
    [
      "an input of a taken name",
      () => ({ inputs: [{ ...x, name: "b" }] }),
      /gives "b", which is there already/,
    ],
    ["an unknown type", () => ({ inputs: [{ ...x, name: "r", type: "float12" }] }), /"float12"/],
    ["another version of operators", () => ({ opsets: { "": 21 } }), /changes the version/],
  ])("refuses %s", async (_, edit, message) => {
    const graph = readGraphBytes(plain);
    const error = await patchGraph(bytesRange(plain), graph, edit(graph)).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(isUnderpaintError(error, "invalid-request")).toBe(true);
    expect((error as Error).message).toMatch(message);
  });

  it("refuses what protobuf could not read", async () => {
    const graph = { ...readGraphBytes(plain), size: 2 ** 31 - 10 };
    await expect(
      patchGraph(bytesRange(plain), graph, { inputs: [{ ...x, name: "r" }] }),
    ).rejects.toThrow(/too large for its format/);
  });
});

describe("freshNames", () => {
  it("gives no name twice, nor one of the graph's", () => {
    const fresh = freshNames(readGraphBytes(plain));
    expect([fresh("a"), fresh("a"), fresh("x"), fresh("w"), fresh("new"), fresh("new")]).toEqual([
      "a_2",
      "a_3",
      "x_2",
      "w_2",
      "new",
      "new_2",
    ]);
  });
});
