import { UnderpaintError } from "../errors.js";
import type { NewNode, NewTensor } from "./encode.js";
import type { GraphNode, GraphPort, OnnxGraph } from "./graph.js";
import { wireGraph } from "./wiring.js";

export type { NewAttribute, NewNode, NewTensor } from "./encode.js";

/** What to change in a graph, as data: whoever wants a change makes a list, and the patch applies it. */
export interface GraphEdits {
  /**
   * Inputs of operators that take another value from now on, and outputs that get another name, by
   * their places in the operator's list.
   */
  readonly rewired?: readonly (
    | { readonly node: GraphNode; readonly input: number; readonly to: string }
    | { readonly node: GraphNode; readonly output: number; readonly to: string }
  )[];
  readonly removed?: readonly GraphNode[];
  readonly nodes?: readonly NewNode[];
  readonly inputs?: readonly GraphPort[];
  /** Values that become outputs as well. */
  readonly outputs?: readonly GraphPort[];
  /** Constants that are added, or take the place of those of their name. */
  readonly initializers?: readonly NewTensor[];
  /** Versions of operator sets that the graph does not have yet, by domain. */
  readonly opsets?: Readonly<Record<string, number>>;
}

/** A node after its edits. */
export interface RewiredNode {
  readonly node: GraphNode;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * The nodes that edits rewire, with their new inputs and outputs.
 *
 * @throws UnderpaintError `invalid-request` for edits that are not of this graph, or that leave a
 * graph whose operators do not fit together.
 */
export function rewiredNodes(graph: OnnxGraph, edits: GraphEdits): readonly RewiredNode[] {
  const changed = new Map<GraphNode, { inputs: string[]; outputs: string[] }>();
  for (const edit of edits.rewired ?? []) {
    const { node, to } = edit;
    if (graph.nodes[node.index] !== node) throw foreign(graph, node);
    const lists = changed.get(node) ?? { inputs: [...node.inputs], outputs: [...node.outputs] };
    changed.set(node, lists);
    const list = "input" in edit ? lists.inputs : lists.outputs;
    const place = "input" in edit ? edit.input : edit.output;
    if (!Number.isInteger(place) || place < 0 || place >= list.length) {
      throw new UnderpaintError({
        code: "invalid-request",
        what: `an edit of ${graph.label} rewires an input or output that its operator does not have`,
        value: place,
        allowed: `0 to ${list.length - 1}`,
      });
    }
    list[place] = to;
  }
  const removed = new Set(edits.removed);
  for (const node of removed) if (graph.nodes[node.index] !== node) throw foreign(graph, node);
  requireSound(graph, edits, changed, removed);
  return [...changed].flatMap(([node, lists]) => (removed.has(node) ? [] : { node, ...lists }));
}

/** Wires the graph up as it will be. */
function requireSound(
  graph: OnnxGraph,
  edits: GraphEdits,
  changed: ReadonlyMap<GraphNode, { inputs: string[]; outputs: string[] }>,
  removed: ReadonlySet<GraphNode>,
): void {
  const nodes: GraphNode[] = [];
  for (const node of graph.nodes) {
    if (removed.has(node)) continue;
    nodes.push({ ...node, ...changed.get(node), index: nodes.length });
  }
  for (const { op, inputs, outputs, name = "", domain = "" } of edits.nodes ?? []) {
    const place = { start: 0, end: 0 };
    const rest = { attributes: [], captured: [], record: place };
    nodes.push({ index: nodes.length, op, domain, name, inputs, outputs, ...rest });
  }
  const added = new Set(edits.initializers?.map(({ name }) => name));
  try {
    wireGraph({
      label: `${graph.label}, as edited,`,
      nodes,
      inputs: [...graph.inputs, ...(edits.inputs ?? [])],
      outputs: [...graph.outputs, ...(edits.outputs ?? [])],
      sparseInitializers: graph.sparseInitializers,
      initializers: { has: (name) => added.has(name) || graph.initializers.has(name) },
    });
  } catch (cause) {
    if (!(cause instanceof UnderpaintError)) throw cause;
    throw new UnderpaintError({ code: "invalid-request", what: cause.message, cause });
  }
}

function foreign(graph: OnnxGraph, node: GraphNode): UnderpaintError {
  return new UnderpaintError({
    code: "invalid-request",
    what: `an edit of ${graph.label} is of an operator of another graph`,
    value: node.name || node.op,
    remedy: "make the edits from the graph that they are applied to",
  });
}

/** Gives names that nothing in the graph has: the wish itself, or the wish and a number. */
export function freshNames(graph: OnnxGraph): (wish: string) => string {
  const taken = new Set<string>(graph.nestedNames);
  for (const { name } of [...graph.inputs, ...graph.outputs]) taken.add(name);
  for (const name of graph.initializers.keys()) taken.add(name);
  for (const name of graph.sparseInitializers) taken.add(name);
  for (const { inputs, outputs } of graph.nodes) {
    for (const name of inputs) taken.add(name);
    for (const name of outputs) taken.add(name);
  }
  return (wish) => {
    let name = wish;
    for (let count = 2; taken.has(name); count++) name = `${wish}_${count}`;
    taken.add(name);
    return name;
  };
}
