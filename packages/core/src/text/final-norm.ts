import { type FloatTensor, zeros } from "../tensor/tensor.js";

/** A layer norm's parameters, one of each a channel. */
export interface FinalNorm {
  readonly weight: Float64Array;
  readonly bias: Float64Array;
  readonly epsilon: number;
}

/**
 * Recovers a layer norm from what went in and what came out, both [1, tokens, width]:
 * out = (in − mean) / √(variance + ε) · weight + bias is a line for each channel, which is fitted
 * to the tokens by least squares. There must be tokens that differ.
 *
 * @returns the norm, and how far it is from explaining `normed`: the root mean square of what is
 * left over that of `normed`. It is of the order of the values' rounding where `normed` is a layer
 * norm of `hidden`, and of the order of 1 where it is not.
 */
export function fitFinalNorm(
  hidden: FloatTensor,
  normed: FloatTensor,
  epsilon: number,
): { norm: FinalNorm; residual: number } {
  const [, tokens = 0, width = 0] = hidden.dims;
  const standard = standardize(hidden, epsilon);
  const weight = new Float64Array(width);
  const bias = new Float64Array(width);
  let [left, total] = [0, 0];
  for (let channel = 0; channel < width; channel++) {
    let [meanX, meanY] = [0, 0];
    for (let i = channel; i < standard.length; i += width) {
      meanX += standard[i]! / tokens;
      meanY += normed.data[i]! / tokens;
    }
    let [xx, xy] = [0, 0];
    for (let i = channel; i < standard.length; i += width) {
      xx += (standard[i]! - meanX) ** 2;
      xy += (standard[i]! - meanX) * (normed.data[i]! - meanY);
    }
    const slope = xx > 0 ? xy / xx : 0;
    weight[channel] = slope;
    bias[channel] = meanY - slope * meanX;
    for (let i = channel; i < standard.length; i += width) {
      left += (normed.data[i]! - standard[i]! * slope - bias[channel]!) ** 2;
      total += normed.data[i]! ** 2;
    }
  }
  return { norm: { weight, bias, epsilon }, residual: total > 0 ? Math.sqrt(left / total) : 1 };
}

/** The layer norm of hidden states [1, tokens, width]. */
export function applyFinalNorm(
  { weight, bias, epsilon }: FinalNorm,
  hidden: FloatTensor,
): FloatTensor {
  const out = zeros("float32", hidden.dims);
  const standard = standardize(hidden, epsilon);
  for (let i = 0; i < standard.length; i++) {
    const channel = i % weight.length;
    out.data[i] = standard[i]! * weight[channel]! + bias[channel]!;
  }
  return out;
}

/** Each token's values with mean 0 and variance 1. */
function standardize({ dims, data }: FloatTensor, epsilon: number): Float64Array {
  const [, , width = 0] = dims;
  const out = new Float64Array(data.length);
  for (let start = 0; start < data.length; start += width) {
    let mean = 0;
    for (let i = start; i < start + width; i++) mean += data[i]! / width;
    let variance = 0;
    for (let i = start; i < start + width; i++) variance += (data[i]! - mean) ** 2 / width;
    const scale = 1 / Math.sqrt(variance + epsilon);
    for (let i = start; i < start + width; i++) out[i] = (data[i]! - mean) * scale;
  }
  return out;
}
