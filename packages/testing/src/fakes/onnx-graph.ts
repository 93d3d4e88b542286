/** An element type that {@link onnxGraph} can write. */
export type OnnxType = keyof typeof elementTypes;

/** An input or output of a graph. */
export interface OnnxPort {
  readonly name: string;
  readonly type: OnnxType;
  /** Sizes, or names of dynamic axes; `[]` is a scalar. */
  readonly dims: readonly (number | string)[];
}

/** A graph to be written. */
export interface OnnxGraph {
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  /** Operators without attributes, in the order of their data. */
  readonly nodes: readonly {
    readonly op: string;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
  }[];
  /** Float32 constants: their values, or the name of the file beside the graph that holds them. */
  readonly constants?: readonly {
    readonly name: string;
    readonly dims: readonly number[];
    readonly values: Float32Array | string;
  }[];
}

/** onnx.proto3's TensorProto.DataType. */
const elementTypes = { float32: 1, int32: 6, int64: 7, float16: 10 } as const;

/**
 * A small ONNX graph as the bytes of a model.onnx, for tests: IR version 8, operator set 17, in
 * protobuf's wire format; onnx.proto3 numbers the fields.
 */
export function onnxGraph(graph: OnnxGraph): Uint8Array {
  const content = [
    ...graph.nodes.map(({ op, inputs, outputs }) => {
      return message(1, [
        ...inputs.map((name) => text(1, name)),
        ...outputs.map((name) => text(2, name)),
        text(4, op),
      ]);
    }),
    text(2, "test"),
    ...(graph.constants ?? []).map(({ name, dims, values }) => {
      const shape = [
        ...dims.map((size) => whole(1, size)),
        whole(2, elementTypes.float32),
        text(8, name),
      ];
      if (typeof values === "string") {
        return message(5, [
          ...shape,
          message(13, [text(1, "location"), text(2, values)]),
          whole(14, 1),
        ]);
      }
      const { buffer, byteOffset, byteLength } = values;
      return message(5, [...shape, block(9, [...new Uint8Array(buffer, byteOffset, byteLength)])]);
    }),
    ...graph.inputs.map((each) => port(11, each)),
    ...graph.outputs.map((each) => port(12, each)),
  ];
  return Uint8Array.from([...whole(1, 8), ...message(7, content), ...message(8, [whole(2, 17)])]);
}

function port(field: number, { name, type, dims }: OnnxPort): number[] {
  const shape = dims.map((dim) =>
    message(1, [typeof dim === "number" ? whole(1, dim) : text(2, dim)]),
  );
  const tensor = message(1, [whole(1, elementTypes[type]), message(2, shape)]);
  return message(field, [text(1, name), message(2, [tensor])]);
}

function whole(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function text(field: number, value: string): number[] {
  return block(field, [...new TextEncoder().encode(value)]);
}

function message(field: number, parts: readonly number[][]): number[] {
  return block(field, parts.flat());
}

function block(field: number, content: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(content.length), ...content];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}
