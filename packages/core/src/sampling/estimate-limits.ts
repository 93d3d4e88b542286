import { copy } from "../tensor/linear.js";
import type { FloatTensor } from "../tensor/tensor.js";
import { flagOption, numberOption } from "./options.js";

/** How a clean estimate is kept in bounds; for models of pixels, harmful for latents. */
export interface DynamicThresholdOptions {
  /** Whether to use dynamic thresholding (section 2.3 of Imagen, arXiv 2205.11487). */
  readonly thresholding?: boolean;
  /** The quantile of absolute values that becomes the threshold: 0.995. */
  readonly dynamicThresholdingRatio?: number;
  /** The largest threshold: 1. */
  readonly sampleMaxValue?: number;
}

/** Plain clipping of the clean estimate; for models of pixels, harmful for latents. */
export interface ClipOptions {
  /** Whether to clip the clean estimate. */
  readonly clipSample?: boolean;
  /** Where to clip it: at −1 and 1. */
  readonly clipSampleRange?: number;
}

/** Both ways to keep a clean estimate in bounds; thresholding goes before clipping. */
export interface EstimateLimitOptions extends DynamicThresholdOptions, ClipOptions {}

/** How {@link DynamicThresholdOptions} are read. */
export const thresholdFields = {
  thresholding: flagOption(false),
  dynamicThresholdingRatio: numberOption(0.995, 0, 1),
  sampleMaxValue: numberOption(1, 0, 1e6),
};

/** How plain clipping is read. */
export const clipFields = {
  clipSample: flagOption(false),
  clipSampleRange: numberOption(1, 0, 1e6),
};

/** How {@link EstimateLimitOptions} are read. */
export const estimateLimitFields = { ...thresholdFields, ...clipFields };

/** The clean estimate within its limits: a new tensor, or the same one where there are none. */
export function limitEstimate(estimate: FloatTensor, options: EstimateLimitOptions): FloatTensor {
  const { thresholding, clipSample, clipSampleRange: range = 1 } = options;
  if (thresholding) return threshold(estimate, options);
  if (!clipSample) return estimate;
  const clipped = copy(estimate);
  const { data } = clipped;
  for (let i = 0; i < data.length; i++) data[i] = Math.max(-range, Math.min(range, data[i]!));
  return clipped;
}

/**
 * Each picture clipped to ±s and divided by s, where s is the given quantile of its absolute
 * values, held between 1 and `sampleMaxValue`.
 */
function threshold(
  estimate: FloatTensor,
  { dynamicThresholdingRatio = 0.995, sampleMaxValue = 1 }: DynamicThresholdOptions,
): FloatTensor {
  const limited = copy(estimate);
  const pictures = estimate.dims[0] ?? 1;
  const size = limited.data.length / pictures;
  const sorted = new Float32Array(size);
  for (let k = 0; k < pictures; k++) {
    const picture = limited.data.subarray(k * size, (k + 1) * size);
    for (let i = 0; i < size; i++) sorted[i] = Math.abs(picture[i]!);
    sorted.sort();
    const s = Math.min(sampleMaxValue, Math.max(1, quantile(sorted, dynamicThresholdingRatio)));
    for (let i = 0; i < size; i++) picture[i] = Math.max(-s, Math.min(s, picture[i]!)) / s;
  }
  return limited;
}

/** Linear between the two nearest of the sorted values, as `torch.quantile`. */
function quantile(sorted: Float32Array, ratio: number): number {
  const place = ratio * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}
