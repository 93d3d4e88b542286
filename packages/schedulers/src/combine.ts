import { type FloatTensor, type LinearTerms, linear, linearInto, zeros } from "@underpaint/core";

/**
 * The linear combination of any number of tensors of one shape: core's `linear` for the solvers
 * that need more than its four terms. Up to six terms take one pass and are rounded once.
 */
export function combine(
  coefficients: readonly number[],
  tensors: readonly FloatTensor[],
): FloatTensor {
  const used = coefficients.flatMap((coefficient, k) => (coefficient === 0 ? [] : [k]));
  if (used.length <= 4) {
    if (used.length === 0) return zeros("float32", tensors[0]!.dims);
    const terms = used.flatMap((k) => [coefficients[k]!, tensors[k]!]);
    return linear(...(terms as unknown as LinearTerms));
  }
  const result = zeros("float32", tensors[0]!.dims);
  const scales = used.map((k) => coefficients[k]!);
  const arrays = used.map((k) => tensors[k]!.data);
  if (used.length === 5) addFive(result.data, scales, arrays);
  else addSix(result.data, scales, arrays);
  for (const k of used.slice(6)) linearInto(result, 1, result, coefficients[k]!, tensors[k]!);
  return result;
}

function addFive(
  result: Float32Array,
  scales: readonly number[],
  arrays: readonly Float32Array[],
): void {
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = scales;
  const [p = result, q = result, r = result, s = result, t = result] = arrays;
  for (let i = 0; i < result.length; i++) {
    result[i] = a * p[i]! + b * q[i]! + c * r[i]! + d * s[i]! + e * t[i]!;
  }
}

function addSix(
  result: Float32Array,
  scales: readonly number[],
  arrays: readonly Float32Array[],
): void {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = scales;
  const [p = result, q = result, r = result, s = result, t = result, u = result] = arrays;
  for (let i = 0; i < result.length; i++) {
    result[i] = a * p[i]! + b * q[i]! + c * r[i]! + d * s[i]! + e * t[i]! + f * u[i]!;
  }
}
