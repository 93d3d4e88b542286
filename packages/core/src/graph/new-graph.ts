import { join, message, type NewNode, nodeFields, number, portFields, text } from "./encode.js";
import type { GraphPort } from "./graph.js";

/** A graph that is made from nothing. */
export interface NewGraph {
  readonly inputs: readonly GraphPort[];
  readonly outputs: readonly GraphPort[];
  readonly nodes: readonly NewNode[];
}

/** The file of a small graph of ONNX's own operators, opset 17: ModelProto of onnx.proto3. */
export function newGraph({ inputs, outputs, nodes }: NewGraph): Uint8Array {
  return join([
    number(1, 8),
    message(8, text(1, ""), number(2, 17)),
    message(
      7,
      text(2, "underpaint"),
      ...nodes.map((node) => message(1, nodeFields(node))),
      ...inputs.map((port) => message(11, portFields(port))),
      ...outputs.map((port) => message(12, portFields(port))),
    ),
  ]);
}
