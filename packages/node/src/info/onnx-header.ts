import { elementBytes, type GraphPort, readGraph } from "@underpaint/core";
import { openRange } from "../graph/graph-files.js";

/** What a graph's file tells without its weights being read. */
export interface OnnxHeader {
  readonly inputs: readonly GraphPort[];
  readonly outputs: readonly GraphPort[];
  /** Bytes of weights by element type; those that lie in other files included. */
  readonly weights: Readonly<Record<string, number>>;
  /** "pytorch 2.9" and the like; "" where the file does not say. */
  readonly producer: string;
  /** The version of the operators. */
  readonly opset: number | undefined;
}

/**
 * Reads what an ONNX file says of itself: inputs, outputs, and the types of its weights. Weights
 * and operators are stepped over without being read, so that a file of gigabytes takes
 * milliseconds.
 *
 * @throws UnderpaintError `model-invalid` for a file that is no ONNX graph, or is cut off.
 */
export async function readOnnxHeader(path: string, label: string): Promise<OnnxHeader> {
  const file = await openRange(path);
  try {
    const graph = await readGraph(file, { label, nodes: false });
    const { inputs, outputs, producer, opsets } = graph;
    const weights: Record<string, number> = {};
    for (const { type, dims } of graph.initializers.values()) {
      const count = dims.reduce((product, size) => product * size, 1);
      weights[type] = (weights[type] ?? 0) + (elementBytes(type, count) ?? 0);
    }
    return { inputs, outputs, weights, producer, opset: opsets.get("") };
  } finally {
    await file.close();
  }
}
