/**
 * Writes small ONNX graphs for tests, so that each test can state the graph that it is about:
 * a protobuf writer for the few messages that they need (onnx.proto3).
 */

type Dim = number | string;

/** An input or output. */
export interface Port {
  readonly name: string;
  readonly type: keyof typeof elementTypes;
  readonly dims: readonly Dim[];
}

/** An operator; attributes are whole numbers or lists of them. */
export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** A float32 or int64 constant, or a float32 one whose values lie in another file. */
export interface Constant {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values?: Float32Array | BigInt64Array;
  readonly external?: { readonly location: string; readonly length: number };
}

export interface GraphText {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: readonly Node[];
  readonly constants?: readonly Constant[];
  /** Operator sets beside ONNX's own 17. */
  readonly opsets?: Readonly<Record<string, number>>;
}

const elementTypes = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
} as const;

export { elementTypes };

/** The graph as the bytes of a model.onnx. */
export function onnxGraph(graph: GraphText): Uint8Array {
  const opsets = Object.entries({ "": 17, ...graph.opsets });
  return bytes(
    number(1, 8),
    message(
      7,
      ...graph.nodes.map((node) => message(1, ...nodeFields(node))),
      text(2, "g"),
      ...(graph.constants ?? []).map((constant) => message(5, ...constantFields(constant))),
      ...graph.inputs.map((port) => message(11, ...portFields(port))),
      ...graph.outputs.map((port) => message(12, ...portFields(port))),
    ),
    ...opsets.map(([domain, version]) => message(8, text(1, domain), number(2, version))),
  );
}

function nodeFields({ op, inputs, outputs, domain = "", attributes = {} }: Node): Uint8Array[] {
  return [
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) =>
      typeof value === "number"
        ? message(5, text(1, name), number(3, value), number(20, 2))
        : message(5, text(1, name), ...value.map((one) => number(8, one)), number(20, 7)),
    ),
    text(7, domain),
  ];
}

function constantFields({ name, dims, values, external }: Constant): Uint8Array[] {
  const fields = [
    ...dims.map((size) => number(1, size)),
    number(2, values instanceof BigInt64Array ? elementTypes.int64 : elementTypes.float32),
    text(8, name),
  ];
  if (values) {
    fields.push(block(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)));
  }
  if (external) {
    const { location, length } = external;
    fields.push(
      message(13, text(1, "location"), text(2, location)),
      message(13, text(1, "length"), text(2, String(length))),
      number(14, 1),
    );
  }
  return fields;
}

function portFields({ name, type, dims }: Port): Uint8Array[] {
  const shape = dims.map((dim) =>
    message(1, typeof dim === "number" ? number(1, dim) : text(2, dim)),
  );
  return [
    text(1, name),
    message(2, message(1, number(1, elementTypes[type]), message(2, ...shape))),
  ];
}

/** A length-delimited field that holds other fields. */
export function message(field: number, ...fields: Uint8Array[]): Uint8Array {
  return block(field, bytes(...fields));
}

function text(field: number, value: string): Uint8Array {
  return block(field, new TextEncoder().encode(value));
}

function number(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field * 8), ...varint(value)]);
}

function block(field: number, content: Uint8Array): Uint8Array {
  return bytes(Uint8Array.from([...varint(field * 8 + 2), ...varint(content.length)]), content);
}

function varint(value: number): number[] {
  const result: number[] = [];
  // A number below 0 is written as 2^64 more.
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) result.push(Number(rest & 127n) + 128);
  result.push(Number(rest));
  return result;
}

function bytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
