import {
  type FloatTensor,
  floatTensor,
  type Tensor,
  type TensorType,
  tensor,
} from "@underpaint/core";
import { type OnnxGraph, type OnnxPort, onnxGraph } from "../fakes/onnx-graph.js";

/** The weights of {@link productGraph}: 0, 1, …, 15 in 4 × 4. */
export const productWeights = Float32Array.from({ length: 16 }, (_, i) => i);

/** y = x · w, with w in the graph, or in a file beside it. */
export function productGraph(weightsFile?: string): Uint8Array {
  return onnxGraph(product({ values: weightsFile ?? productWeights }));
}

/** The same with two outputs: y, and z = −y. */
export function twoOutputsGraph(): Uint8Array {
  const graph = product({ values: productWeights });
  return onnxGraph({
    ...graph,
    outputs: [...graph.outputs, { name: "z", type: "float32", dims: ["rows", 4] }],
    nodes: [...graph.nodes, { op: "Neg", inputs: ["y"], outputs: ["z"] }],
  });
}

/** A graph of an operator that no runtime has. */
export function unknownOperatorGraph(): Uint8Array {
  const graph = product({ values: productWeights });
  const nodes = [{ op: "Frobnicate", inputs: ["x", "w"], outputs: ["y"] }];
  return onnxGraph({ ...graph, nodes });
}

function product({ values }: { values: Float32Array | string }): OnnxGraph {
  return {
    inputs: [{ name: "x", type: "float32", dims: ["rows", 4] }],
    outputs: [{ name: "y", type: "float32", dims: ["rows", 4] }],
    nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
    constants: [{ name: "w", dims: [4, 4], values }],
  };
}

/** What {@link productGraph} is fed: rows that follow from `k`. */
export function productFeed(k = 0): FloatTensor {
  return floatTensor([2, 4], Float32Array.of(1, 10, 100, 1000, k, k + 1, -k, 0.5));
}

/** What comes out, y. Whole numbers and halves: exact in whatever order they are added. */
export function productOf({ dims, data }: FloatTensor): FloatTensor {
  const product = data.map((_, i) => {
    const [row, column] = [Math.floor(i / 4), i % 4];
    return [0, 1, 2, 3].reduce(
      (sum, k) => sum + data[row * 4 + k]! * productWeights[k * 4 + column]!,
      0,
    );
  });
  return floatTensor(dims, product);
}

/** The types of inputs and outputs, and the dims, that graphs may have. */
export const specs: readonly OnnxPort[] = [
  { name: "latents", type: "float32", dims: ["batch", 4, "height", 8] },
  { name: "a_scalar", type: "float32", dims: [] },
];

/** A graph that hands each of its inputs on, as `out_…`. */
export function identityGraph(ports: readonly OnnxPort[]): Uint8Array {
  return onnxGraph({
    inputs: ports,
    outputs: ports.map((port) => ({ ...port, name: `out_${port.name}` })),
    nodes: ports.map(({ name }) => ({ op: "Identity", inputs: [name], outputs: [`out_${name}`] })),
  });
}

/** sum = a + b, elements of a type. */
export function sumGraph(type: TensorType): Uint8Array {
  const port = (name: string): OnnxPort => ({ name, type, dims: ["count"] });
  return onnxGraph({
    inputs: [port("a"), port("b")],
    outputs: [port("sum")],
    nodes: [{ op: "Add", inputs: ["a", "b"], outputs: ["sum"] }],
  });
}

/** What {@link sumGraph} is fed, and what comes out. */
export const sums: Readonly<Record<TensorType, readonly [a: Tensor, b: Tensor, sum: Tensor]>> = {
  float32: [
    tensor("float32", [3], Float32Array.of(1.5, 1, -2)),
    // 2^−24 is half of what a 1 can tell: it is rounded to even, away.
    tensor("float32", [3], Float32Array.of(-2, 2 ** -24, 2 ** -20)),
    tensor("float32", [3], Float32Array.of(-0.5, 1, -2 + 2 ** -20)),
  ],
  float16: [
    // 1.5, 2048, −2
    tensor("float16", [3], Uint16Array.of(0x3e00, 0x6800, 0xc000)),
    // −2, 1, 65504
    tensor("float16", [3], Uint16Array.of(0xc000, 0x3c00, 0x7bff)),
    // −0.5; 2049 lies between two halves and goes to the even one, 2048; 65504, as 65502 does
    tensor("float16", [3], Uint16Array.of(0xb800, 0x6800, 0x7bff)),
  ],
  int32: [
    tensor("int32", [3], Int32Array.of(7, 2 ** 31 - 2, -(2 ** 31))),
    tensor("int32", [3], Int32Array.of(-9, 1, 0)),
    tensor("int32", [3], Int32Array.of(-2, 2 ** 31 - 1, -(2 ** 31))),
  ],
  int64: [
    // More than a double tells apart.
    tensor("int64", [3], BigInt64Array.of(7n, 2n ** 53n, -(2n ** 63n))),
    tensor("int64", [3], BigInt64Array.of(-9n, 1n, 3n)),
    tensor("int64", [3], BigInt64Array.of(-2n, 2n ** 53n + 1n, -(2n ** 63n) + 3n)),
  ],
};
