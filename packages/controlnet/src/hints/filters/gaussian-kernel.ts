import { roundHalfEven } from "./round.js";

/** The widest blur that a hint may ask for, in pixels. */
export const largestSigma = 64;

/**
 * The taps of OpenCV's `GaussianBlur` for a size that is left to it: 4 sigma each way for floats,
 * 3 for bytes.
 */
export function kernelSize(sigma: number, samples: "float" | "byte"): number {
  return roundHalfEven(sigma * (samples === "byte" ? 3 : 4) * 2 + 1) | 1;
}

/** `size` (odd) samples of a Gaussian that sum to 1, as OpenCV's `getGaussianKernel`. */
export function gaussianKernel(size: number, sigma: number): Float64Array {
  const half = (size - 1) / 2;
  const kernel = new Float64Array(size);
  const scale = -0.125 / (sigma * sigma);
  let sum = 0;
  for (let i = 0, x = 1 - size; i < half; i++, x += 2) {
    kernel[i] = Math.exp(x * x * scale);
    sum += kernel[i]!;
  }
  const inverse = 1 / (2 * sum + 1);
  for (let i = 0; i < half; i++) {
    kernel[i]! *= inverse;
    kernel[size - 1 - i] = kernel[i]!;
  }
  kernel[half] = inverse;
  return kernel;
}

/**
 * The same in units of 1/256 that sum to 256: each rounded, its error handed on to the next, the
 * middle taking what is left.
 */
export function gaussianKernelBytes(size: number, sigma: number): Int32Array {
  const exact = gaussianKernel(size, sigma);
  const half = (size - 1) / 2;
  const kernel = new Int32Array(size);
  let error = 0;
  let sum = 0;
  for (let i = 0; i < half; i++) {
    const wanted = exact[i]! * 256 + error;
    const weight = roundHalfEven(wanted);
    error = wanted - weight;
    kernel[i] = weight;
    kernel[size - 1 - i] = weight;
    sum += 2 * weight;
  }
  kernel[half] = 256 - sum;
  return kernel;
}
