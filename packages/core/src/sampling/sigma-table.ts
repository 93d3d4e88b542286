import type { DiffusionNoise } from "./noise-model.js";

/**
 * The sigmas of a model's training timesteps, as solvers over sigma = √(1 − ᾱ) / √ᾱ see them.
 * Float32 values, as in the reference; ascending.
 */
export interface SigmaTable {
  readonly sigmas: Float64Array;
  readonly logSigmas: Float64Array;
}

const { fround } = Math;

/**
 * The float16 smallest positive number: what the reference puts in place of a last ᾱ of 0, whose
 * sigma would be infinite. It makes the first sigma 4096.
 */
const nearlyNoPicture = 2 ** -24;

/**
 * The sigmas of a noise model.
 *
 * Roots and logarithms are rounded correctly. Torch's and NumPy's float32 ones are off by a bit in
 * a fifth of all values, which ones depends on the machine: sigmas agree to 1.2e-7.
 */
export function sigmaTable(noise: DiffusionNoise): SigmaTable {
  const sigmas = noise.alphasCumprod.map((value) => {
    const left = value === 0 ? nearlyNoPicture : value;
    return fround(Math.sqrt(fround(fround(1 - left) / left)));
  });
  return { sigmas, logSigmas: sigmas.map((sigma) => fround(Math.log(sigma))) };
}

/** The sigma at a timestep, linear between the table's (Euler and DPM-Solver do so, not in ln). */
export function sigmaAt({ sigmas }: SigmaTable, timestep: number): number {
  const last = sigmas.length - 1;
  if (timestep <= 0) return sigmas[0]!;
  if (timestep >= last) return sigmas[last]!;
  const low = Math.floor(timestep);
  const [below, above] = [sigmas[low]!, sigmas[low + 1]!];
  return (above - below) * (timestep - low) + below;
}

/** The precision in which the reference finds a timestep: it shows in the last bit of the result. */
export type TimestepPrecision = "double" | "float32-share" | "float32";

const exact = (value: number): number => value;

/**
 * The fractional timestep whose sigma this is, linear in ln sigma; the ends for what lies beyond.
 *
 * @param precision `double` for sigmas that the reference holds in double (Karras and so on);
 * `float32-share` for custom sigmas, where only the share between two timesteps is float32;
 * `float32` for DPM2's midpoints.
 */
export function timestepOf(
  { logSigmas }: SigmaTable,
  sigma: number,
  precision: TimestepPrecision = "double",
): number {
  const share32 = precision === "double" ? exact : fround;
  const result32 = precision === "float32" ? fround : exact;
  const wanted = share32(Math.log(share32(Math.max(sigma, 1e-10))));
  let low = 0;
  let high = logSigmas.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (logSigmas[middle]! <= wanted) low = middle;
    else high = middle;
  }
  const [below, above] = [logSigmas[low]!, logSigmas[low + 1]!];
  const place = share32(share32(below - wanted) / fround(below - above));
  const share = Math.min(1, Math.max(0, place));
  return result32(result32(share32(1 - share) * low) + result32(share * (low + 1)));
}
