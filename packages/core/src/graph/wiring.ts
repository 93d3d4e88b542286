import { UnderpaintError } from "../errors.js";
import type { GraphNode, GraphPort, OnnxGraph } from "./graph.js";

/** An input of an operator: the operator, and which of its inputs. */
export interface Use {
  readonly node: GraphNode;
  readonly input: number;
}

/** How the operators of a graph hang together. */
export interface Wiring {
  /** The operator that gives a value. Weights and inputs of the graph have none. */
  readonly producers: ReadonlyMap<string, GraphNode>;
  /** Where a value is used. Uses by graphs inside of operators and as outputs are not among them. */
  readonly uses: ReadonlyMap<string, readonly Use[]>;
  /** An order in which the operators can be computed. */
  readonly order: readonly GraphNode[];
}

/** What of a graph {@link wireGraph} looks at. */
export type Wirable = Pick<OnnxGraph, "label" | "nodes" | "sparseInitializers"> & {
  readonly inputs: readonly Pick<GraphPort, "name">[];
  readonly outputs: readonly Pick<GraphPort, "name">[];
  readonly initializers: { has(name: string): boolean };
};

/**
 * Connects a graph's operators by the names of their values, in time linear in their number.
 *
 * @throws UnderpaintError `model-invalid` where two things give one value, a value is used that
 * nothing gives, or operators need each other in a circle.
 */
export function wireGraph(graph: Wirable): Wiring {
  const { nodes, initializers, sparseInitializers } = graph;

  function broken(why: string): never {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${graph.label} is no sound ONNX graph: ${why}`,
      remedy: "fetch the file again, or export it anew",
    });
  }

  const inputs = new Set<string>();
  for (const { name } of graph.inputs) {
    if (inputs.has(name)) broken(`two of its inputs are called ${shown(name)}`);
    inputs.add(name);
  }
  const isConstant = (name: string): boolean =>
    initializers.has(name) || sparseInitializers.has(name);

  const producers = new Map<string, GraphNode>();
  for (const node of nodes) {
    for (const name of node.outputs) {
      if (name === "") continue;
      if (producers.has(name) || inputs.has(name) || isConstant(name)) {
        broken(`${describe(node)} gives ${shown(name)}, which is there already`);
      }
      producers.set(name, node);
    }
  }

  const uses = new Map<string, Use[]>();
  const waiting = new Uint32Array(nodes.length);
  const dependents: GraphNode[][] = nodes.map(() => []);
  for (const node of nodes) {
    node.inputs.forEach((name, input) => {
      if (name === "") return;
      depend(node, name);
      const list = uses.get(name);
      if (list) list.push({ node, input });
      else uses.set(name, [{ node, input }]);
    });
    for (const name of node.captured) depend(node, name);
  }
  function depend(node: GraphNode, name: string): void {
    const producer = producers.get(name);
    if (producer) {
      dependents[producer.index]!.push(node);
      waiting[node.index]!++;
    } else if (!inputs.has(name) && !isConstant(name)) {
      broken(`${describe(node)} uses ${shown(name)}, which nothing gives`);
    }
  }
  for (const { name } of graph.outputs) {
    if (producers.has(name) || inputs.has(name) || isConstant(name)) continue;
    broken(`its output ${shown(name)} is given by nothing`);
  }

  const order = nodes.filter(({ index }) => waiting[index] === 0);
  for (let place = 0; place < order.length; place++) {
    const { index } = order[place]!;
    for (const node of dependents[index]!) if (--waiting[node.index]! === 0) order.push(node);
  }
  if (order.length < nodes.length) {
    const stuck = nodes.find(({ index }) => waiting[index]! > 0)!;
    broken(`${describe(stuck)} needs, by way of others, what it gives itself`);
  }
  return { producers, uses, order };
}

/** A node as errors call it. */
export function describe({ op, name, index }: Pick<GraphNode, "op" | "name" | "index">): string {
  return `the operator ${op || "without a type"} ${name === "" ? `no. ${index}` : shown(name)}`;
}

function shown(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 79)}…` : name);
}
