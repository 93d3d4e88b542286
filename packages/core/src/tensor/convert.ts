import { UnderpaintError } from "../errors.js";
import { floatToHalf, halfToFloat } from "./half.js";
import { type Tensor, type TensorType, tensor } from "./tensor.js";

/**
 * The tensor with its elements in another type: what a graph's input asks for.
 *
 * - float32 to float16 rounds to nearest, ties to even, and from ±65520 on gives ±Infinity;
 *   float16 to float32 is exact.
 * - Whole numbers become floats by one rounding to nearest, ties to even.
 * - To int32 and int64, each element must be a whole number that the type holds: nothing is cut
 *   off in silence.
 *
 * A tensor that has the type already is returned as it is, not copied.
 *
 * @throws UnderpaintError `invalid-request` when an element is no whole number of the integer type
 * that is asked for, or when an int64 beyond ±2^53 is to become a float.
 */
export function convert<T extends TensorType>(source: Tensor, type: T): Tensor<T> {
  if (source.type === type) return source as Tensor<T>;
  return tensor(type, source.dims, elementsAs(source, type) as Tensor<T>["data"]);
}

function elementsAs(source: Tensor, type: TensorType): Tensor["data"] {
  switch (type) {
    case "float32":
      return asFloats(source);
    case "float16":
      // Not rounded twice: float32 holds every whole number that is no infinity as a half.
      return floatToHalf(asFloats(source));
    case "int32": {
      const values = numbersOf(source);
      const out = new Int32Array(values.length);
      for (let i = 0; i < out.length; i++) {
        out[i] = Number(inRange(values[i]!, type, -(2 ** 31), 2 ** 31 - 1));
      }
      return out;
    }
    case "int64": {
      const values = numbersOf(source);
      const out = new BigInt64Array(values.length);
      // The largest double below 2^63 is 2^63 − 1024.
      for (let i = 0; i < out.length; i++) {
        out[i] = BigInt(inRange(values[i]!, type, -(2 ** 63), 2 ** 63 - 1024));
      }
      return out;
    }
  }
}

/** The elements as what they mean: a half's bits as its number. */
function numbersOf(source: Tensor): Float32Array | Int32Array | BigInt64Array {
  return source.type === "float16"
    ? halfToFloat(source.data as Uint16Array)
    : (source.data as Float32Array | Int32Array | BigInt64Array);
}

function asFloats(source: Tensor): Float32Array {
  const values = numbersOf(source);
  if (values instanceof Float32Array) return values;
  const out = new Float32Array(values.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = Number(inRange(values[i]!, "float32", -(2 ** 53), 2 ** 53));
  }
  return out;
}

function inRange(
  value: number | bigint,
  type: TensorType,
  least: number,
  greatest: number,
): number | bigint {
  const whole = typeof value === "bigint" || Number.isInteger(value);
  if (whole && value >= least && value <= greatest) return value;
  throw new UnderpaintError({
    code: "invalid-request",
    what: `a tensor's element cannot become ${type}`,
    value,
    allowed: `whole numbers from ${BigInt(least)} to ${BigInt(greatest)}`,
  });
}
