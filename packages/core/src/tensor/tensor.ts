import { UnderpaintError } from "../errors.js";

/** The typed array that holds each element type. Half floats are kept as their 16 bits. */
export interface TensorDataByType {
  float32: Float32Array;
  float16: Uint16Array;
  int32: Int32Array;
  int64: BigInt64Array;
}

/** The element types of a {@link Tensor}, in ONNX's names. */
export type TensorType = keyof TensorDataByType;

/**
 * A contiguous, row-major tensor on the CPU. A plain object: it owns nothing but its array.
 * Pictures and latents are laid out NCHW.
 */
export interface Tensor<T extends TensorType = TensorType> {
  readonly type: T;
  /** The sizes of the axes, outermost first; `[]` is a scalar. */
  readonly dims: readonly number[];
  /** The elements; its length is the product of `dims`. */
  readonly data: TensorDataByType[T];
}

/** A float32 tensor: latents, pictures, text states. */
export type FloatTensor = Tensor<"float32">;

const constructors = {
  float32: Float32Array,
  float16: Uint16Array,
  int32: Int32Array,
  int64: BigInt64Array,
} as const;

/** The number of elements of a tensor with these dims (1 for a scalar). */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/**
 * A tensor over `data`, which is not copied.
 *
 * @throws UnderpaintError `invalid-request` when `dims` and the array's length or kind disagree.
 */
export function tensor<T extends TensorType>(
  type: T,
  dims: readonly number[],
  data: TensorDataByType[T],
): Tensor<T> {
  if (!(data instanceof constructors[type])) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `a ${type} tensor's data is of another kind`,
      value: data,
      allowed: constructors[type].name,
    });
  }
  requireSizes(dims);
  if (elementCount(dims) !== data.length) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `a tensor's dims do not multiply to its ${data.length} elements`,
      value: dims,
    });
  }
  return { type, dims: [...dims], data };
}

/**
 * A tensor of zeros.
 *
 * @throws UnderpaintError `invalid-request` when a size is no whole number from 0.
 */
export function zeros<T extends TensorType>(type: T, dims: readonly number[]): Tensor<T> {
  requireSizes(dims);
  const data = new constructors[type](elementCount(dims)) as TensorDataByType[T];
  return { type, dims: [...dims], data };
}

function requireSizes(dims: readonly number[]): void {
  if (dims.every((size) => Number.isSafeInteger(size) && size >= 0)) return;
  throw new UnderpaintError({
    code: "invalid-request",
    what: "a tensor's dims are not whole numbers from 0",
    value: dims,
  });
}

/** A float32 tensor over `data`, which is not copied; see {@link tensor}. */
export function floatTensor(dims: readonly number[], data: Float32Array): FloatTensor {
  return tensor("float32", dims, data);
}

/** Whether two tensors have the same dims. */
export function sameDims(a: Tensor, b: Tensor): boolean {
  return a.dims.length === b.dims.length && a.dims.every((size, axis) => size === b.dims[axis]);
}

/**
 * One entry of the outermost axis, kept as an axis of size 1: picture `index` of a batch.
 * A view: it shares the batch's memory.
 *
 * @throws UnderpaintError `invalid-request` when there is no such entry.
 */
export function batchEntry(batch: FloatTensor, index: number): FloatTensor {
  const [count = 0, ...rest] = batch.dims;
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "a batch has no entry of that index",
      value: index,
      allowed: `0 to ${count - 1}`,
    });
  }
  const size = elementCount(rest);
  return floatTensor([1, ...rest], batch.data.subarray(index * size, (index + 1) * size));
}
