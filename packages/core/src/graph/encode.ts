import { UnderpaintError } from "../errors.js";
import { elementTypeNumber } from "./element-types.js";
import type { GraphPort } from "./graph.js";

// Writes the messages of onnx.proto3 in protobuf's wire format.

const encoder = new TextEncoder();

/** A field that holds other fields, one after the other. */
export function message(field: number, ...fields: readonly Uint8Array[]): Uint8Array {
  return block(field, join(fields));
}

/** A field of bytes. */
export function block(field: number, content: Uint8Array): Uint8Array {
  return join([varints(field * 8 + 2, content.length), content]);
}

export function text(field: number, value: string): Uint8Array {
  return block(field, encoder.encode(value));
}

/** A field that holds a whole number from 0 to 2^53, or from −2^31 below 0. */
export function number(field: number, value: number): Uint8Array {
  return varints(field * 8, value);
}

/** A field of 32-bit floating point. */
export function float(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return join([varints(field * 8 + 5), bytes]);
}

/** Whole numbers in protobuf's encoding, seven bits a byte. */
export function varints(...values: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (const value of values) {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
  }
  return Uint8Array.from(bytes);
}

/** Bytes one after the other, in an array of their own. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** An attribute of an operator that is added. */
export type NewAttribute =
  | { readonly name: string; readonly int: number }
  | { readonly name: string; readonly float: number }
  | { readonly name: string; readonly ints: readonly number[] }
  | { readonly name: string; readonly text: string }
  /** An int that stands for an element type, as in Cast's `to`. */
  | { readonly name: string; readonly elementType: string };

/** An operator that is added. */
export interface NewNode {
  readonly op: string;
  /** ONNX's own operators when left out. */
  readonly domain?: string;
  readonly name?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: readonly NewAttribute[];
}

/** A constant tensor that is added, its elements in memory or where they lie already. */
export interface NewTensor {
  readonly name: string;
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: /** One element after the other, little-endian. */
  Uint8Array | { readonly location: string; readonly offset: number; readonly length?: number };
}

/** The fields of a NodeProto. */
export function nodeFields(node: NewNode): Uint8Array {
  return join([
    ...node.inputs.map((name) => text(1, name)),
    ...node.outputs.map((name) => text(2, name)),
    text(3, node.name ?? node.outputs[0] ?? ""),
    text(4, node.op),
    ...(node.attributes ?? []).map((attribute) => message(5, ...attributeFields(attribute))),
    text(7, node.domain ?? ""),
  ]);
}

function attributeFields(attribute: NewAttribute): Uint8Array[] {
  const name = text(1, attribute.name);
  if ("float" in attribute) return [name, float(2, attribute.float), number(20, 1)];
  if ("text" in attribute) return [name, text(4, attribute.text), number(20, 3)];
  if ("ints" in attribute) {
    return [name, ...attribute.ints.map((value) => number(8, value)), number(20, 7)];
  }
  const value = "int" in attribute ? attribute.int : typeNumber(attribute.elementType);
  return [name, number(3, value), number(20, 2)];
}

/** The fields of a ValueInfoProto. */
export function portFields({ name, type, dims }: GraphPort): Uint8Array {
  const axes = dims.map((size) => {
    if (typeof size === "number") return message(1, number(1, size));
    return size === "?" ? message(1) : message(1, text(2, size));
  });
  const tensorType = message(1, number(1, typeNumber(type)), message(2, ...axes));
  return join([text(1, name), message(2, tensorType)]);
}

/** The fields of a TensorProto. */
export function tensorFields({ name, type, dims, data }: NewTensor): Uint8Array {
  const head = [...dims.map((size) => number(1, size)), number(2, typeNumber(type)), text(8, name)];
  if (data instanceof Uint8Array) return join([...head, block(9, data)]);
  const { location, offset, length } = data;
  const entry = (key: string, value: string): Uint8Array =>
    message(13, text(1, key), text(2, value));
  return join([
    ...head,
    entry("location", location),
    entry("offset", String(offset)),
    ...(length === undefined ? [] : [entry("length", String(length))]),
    number(14, 1),
  ]);
}

function typeNumber(type: string): number {
  const known = elementTypeNumber(type);
  if (known !== undefined) return known;
  throw new UnderpaintError({
    code: "invalid-request",
    what: "an element type is not one of ONNX's",
    value: type,
    allowed: "float32, float16, int64, …",
  });
}
