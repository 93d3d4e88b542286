import { roundHalfEven } from "./round.js";

/**
 * OpenCV's `resize` with INTER_AREA to a size that is no larger either way: each new pixel is the
 * mean of the old ones under it, those at its rim by the share that is covered. Sums in float32,
 * rounded half to even, as OpenCV's.
 *
 * @param samples `channels` bytes a pixel, row by row.
 */
export function shrinkByArea(
  samples: Uint8Array,
  width: number,
  height: number,
  newWidth: number,
  newHeight: number,
  channels: number,
): Uint8Array {
  const across = shares(width, newWidth);
  const down = shares(height, newHeight);
  const even = isWhole(across.scale) && isWhole(down.scale);
  if (even) {
    const sides = [Math.round(across.scale), Math.round(down.scale)] as const;
    return meanOfBlocks(samples, width, newWidth, newHeight, channels, ...sides);
  }
  const row = newWidth * channels;
  const out = new Uint8Array(row * newHeight);
  const rowSums = new Float32Array(row);
  const sums = new Float32Array(row);
  for (let j = 0; j < down.to.length; j++) {
    const start = down.from[j]! * width * channels;
    rowSums.fill(0);
    for (let k = 0; k < across.to.length; k++) {
      const from = start + across.from[k]! * channels;
      const to = across.to[k]! * channels;
      const share = across.share[k]!;
      for (let c = 0; c < channels; c++) {
        rowSums[to + c] = rowSums[to + c]! + Math.fround(samples[from + c]! * share);
      }
    }
    const y = down.to[j]!;
    const weight = down.share[j]!;
    const first = j === 0 || down.to[j - 1] !== y;
    for (let i = 0; i < row; i++) {
      const part = Math.fround(weight * rowSums[i]!);
      sums[i] = first ? part : sums[i]! + part;
    }
    if (j + 1 === down.to.length || down.to[j + 1] !== y) {
      for (let i = 0; i < row; i++) out[y * row + i] = toByte(sums[i]!);
    }
  }
  return out;
}

function toByte(value: number): number {
  return Math.min(255, Math.max(0, roundHalfEven(value)));
}

function isWhole(scale: number): boolean {
  return Math.abs(scale - Math.round(scale)) < Number.EPSILON;
}

/** Which share of each new position every old one has, in order. */
interface Shares {
  readonly scale: number;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly share: Float32Array;
}

function shares(size: number, newSize: number): Shares {
  const scale = 1 / (newSize / size);
  const from = new Int32Array(size + 2 * newSize);
  const to = new Int32Array(from.length);
  const share = new Float32Array(from.length);
  let count = 0;
  const add = (old: number, position: number, weight: number) => {
    from[count] = old;
    to[count] = position;
    share[count++] = weight;
  };
  // Rims narrower than this are none.
  const rim = 1e-3;
  for (let position = 0; position < newSize; position++) {
    const start = position * scale;
    const end = start + scale;
    const cell = Math.min(scale, size - start);
    const last = Math.min(Math.floor(end), size - 1);
    const first = Math.min(Math.ceil(start), last);
    if (first - start > rim) add(first - 1, position, (first - start) / cell);
    for (let old = first; old < last; old++) add(old, position, 1 / cell);
    if (end - last > rim) add(last, position, Math.min(end - last, 1, cell) / cell);
  }
  return {
    scale,
    from: from.subarray(0, count),
    to: to.subarray(0, count),
    share: share.subarray(0, count),
  };
}

/** Whole blocks are summed in whole numbers; those of 2 × 2 are rounded half up. */
function meanOfBlocks(
  samples: Uint8Array,
  width: number,
  newWidth: number,
  newHeight: number,
  channels: number,
  across: number,
  down: number,
): Uint8Array {
  const out = new Uint8Array(newWidth * newHeight * channels);
  const share = Math.fround(1 / (across * down));
  const quarters = across === 2 && down === 2;
  const row = width * channels;
  let at = 0;
  for (let y = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        const start = y * down * row + x * across * channels + c;
        for (let j = 0; j < down; j++) {
          for (let i = 0; i < across; i++) sum += samples[start + j * row + i * channels]!;
        }
        out[at++] = quarters ? (sum + 2) >> 2 : toByte(Math.fround(Math.fround(sum) * share));
      }
    }
  }
  return out;
}
