import { roundHalfEven } from "./round.js";

/** For each new position: its first old one, and `length` weights in units of 2^−11. */
export interface Taps {
  readonly length: number;
  readonly starts: Int32Array;
  readonly weights: Int32Array;
}

const weightUnit = 2048;

/**
 * The taps of OpenCV's INTER_LANCZOS4: a sinc windowed by a sinc over 4 pixels each way, the same
 * 8 taps whatever the factor, so a picture that gets smaller aliases.
 */
export function lanczosTaps(size: number, newSize: number): Taps {
  const starts = new Int32Array(newSize);
  const weights = new Int32Array(8 * newSize);
  const scale = 1 / (newSize / size);
  const exact = new Float32Array(8);
  for (let position = 0; position < newSize; position++) {
    const center = Math.fround((position + 0.5) * scale - 0.5);
    const whole = Math.floor(center);
    starts[position] = whole - 3;
    lanczosWeights(Math.fround(center - whole), exact);
    for (let k = 0; k < 8; k++) {
      weights[8 * position + k] = roundHalfEven(Math.fround(exact[k]! * weightUnit));
    }
  }
  return { length: 8, starts, weights };
}

/** sin(t − 3π/4 + kπ/4) as a sum over sin t and cos t of the first tap's angle. */
const half = Math.SQRT1_2;
const turns = [
  [1, 0],
  [-half, -half],
  [0, 1],
  [half, -half],
  [-1, 0],
  [half, half],
  [0, -1],
  [-half, half],
] as const;

/** Weights for a point `x` (0 to 1) behind the fourth of eight pixels; they sum to 1. */
function lanczosWeights(x: number, out: Float32Array): void {
  if (x < 2 ** -23) {
    out.fill(0);
    out[3] = 1;
    return;
  }
  const quarter = Math.PI * 0.25;
  // Distances are float32 in OpenCV, which shows in a weight now and then.
  const reach = Math.fround(x + 3);
  const angle = -reach * quarter;
  const sine = Math.sin(angle);
  const cosine = Math.cos(angle);
  let sum = 0;
  for (let k = 0; k < 8; k++) {
    const y = -Math.fround(reach - k) * quarter;
    const [a, b] = turns[k]!;
    out[k] = (a * sine + b * cosine) / (y * y);
    sum = Math.fround(sum + out[k]!);
  }
  const inverse = Math.fround(1 / sum);
  for (let k = 0; k < 8; k++) out[k] = out[k]! * inverse;
}

/**
 * The taps of OpenCV's INTER_AREA where a picture gets larger: two, of which the second counts only
 * where the new pixel reaches over the old ones' edge.
 */
export function areaTaps(size: number, newSize: number): Taps {
  const starts = new Int32Array(newSize);
  const weights = new Int32Array(2 * newSize);
  const inverse = newSize / size;
  const scale = 1 / inverse;
  for (let position = 0; position < newSize; position++) {
    let start = Math.floor(position * scale);
    let rest = Math.fround(position + 1 - (start + 1) * inverse);
    rest = rest <= 0 ? 0 : Math.fround(rest - Math.floor(rest));
    if (start >= size - 1) {
      start = size - 1;
      rest = 0;
    }
    starts[position] = start;
    weights[2 * position] = roundHalfEven(Math.fround(Math.fround(1 - rest) * weightUnit));
    weights[2 * position + 1] = roundHalfEven(Math.fround(rest * weightUnit));
  }
  return { length: 2, starts, weights };
}

/**
 * Resamples rows, then columns, in whole numbers as OpenCV does: positions beyond the border are
 * the border's. Eight taps are rounded once at the end; two lose 4 and 16 bits on the way, as
 * OpenCV's vectors do.
 *
 * @param samples `channels` bytes a pixel, row by row.
 */
export function resample(
  samples: Uint8Array,
  width: number,
  height: number,
  across: Taps,
  down: Taps,
  channels: number,
): Uint8Array {
  const newWidth = across.starts.length;
  const newHeight = down.starts.length;
  const row = newWidth * channels;
  // The rows that one new row needs; `held` tells which old row lies in which.
  const ring = new Int32Array(down.length * row);
  const held = new Int32Array(down.length).fill(-1);
  const out = new Uint8Array(newHeight * row);
  const sums = new Float64Array(row);
  const two = down.length === 2;
  for (let y = 0; y < newHeight; y++) {
    sums.fill(two ? 2 : 2 ** 21);
    for (let k = 0; k < down.length; k++) {
      const old = Math.min(height - 1, Math.max(0, down.starts[y]! + k));
      const slot = old % down.length;
      const line = ring.subarray(slot * row, (slot + 1) * row);
      if (held[slot] !== old) {
        resampleRow(samples.subarray(old * width * channels), width, across, channels, line);
        held[slot] = old;
      }
      const weight = down.weights[down.length * y + k]!;
      if (two) for (let i = 0; i < row; i++) sums[i]! += (weight * (line[i]! >> 4)) >> 16;
      else for (let i = 0; i < row; i++) sums[i]! += weight * line[i]!;
    }
    const unit = two ? 4 : 2 ** 22;
    for (let i = 0; i < row; i++) {
      out[y * row + i] = Math.min(255, Math.max(0, Math.floor(sums[i]! / unit)));
    }
  }
  return out;
}

function resampleRow(
  samples: Uint8Array,
  width: number,
  { length, starts, weights }: Taps,
  channels: number,
  out: Int32Array,
): void {
  for (let x = 0; x < starts.length; x++) {
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let k = 0; k < length; k++) {
        const old = Math.min(width - 1, Math.max(0, starts[x]! + k));
        sum += weights[length * x + k]! * samples[old * channels + c]!;
      }
      out[x * channels + c] = sum;
    }
  }
}
