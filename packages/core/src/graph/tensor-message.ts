import { halfToNumber } from "../tensor/half.js";
import { elementBytes, elementTypeName } from "./element-types.js";
import type { GraphTensor, TensorPlace } from "./graph.js";
import { type Field, longestText, type Walk, type Wire } from "./wire.js";

const mostAxes = 32;
/** Constants of as many elements are read: shapes, axes, scales. */
const mostValues = 64;

/** Walks through a TensorProto, which is the field that is visited. */
export function* tensorWalk(
  wire: Wire,
  { start, end }: Field,
  done: (tensor: GraphTensor) => void,
): Walk {
  const dims: number[] = [];
  const external: [key: string, value: string][] = [];
  let [name, type, isExternal] = ["", 0, false];
  let raw: { offset: number; length: number; bytes: Uint8Array | undefined } | undefined;
  let floats: { offset: number; length: number } | undefined;
  let encoded: number[] | undefined;
  wire.keep(4);

  yield* wire.fields(end, (field) => {
    switch (field.number) {
      case 1:
        wire.numbers("varint", (size) => {
          if (dims.push(size) > mostAxes) wire.broken(`a tensor has more than ${mostAxes} axes`);
        });
        break;
      case 2:
        wire.expect(0, "a tensor's type");
        type = field.value;
        break;
      case 4:
      case 10: {
        const length = field.end - field.content;
        if (field.wireType === 2) floats = { offset: field.content, length };
        if (length <= mostValues * 8) keepNumbers(field.number === 4 ? "float" : "double");
        break;
      }
      case 5:
      case 7:
        if (field.end - field.content <= mostValues * 10) keepNumbers("varint");
        break;
      case 8:
        name = wire.text("a tensor's name");
        break;
      case 9: {
        wire.expect(2, "a tensor's data");
        const length = field.end - field.content;
        const bytes = length <= mostValues * 8 ? wire.bytes() : undefined;
        raw = { offset: field.content, length, bytes };
        break;
      }
      case 13:
        wire.expect(2, "where a tensor's data lie");
        return entryWalk(wire, field, (key, value) => external.push([key, value]));
      case 14:
        wire.expect(0, "where a tensor's data lie");
        isExternal = field.value === 1;
        break;
    }
    return undefined;
  });

  function keepNumbers(kind: "varint" | "float" | "double"): void {
    encoded ??= [];
    const numbers = encoded;
    wire.numbers(kind, (value) => {
      // Beyond that they are no small constant; the length tells, below.
      if (numbers.length <= mostValues) numbers.push(value);
    });
  }

  const shown = JSON.stringify(name.slice(0, 80));
  const count = dims.reduce((product, size) => product * size, 1);
  if (dims.some((size) => size < 0) || !Number.isSafeInteger(count)) {
    wire.broken(`the tensor ${shown} has the impossible dims [${dims.join(", ")}]`);
  }
  const typeName = elementTypeName(type);
  const bytes = elementBytes(typeName, count);

  function checkLength(length: number): void {
    if (bytes === undefined || bytes === length) return;
    wire.broken(`the tensor ${shown} has ${length} bytes, but its dims need ${bytes}`);
  }

  let place: TensorPlace = { kind: "encoded" };
  let values: readonly number[] | undefined;
  if (isExternal) {
    place = externalPlace(wire, shown, external);
    if (place.kind === "external" && place.length !== undefined) checkLength(place.length);
  } else if (raw) {
    checkLength(raw.length);
    place = { kind: "inside", offset: raw.offset, length: raw.length };
    if (raw.bytes && count <= mostValues) values = decoded(typeName, raw.bytes, count);
  } else {
    const isPlain = floats !== undefined && (typeName === "float32" || typeName === "float64");
    if (isPlain && floats?.length === bytes) place = { kind: "inside", ...floats! };
    // Halves are stored as their bits there.
    if (encoded?.length === count && typeName in readers) {
      values = typeName === "float16" ? encoded.map(halfToNumber) : encoded;
    }
  }
  done({ name, type: typeName, dims, place, values, record: { start, end } });
}

/** Walks through a StringStringEntryProto. */
export function* entryWalk(
  wire: Wire,
  { end }: Field,
  done: (key: string, value: string) => void,
): Walk {
  let [key, value] = ["", ""];
  yield* wire.fields(end, (field) => {
    if (field.number === 1) key = wire.text("a key");
    if (field.number === 2 && field.end - field.content <= longestText)
      value = wire.text("a value");
    return undefined;
  });
  done(key, value);
}

function externalPlace(
  wire: Wire,
  shown: string,
  entries: readonly (readonly [string, string])[],
): TensorPlace {
  let [location, offset, length] = ["", 0, undefined as number | undefined];
  for (const [key, value] of entries) {
    if (key === "location") location = value;
    else if (key === "offset") offset = whole(value);
    else if (key === "length") length = whole(value);
  }
  function whole(value: string): number {
    if (!/^\d{1,15}$/.test(value)) {
      wire.broken(`the tensor ${shown} lies at an impossible place (${value.slice(0, 40)})`);
    }
    return Number(value);
  }
  if (location === "") wire.broken(`the tensor ${shown} lies in another file that has no name`);
  return { kind: "external", location, offset, length };
}

const readers: Readonly<Record<string, (view: DataView, index: number) => number>> = {
  float32: (view, index) => view.getFloat32(4 * index, true),
  float16: (view, index) => halfToNumber(view.getUint16(2 * index, true)),
  float64: (view, index) => view.getFloat64(8 * index, true),
  int32: (view, index) => view.getInt32(4 * index, true),
  int64: (view, index) => Number(view.getBigInt64(8 * index, true)),
  bool: (view, index) => view.getUint8(index),
};

function decoded(type: string, bytes: Uint8Array, count: number): number[] | undefined {
  const read = readers[type];
  if (!read) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, index) => read(view, index));
}
