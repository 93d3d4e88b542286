import type { ByteRange } from "./byte-range.js";
import type { GraphPort } from "./graph.js";
import { type ReadGraphOptions, readGraph } from "./read-graph.js";

/**
 * What a graph takes and gives, read off its file: no session is made, and neither weights nor
 * operators are read.
 *
 * @throws UnderpaintError `model-invalid` for a file that is no ONNX graph, or is cut short.
 */
export async function readGraphPorts(
  range: ByteRange,
  options: Omit<ReadGraphOptions, "nodes"> = {},
): Promise<{ readonly inputs: readonly GraphPort[]; readonly outputs: readonly GraphPort[] }> {
  const { inputs, outputs } = await readGraph(range, { ...options, nodes: false });
  return { inputs, outputs };
}
