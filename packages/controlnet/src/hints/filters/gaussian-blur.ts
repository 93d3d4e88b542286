import { mirrored } from "./border.js";
import { gaussianKernel, gaussianKernelBytes, kernelSize } from "./gaussian-kernel.js";

/**
 * OpenCV's `GaussianBlur` of a plane of bytes, its size left to sigma, borders mirrored: bit for
 * bit, which OpenCV promises to be the same everywhere. Rows in 8.8 fixed point, columns in 16.16.
 */
export function gaussianBlurBytes(
  plane: Uint8Array,
  width: number,
  height: number,
  sigma: number,
): Uint8Array {
  const size = kernelSize(sigma, "byte");
  const across = width === 1 ? Int32Array.of(256) : gaussianKernelBytes(size, sigma);
  const down = height === 1 ? Int32Array.of(256) : gaussianKernelBytes(size, sigma);
  const rows = new Uint16Array(width * height);
  const reach = across.length >> 1;
  const padded = new Uint8Array(width + 2 * reach);
  const columns = Int32Array.from(padded, (_, i) => mirrored(i - reach, width));
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let i = 0; i < padded.length; i++) padded[i] = plane[row + columns[i]!]!;
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = 0; k < across.length; k++) sum += padded[x + k]! * across[k]!;
      rows[row + x] = sum;
    }
  }
  const out = new Uint8Array(width * height);
  const sums = new Int32Array(width);
  const reachDown = down.length >> 1;
  for (let y = 0; y < height; y++) {
    sums.fill(1 << 15);
    for (let k = 0; k < down.length; k++) {
      const from = mirrored(y + k - reachDown, height) * width;
      const weight = down[k]!;
      for (let x = 0; x < width; x++) sums[x]! += rows[from + x]! * weight;
    }
    for (let x = 0; x < width; x++) out[y * width + x] = sums[x]! >>> 16;
  }
  return out;
}

/**
 * OpenCV's `GaussianBlur` of a plane of float32, its size left to sigma, borders mirrored.
 *
 * The sums are taken in the order of OpenCV's AVX2 filters, each step a fused multiply-add (exact
 * product and sum, one rounding), so the result is the same to the bit where those run. OpenCV
 * does not promise that: other processors, and its version 5 in the last columns of a row, differ
 * by up to 5e-5 for samples of 0 to 255.
 */
export function gaussianBlurFloat(
  plane: Float32Array,
  width: number,
  height: number,
  sigma: number,
): Float32Array {
  const kernel = Float32Array.from(gaussianKernel(kernelSize(sigma, "float"), sigma));
  const rows = width === 1 ? plane : blurRows(plane, width, height, kernel);
  return height === 1 ? rows.slice() : blurColumns(rows, width, height, kernel);
}

function blurRows(
  plane: Float32Array,
  width: number,
  height: number,
  kernel: Float32Array,
): Float32Array {
  const reach = kernel.length >> 1;
  const out = new Float32Array(width * height);
  const padded = new Float32Array(width + 2 * reach);
  const columns = Int32Array.from(padded, (_, i) => mirrored(i - reach, width));
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let i = 0; i < padded.length; i++) padded[i] = plane[row + columns[i]!]!;
    if (kernel.length <= 5) {
      blurShortRow(padded, kernel, out.subarray(row, row + width));
      continue;
    }
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = 0; k < kernel.length; k++) {
        sum = Math.fround(sum + padded[x + k]! * kernel[k]!);
      }
      out[row + x] = sum;
    }
  }
  return out;
}

/** Up to five taps are summed in pairs: the inner pair, the middle, then the outer pair. */
function blurShortRow(padded: Float32Array, kernel: Float32Array, out: Float32Array): void {
  const reach = kernel.length >> 1;
  const pair = (at: number, distance: number) =>
    Math.fround(padded[at - distance]! + padded[at + distance]!);
  for (let x = 0; x < out.length; x++) {
    const at = x + reach;
    let sum = Math.fround(pair(at, 1) * kernel[reach + 1]!);
    sum = Math.fround(sum + padded[at]! * kernel[reach]!);
    if (reach === 2) sum = Math.fround(sum + pair(at, 2) * kernel[reach + 2]!);
    out[x] = sum;
  }
}

/** The middle row first, then pairs of rows outwards. */
function blurColumns(
  rows: Float32Array,
  width: number,
  height: number,
  kernel: Float32Array,
): Float32Array {
  const reach = kernel.length >> 1;
  const out = new Float32Array(width * height);
  const sums = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    const middle = kernel[reach]!;
    const row = y * width;
    for (let x = 0; x < width; x++) sums[x] = Math.fround(rows[row + x]! * middle);
    for (let k = 1; k <= reach; k++) {
      const weight = kernel[reach + k]!;
      const above = mirrored(y - k, height) * width;
      const below = mirrored(y + k, height) * width;
      for (let x = 0; x < width; x++) {
        const pair = Math.fround(rows[above + x]! + rows[below + x]!);
        sums[x] = Math.fround(sums[x]! + pair * weight);
      }
    }
    out.set(sums, row);
  }
  return out;
}
