import {
  type Constant,
  type GraphText,
  message,
  type Node,
  onnxGraph,
} from "../../backend/fakes/onnx-graph.js";

/** The operators of {@link smallUNet}. */
export function smallUNetNodes(): Node[] {
  const conv = (name: string, input: string, stride: number): Node => ({
    op: "Conv",
    inputs: [input, `${name}.weight`],
    outputs: [name],
    attributes: { strides: [stride, stride], pads: [1, 1, 1, 1], kernel_shape: [3, 3] },
  });
  return [
    conv("first", "sample", 1),
    conv("second", "first", 2),
    { op: "Tanh", inputs: ["second"], outputs: ["middle"] },
    { op: "Concat", inputs: ["middle", "second"], outputs: ["joined"], attributes: { axis: 1 } },
    {
      op: "ConvTranspose",
      inputs: ["joined", "up.weight"],
      outputs: ["up"],
      attributes: { strides: [2, 2], kernel_shape: [2, 2] },
    },
    { op: "Concat", inputs: ["up", "first"], outputs: ["whole"], attributes: { axis: 1 } },
    conv("out_sample", "whole", 1),
  ];
}

/** The weights of {@link smallUNet}. */
export function smallUNetWeights(): Constant[] {
  const weights = (name: string, outer: number, inner: number, seed: number): Constant => ({
    name: `${name}.weight`,
    dims: [outer, inner, 3, 3],
    values: Float32Array.from(
      { length: outer * inner * 9 },
      (_, i) => Math.sin(seed * (i + 1)) / 4,
    ),
  });
  return [
    weights("first", 3, 2, 1),
    weights("second", 4, 3, 2),
    {
      name: "up.weight",
      dims: [8, 3, 2, 2],
      values: Float32Array.from({ length: 96 }, (_, i) => Math.cos(i) / 4),
    },
    weights("out_sample", 2, 6, 3),
  ];
}

/**
 * A UNet of three convolutions, two skip connections and a middle, with weights inside: small
 * enough to be changed at every byte.
 */
export function smallUNet(change: Partial<GraphText> = {}): Uint8Array {
  const latents = {
    name: "sample",
    type: "float32",
    dims: ["batch", 2, "height", "width"],
  } as const;
  return onnxGraph({
    inputs: [latents],
    outputs: [{ ...latents, name: "out_sample" }],
    nodes: smallUNetNodes(),
    constants: smallUNetWeights(),
    ...change,
  });
}

/** An If whose branches take a value of the graph around them, as fields of a GraphProto. */
export function conditional(condition: string, captured: string, output: string): Uint8Array {
  const text = (field: number, value: string) => message(field, new TextEncoder().encode(value));
  const branch = (name: string, inner: string) =>
    message(
      5,
      text(1, name),
      // AttributeProto.type, 5 for a graph.
      Uint8Array.of(160, 1, 5),
      message(
        6,
        text(2, name),
        message(1, text(1, captured), text(2, inner), text(4, "Neg")),
        message(12, text(1, inner)),
      ),
    );
  return message(
    1,
    text(1, condition),
    text(2, output),
    text(4, "If"),
    branch("then_branch", "inner_then"),
    branch("else_branch", "inner_else"),
  );
}
