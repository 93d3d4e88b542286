// The one file that imports ndarray, which nothing inside of Underpaint needs. Importing it runs
// no generated code; making a view does (`new Function`, once for each type and number of axes).
import ndarray, { type NdArray } from "ndarray";
import { UnderpaintError } from "../errors.js";
import { type Tensor, type TensorDataByType, type TensorType, zeros } from "./tensor.js";

/** The ndarray that {@link toNdarray} makes of a tensor of each type. */
export interface NdArrayByType {
  float32: NdArray<Float32Array>;
  float16: NdArray<Uint16Array>;
  int32: NdArray<Int32Array>;
  // ndarray's types know bigints over plain memory alone, not over shared memory.
  int64: NdArray<BigInt64Array<ArrayBuffer>>;
}

/**
 * The tensor as an [ndarray](https://github.com/scijs/ndarray) over the same memory, for
 * researchers: slice (`lo`, `hi`, `pick`), transpose and step it without copying. What is written
 * to the view is written to the tensor.
 *
 * A float16 tensor shows its halves' 16 bits; {@link convert} it to float32 first for numbers.
 *
 * ndarray compiles its views with `new Function`: under a Content-Security-Policy this needs
 * `script-src 'unsafe-eval'`, and throws the engine's `EvalError` without it. Nothing else in
 * Underpaint needs it, {@link fromNdarray} included.
 */
export function toNdarray<T extends TensorType>(source: Tensor<T>): NdArrayByType[T] {
  return ndarray(source.data as Float32Array, [...source.dims]) as NdArrayByType[T];
}

/** What {@link fromNdarray} reads of an ndarray: these four fields, and no method. */
export interface NdArrayLike<D> {
  readonly data: D;
  readonly shape: readonly number[];
  /** How far apart in `data` neighbours along each axis are; negative where an axis runs back. */
  readonly stride: readonly number[];
  /** Where in `data` the first element is. */
  readonly offset: number;
}

/**
 * A contiguous tensor with a copy of an ndarray's elements in row-major order, whatever the view's
 * strides, steps and offset.
 *
 * Its type follows the view's array: float32 from a `Float32Array` or, rounded, a `Float64Array`;
 * int32 and int64 from theirs; float16 from a `Uint16Array`, taken as halves' bits.
 *
 * @throws UnderpaintError `invalid-request` when the array is of another kind, or the view reaches
 * out of it.
 */
export function fromNdarray(view: NdArrayLike<Float32Array | Float64Array>): Tensor<"float32">;
export function fromNdarray(view: NdArrayLike<Uint16Array>): Tensor<"float16">;
export function fromNdarray(view: NdArrayLike<Int32Array>): Tensor<"int32">;
export function fromNdarray(view: NdArrayLike<BigInt64Array>): Tensor<"int64">;
export function fromNdarray(view: NdArrayLike<TensorDataByType[TensorType] | Float64Array>): Tensor;
export function fromNdarray(view: NdArrayLike<unknown>): Tensor {
  const type = typeOf(view.data);
  const source = view.data as Float32Array;
  requireInside(view, source.length);
  const out = zeros(type, view.shape);
  // Whatever their kind, both arrays hold the same kind of element.
  gather(out.data as Float32Array, source, view);
  return out;
}

function typeOf(data: unknown): TensorType {
  if (data instanceof Float32Array || data instanceof Float64Array) return "float32";
  if (data instanceof Uint16Array) return "float16";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof BigInt64Array) return "int64";
  throw new UnderpaintError({
    code: "invalid-request",
    what: "an ndarray's data is of a kind that no tensor has",
    value: data,
    allowed: "Float32Array, Float64Array, Uint16Array (halves), Int32Array, BigInt64Array",
    remedy: "copy it into one of these first",
  });
}

function requireInside(view: NdArrayLike<unknown>, length: number): void {
  const { shape, stride, offset } = view;
  let [least, greatest] = [offset, offset];
  shape.forEach((size, axis) => {
    const reach = (size - 1) * (stride[axis] ?? Number.NaN);
    if (reach < 0) least += reach;
    else greatest += reach;
  });
  const whole =
    [...shape, ...stride, offset].every(Number.isInteger) && shape.every((size) => size >= 0);
  const empty = shape.includes(0);
  if (whole && stride.length === shape.length && (empty || (least >= 0 && greatest < length))) {
    return;
  }
  throw new UnderpaintError({
    code: "invalid-request",
    what: `an ndarray's shape, stride and offset reach out of its ${length} elements`,
    value: [shape, stride, offset],
  });
}

/** Copies the view's elements to `out`, the last axis innermost. */
function gather(out: Float32Array, source: Float32Array, view: NdArrayLike<unknown>): void {
  const { shape, stride } = view;
  const last = shape.length - 1;
  const [inner, innerStride] = [shape[last] ?? 1, stride[last] ?? 0];
  const index = shape.map(() => 0);
  let row = view.offset;
  for (let start = 0; start < out.length; start += inner) {
    for (let i = 0; i < inner; i++) out[start + i] = source[row + i * innerStride]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      row += stride[axis]!;
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      row -= shape[axis]! * stride[axis]!;
      index[axis] = 0;
    }
  }
}
