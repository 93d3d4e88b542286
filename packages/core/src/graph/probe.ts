import type { GraphPort, OnnxGraph } from "./graph.js";
import { type Probed, type ProbedNode, unknown } from "./probe-node.js";
import { rules } from "./probe-rules.js";
import type { Wiring } from "./wiring.js";

export type { Probed } from "./probe-node.js";

/**
 * The shapes and element types that the values of a graph have when its inputs have the given ones:
 * found by following shapes, not by computing. Small constants and the arithmetic on shapes are
 * followed by their numbers, since exporters compute shapes in the graph.
 *
 * What an operator without a rule gives is unknown, and is not in the map; where it is then added to
 * something known, the sum is taken to have the known one's shape. Linear in the number of nodes.
 *
 * @param inputs the shape of an input; undefined leaves it unknown.
 */
export function probeGraph(
  graph: OnnxGraph,
  wiring: Wiring,
  inputs: (port: GraphPort) => readonly number[] | undefined,
): ReadonlyMap<string, Probed> {
  const found = new Map<string, Probed>();
  for (const { name, type, dims, values } of graph.initializers.values()) {
    found.set(name, { type, dims, values });
  }
  for (const port of graph.inputs) {
    found.set(port.name, { type: port.type, dims: inputs(port), values: undefined });
  }
  for (const node of wiring.order) {
    const rule = rules[node.op];
    if (!rule) continue;
    const probed: ProbedNode = {
      node,
      opset: graph.opsets.get("") ?? 0,
      input: (index) => found.get(node.inputs[index] ?? "") ?? unknown,
    };
    const results = rule(probed);
    node.outputs.forEach((name, index) => {
      const result = results[index];
      if (result && name !== "") found.set(name, checked(result));
    });
  }
  return found;
}

const mostAxes = 32;

/** Leaves out shapes that cannot be, which only a broken graph gives. */
function checked({ type, dims, values }: Probed): Probed {
  const isSound =
    dims !== undefined &&
    dims.length <= mostAxes &&
    dims.every((size) => Number.isSafeInteger(size) && size >= 0);
  return isSound ? { type, dims, values } : { type, dims: undefined, values: undefined };
}
