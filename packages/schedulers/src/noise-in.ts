import { type FloatTensor, linear, type NoiseLevel } from "@underpaint/core";

/** The noise in latents, given the estimate of what is clean in them. */
export function noiseIn(
  latents: FloatTensor,
  estimate: FloatTensor,
  { alpha, sigma }: NoiseLevel,
): FloatTensor {
  return linear(1 / sigma, latents, -alpha / sigma, estimate);
}
