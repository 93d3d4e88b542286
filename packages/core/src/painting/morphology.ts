import type { Mask } from "./mask.js";

/**
 * The mask grown by `radius` pixels to all sides: each pixel becomes the largest in a square of
 * 2 · radius + 1 pixels around it, what lies outside of the picture not counting.
 *
 * Time grows with the pixels alone: van Herk, A fast algorithm for local minimum and maximum
 * filters on rectangular and octagonal kernels, 1992.
 */
export function dilate(mask: Mask, radius: number): Mask {
  return filtered(mask, radius, 0);
}

/** The mask shrunk: each pixel becomes the smallest in the square; see {@link dilate}. */
export function erode(mask: Mask, radius: number): Mask {
  return filtered(mask, radius, 255);
}

/** Largest values; smallest where `flip` is 255, which turns all values over. */
function filtered({ width, height, data }: Mask, radius: number, flip: 0 | 255): Mask {
  const out = data.slice();
  if (radius > 0) {
    const scratch = scratchFor(Math.max(width, height), radius);
    for (let y = 0; y < height; y++) largest(out, y * width, 1, width, radius, flip, scratch);
    for (let x = 0; x < width; x++) largest(out, x, width, height, radius, flip, scratch);
  }
  return { width, height, data: out };
}

interface Scratch {
  readonly line: Uint8Array;
  readonly ahead: Uint8Array;
  readonly behind: Uint8Array;
}

function scratchFor(length: number, radius: number): Scratch {
  // A line that is padded on both sides, up to whole blocks.
  const size = length + 4 * Math.min(radius, length) + 2;
  return {
    line: new Uint8Array(size),
    ahead: new Uint8Array(size),
    behind: new Uint8Array(size),
  };
}

/** Replaces `count` values from `start` on, `stride` apart, by the largest around each. */
function largest(
  data: Uint8Array,
  start: number,
  stride: number,
  count: number,
  wanted: number,
  flip: 0 | 255,
  { line, ahead, behind }: Scratch,
): void {
  const radius = Math.min(wanted, count);
  const block = 2 * radius + 1;
  const padded = Math.ceil((count + 2 * radius) / block) * block;
  line.fill(0, 0, padded);
  for (let i = 0; i < count; i++) line[radius + i] = data[start + i * stride]! ^ flip;
  for (let from = 0; from < padded; from += block) {
    const last = from + block - 1;
    ahead[from] = line[from]!;
    for (let i = from + 1; i <= last; i++) ahead[i] = Math.max(ahead[i - 1]!, line[i]!);
    behind[last] = line[last]!;
    for (let i = last - 1; i >= from; i--) behind[i] = Math.max(behind[i + 1]!, line[i]!);
  }
  for (let i = 0; i < count; i++) {
    data[start + i * stride] = Math.max(behind[i]!, ahead[i + block - 1]!) ^ flip;
  }
}
