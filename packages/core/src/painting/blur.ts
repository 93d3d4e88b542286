import type { Mask } from "./mask.js";

/** Kernels up to this many pixels are exact; wider ones are three passes of plain means. */
const widestExact = 65;

/**
 * The mask blurred by a Gaussian whose kernel is `size` pixels wide, so that it reaches
 * (size − 1) / 2 pixels and no further; sizes are rounded up to odd ones. Beyond the picture its
 * border goes on.
 *
 * The deviation is the one that OpenCV's `getGaussianKernel` takes for a size,
 * 0.3 · ((size − 1) / 2 − 1) + 0.8. From 67 pixels on three running means take the Gaussian's
 * place, within 3 levels of it, so that time does not grow with the size.
 */
export function blur({ width, height, data }: Mask, size: number): Mask {
  const reach = Math.ceil((size - 1) / 2);
  if (!(reach > 0)) return { width, height, data: data.slice() };
  const pass = 2 * reach + 1 <= widestExact ? convolving(gaussian(reach)) : averaging(reach);
  const values = Float32Array.from(data);
  const longest = Math.max(width, height);
  const line = new Float32Array(longest + 2 * reach);
  const scratch = new Float32Array(line.length);
  const each = (start: number, stride: number, count: number): void => {
    for (let i = 0; i < count; i++) line[reach + i] = values[start + i * stride]!;
    line.fill(line[reach]!, 0, reach);
    line.fill(line[reach + count - 1]!, reach + count, count + 2 * reach);
    pass(line, scratch, count);
    for (let i = 0; i < count; i++) values[start + i * stride] = scratch[i]!;
  };
  for (let y = 0; y < height; y++) each(y * width, 1, width);
  for (let x = 0; x < width; x++) each(x, width, height);
  return { width, height, data: Uint8Array.from(values, Math.round) };
}

/** Writes `count` results to `out` of a line that is longer by the reach on both sides. */
type LinePass = (line: Float32Array, out: Float32Array, count: number) => void;

function deviationOf(reach: number): number {
  return 0.3 * (reach - 1) + 0.8;
}

function gaussian(reach: number): Float64Array {
  const deviation = deviationOf(reach);
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-((i - reach) ** 2) / (2 * deviation ** 2)),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function convolving(weights: Float64Array): LinePass {
  return (line, out, count) => {
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * line[i + k]!;
      out[i] = sum;
    }
  };
}

/**
 * Three running means whose variances, near · (near + 1) / 3 each, add up to the Gaussian's; they
 * reach less far than it.
 */
function averaging(reach: number): LinePass {
  const variance = deviationOf(reach) ** 2;
  const near = Math.floor((Math.sqrt(1 + 4 * variance) - 1) / 2);
  // One more pixel of reach adds 2 · (near + 1) / 3.
  const wider = Math.round((variance - near * (near + 1)) / ((2 * (near + 1)) / 3));
  const reaches = [0, 1, 2].map((k) => (k < wider ? near + 1 : near));
  const unused = reach - reaches.reduce((sum, each) => sum + each, 0);
  return (line, out, count) => {
    let left = reach - unused;
    let [from, to, skipped] = [line, out, unused];
    for (const each of reaches) {
      left -= each;
      const length = count + 2 * left;
      let sum = 0;
      for (let i = 0; i < 2 * each; i++) sum += from[i + skipped]!;
      for (let i = 0; i < length; i++) {
        sum += from[i + skipped + 2 * each]!;
        to[i] = sum / (2 * each + 1);
        sum -= from[i + skipped]!;
      }
      [from, to, skipped] = [to, from, 0];
    }
  };
}
