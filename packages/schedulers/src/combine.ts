import { type FloatTensor, type LinearTerms, linear, zeros } from "@underpaint/core";

/** Elements at a time: their double sums stay in the processor's first cache. */
const blockSize = 1024;

/**
 * The linear combination of any number of tensors of one shape, in one pass over memory, rounded
 * once: core's `linear` for the solvers that need more than its four terms.
 */
export function combine(
  coefficients: readonly number[],
  tensors: readonly FloatTensor[],
): FloatTensor {
  const used = coefficients.flatMap((coefficient, k) => (coefficient === 0 ? [] : [k]));
  if (used.length > 0 && used.length <= 4) {
    const terms = used.flatMap((k) => [coefficients[k]!, tensors[k]!]);
    return linear(...(terms as unknown as LinearTerms));
  }
  const result = zeros("float32", tensors[0]!.dims);
  const { length } = result.data;
  const sums = new Float64Array(Math.min(blockSize, length));
  for (let start = 0; start < length; start += blockSize) {
    const count = Math.min(blockSize, length - start);
    sums.fill(0);
    for (const k of used) addScaled(sums, coefficients[k]!, tensors[k]!.data, start, count);
    for (let i = 0; i < count; i++) result.data[start + i] = sums[i]!;
  }
  return result;
}

function addScaled(
  sums: Float64Array,
  scale: number,
  data: Float32Array,
  start: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) sums[i] = sums[i]! + scale * data[start + i]!;
}
