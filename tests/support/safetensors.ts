import { readFileSync } from "node:fs";

/** A tensor of a fixture. */
export interface FixtureTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array | Float64Array | BigInt64Array | Uint8Array;
}

const arrays = {
  F32: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U8: Uint8Array,
} as const;

/** Reads a safetensors file of the fixtures: eight bytes of length, a JSON header, the values. */
export function readSafetensors(path: string): ReadonlyMap<string, FixtureTensor> {
  const bytes = readFileSync(path);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerLength)) as Record<
    string,
    { dtype: keyof typeof arrays; shape: number[]; data_offsets: [number, number] }
  >;
  const values = 8 + headerLength;
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== "__metadata__")
      .map(
        ([
          name,
          {
            dtype,
            shape,
            data_offsets: [begin, end],
          },
        ]) => {
          const copy = bytes.buffer.slice(
            bytes.byteOffset + values + begin,
            bytes.byteOffset + values + end,
          );
          return [name, { dims: shape, data: new arrays[dtype](copy as ArrayBuffer) }];
        },
      ),
  );
}
