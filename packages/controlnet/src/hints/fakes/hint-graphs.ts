import { createOrtBackend, type InferenceBackend } from "@underpaint/core";
import { memorySource, type OnnxPort, onnxGraph } from "@underpaint/testing";
import * as ort from "onnxruntime-node";

/** What runs the graphs of these tests: the real runtime. */
export function ortBackend(): InferenceBackend {
  return createOrtBackend({ ort, name: "onnxruntime-node/cpu" });
}

type Constant = NonNullable<Parameters<typeof onnxGraph>[0]["constants"]>[number];
type Node = Parameters<typeof onnxGraph>[0]["nodes"][number];

/** A model of one graph, with operators in the order given: [op, inputs, output]. */
export function hintModel(
  input: OnnxPort | readonly OnnxPort[],
  nodes: readonly (readonly [op: string, inputs: readonly string[], output: string])[],
  outputs: readonly OnnxPort[],
  constants: readonly Constant[] = [],
  files: Readonly<Record<string, string>> = {},
) {
  const graph = onnxGraph({
    inputs: Array.isArray(input) ? input : [input as OnnxPort],
    nodes: nodes.map(([op, inputs, output]): Node => ({ op, inputs, outputs: [output] })),
    outputs,
    constants,
  });
  return memorySource({ "model.onnx": graph, ...files });
}

/** [1, 3, height, width] of float32. */
export function picturePort(
  name = "pixel_values",
  height: number | string = "height",
  width: number | string = "width",
): OnnxPort {
  return { name, type: "float32", dims: ["batch", 3, height, width] };
}

/** Weights [n, 3, 1, 1] that mix red, green and blue. */
export function mixing(name: string, rows: readonly (readonly number[])[]): Constant {
  return { name, dims: [rows.length, 3, 1, 1], values: Float32Array.from(rows.flat()) };
}
