import { type Denoise, type FloatTensor, type NoiseLevel, zeros } from "@underpaint/core";

/** Independent normal data; lists are gone through again and again over a tensor's elements. */
export interface GaussianData {
  /** The data's mean: 0. */
  readonly mean?: number | readonly number[];
  /** The data's standard deviation, above 0: 1. */
  readonly deviation?: number | readonly number[];
}

/** What is known of Gaussian data in closed form, at any {@link NoiseLevel} and on any scale. */
export interface GaussianDenoiser {
  /** The clean estimate that a perfect network gives: the mean of the data, given the latents. */
  readonly denoise: Denoise;
  /** What a perfect consistency model gives: where the latents' path ends, without noise. */
  readonly consistent: Denoise;
  /** The exact solution of the probability-flow ODE: latents at `from`, carried to `to`. */
  carry(latents: FloatTensor, from: NoiseLevel, to: NoiseLevel): FloatTensor;
  /** Latents at a level, from unit normals: distributed as noisy data are. */
  latents(level: NoiseLevel, normals: FloatTensor): FloatTensor;
  /** The mean of latents at a level, of element `i`. */
  mean(level: NoiseLevel, i: number): number;
  /** The standard deviation of latents at a level, of element `i`. */
  deviation(level: NoiseLevel, i: number): number;
}

/**
 * A denoiser without error, and the path that it describes.
 *
 * With data x0 ~ N(m, s²), latents z = alpha · x0 + sigma · noise are normal with mean alpha · m
 * and variance v = alpha² s² + sigma²; the clean estimate is
 * E[x0 | z] = m + alpha s² (z − alpha m) / v, and along the probability-flow ODE (Song et al.,
 * arXiv 2011.13456, equation 13) (z − alpha m) / √v is constant.
 */
export function gaussianDenoiser(data: GaussianData = {}): GaussianDenoiser {
  const [means, deviations] = [listOf(data.mean ?? 0), listOf(data.deviation ?? 1)];
  const m = (i: number) => means[i % means.length]!;
  const s = (i: number) => deviations[i % deviations.length]!;
  const mean = ({ alpha }: NoiseLevel, i: number) => alpha * m(i);
  const deviation = ({ alpha, sigma }: NoiseLevel, i: number) =>
    Math.sqrt((alpha * s(i)) ** 2 + sigma ** 2);
  /** How many deviations the latents are away from their mean. */
  const place = (value: number, level: NoiseLevel, i: number) =>
    (value - mean(level, i)) / deviation(level, i);

  return {
    mean,
    deviation,
    denoise: async (latents, level) =>
      map(latents, (z, i) => {
        const gain = (level.alpha * s(i) ** 2) / deviation(level, i);
        return m(i) + gain * place(z, level, i);
      }),
    consistent: async (latents, level) => map(latents, (z, i) => m(i) + s(i) * place(z, level, i)),
    carry: (latents, from, to) =>
      map(latents, (z, i) => mean(to, i) + deviation(to, i) * place(z, from, i)),
    latents: (level, normals) =>
      map(normals, (normal, i) => mean(level, i) + deviation(level, i) * normal),
  };
}

function listOf(value: number | readonly number[]): readonly number[] {
  return typeof value === "number" ? [value] : value;
}

function map(source: FloatTensor, change: (value: number, i: number) => number): FloatTensor {
  const result = zeros("float32", source.dims);
  source.data.forEach((value, i) => {
    result.data[i] = change(value, i);
  });
  return result;
}
