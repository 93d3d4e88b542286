/** ONNX's element types by number (onnx.proto3, TensorProto.DataType): name, and bits of one. */
const known: Readonly<Record<number, readonly [name: string, bits: number]>> = {
  1: ["float32", 32],
  2: ["uint8", 8],
  3: ["int8", 8],
  4: ["uint16", 16],
  5: ["int16", 16],
  6: ["int32", 32],
  7: ["int64", 64],
  9: ["bool", 8],
  10: ["float16", 16],
  11: ["float64", 64],
  12: ["uint32", 32],
  13: ["uint64", 64],
  14: ["complex64", 64],
  15: ["complex128", 128],
  16: ["bfloat16", 16],
  17: ["float8e4m3fn", 8],
  18: ["float8e4m3fnuz", 8],
  19: ["float8e5m2", 8],
  20: ["float8e5m2fnuz", 8],
  21: ["uint4", 4],
  22: ["int4", 4],
  23: ["float4e2m1", 4],
  24: ["float8e8m0", 8],
  25: ["uint2", 2],
  26: ["int2", 2],
  27: ["float6e2m3", 6],
  28: ["float6e3m2", 6],
};

const numbers = new Map(Object.entries(known).map(([number, [name]]) => [name, Number(number)]));
const bits = new Map(Object.values(known));

/** The name of an element type: "float32", "int64"; "type 99" of a number that is not known. */
export function elementTypeName(number: number): string {
  return number === 8 ? "string" : (known[number]?.[0] ?? `type ${number}`);
}

/** ONNX's number of an element type; undefined for a name that is not known. */
export function elementTypeNumber(name: string): number | undefined {
  return name === "string" ? 8 : numbers.get(name);
}

/** The bytes that `count` elements take when they lie one after the other; undefined for strings. */
export function elementBytes(name: string, count: number): number | undefined {
  const size = bits.get(name);
  return size === undefined ? undefined : Math.ceil((size * count) / 8);
}

/** The names of all element types. */
export const elementTypeNames: readonly string[] = [...numbers.keys(), "string"];
