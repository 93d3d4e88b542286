import { type Denoise, linear, type NoiseModel, preconditioning, zeros } from "@underpaint/core";

/**
 * Exact estimates, taken the way that a network's go: as what the model predicts, in float32, and
 * from there back. Where a prediction says nothing of the picture, NaN or infinity comes out, as
 * it would of a network's.
 */
export function throughNetwork(denoise: Denoise, noiseModel: NoiseModel): Denoise {
  return async (latents, level) => {
    const { skip, output } = preconditioning(noiseModel, level);
    const estimate = await denoise(latents, level);
    const prediction = zeros("float32", latents.dims);
    estimate.data.forEach((value, i) => {
      prediction.data[i] = (value - skip * latents.data[i]!) / output;
    });
    return linear(skip, latents, output, prediction);
  };
}
