import { entryWalk } from "./tensor-message.js";
import type { Field, Walk, Wire } from "./wire.js";

/** What a message names, as far as a set is there for it. */
export interface FoundNames {
  /** Values that its operators take, and its outputs. */
  readonly used?: Set<string>;
  /** Values that it defines: inputs, constants, what its operators give. */
  readonly own?: Set<string>;
  /** External files of its weights. */
  readonly locations: Set<string>;
}

/** All that a message inside of an operator names. */
export type NestedNames = Required<FoundNames>;

/** What a field leads to: a message, a value that is used or defined, an entry on external data. */
type Target = MessageName | "used" | "own" | "entry";

type MessageName =
  | "attribute"
  | "graph"
  | "node"
  | "tensor"
  | "sparse"
  | "port"
  | "outputPort"
  | "model"
  | "training"
  | "function";

/** The fields of each message that lead on to names of values or files (onnx.proto3). */
const messages: Readonly<Record<MessageName, Readonly<Record<number, Target>>>> = {
  model: { 7: "graph", 20: "training", 25: "function" },
  training: { 1: "graph", 2: "graph" },
  function: { 7: "node", 11: "attribute" },
  graph: { 1: "node", 5: "tensor", 11: "port", 12: "outputPort", 15: "sparse" },
  node: { 1: "used", 2: "own", 5: "attribute" },
  attribute: { 5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse" },
  sparse: { 1: "tensor", 2: "tensor" },
  tensor: { 8: "own", 13: "entry" },
  port: { 1: "own" },
  outputPort: { 1: "used" },
};

/** As deep as protobuf itself reads. */
const deepest = 100;

/** A walk into a field of such a message, where it leads on to names; undefined where it does not. */
export function nestedWalk(
  wire: Wire,
  message: MessageName,
  field: Field,
  names: FoundNames,
  depth = 0,
): Walk | undefined {
  const target = messages[message][field.number];
  if (target === undefined) return undefined;
  if (target === "used" || target === "own") {
    const found = names[target];
    const name = found ? wire.text("a name") : "";
    if (found && name !== "" && !found.has(name)) {
      wire.keep(1);
      found.add(name);
    }
    return undefined;
  }
  wire.expect(2, `what holds field ${field.number}`);
  if (target === "entry") {
    return entryWalk(wire, field, (key, value) => {
      if (key === "location") names.locations.add(value);
    });
  }
  if (depth > deepest) wire.broken(`it is nested more than ${deepest} deep`);
  return wire.fields(field.end, (inner) => nestedWalk(wire, target, inner, names, depth + 1));
}
