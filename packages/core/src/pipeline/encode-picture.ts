import { batchEntry, type FloatTensor, zeros } from "../tensor/tensor.js";
import type { GenerationContext } from "./generate.js";
import type { SeededNoise } from "./seeded-noise.js";

/**
 * A picture's clean latents, [pictures, channels, height, width]: drawn once for each picture of the
 * request, from its own seed.
 *
 * @param pixels [1, 3, height, width], −1 to 1.
 */
export async function encodePicture(
  pixels: FloatTensor,
  pictures: number,
  noise: SeededNoise,
  { parts, stopwatch, signal, warn }: GenerationContext,
): Promise<FloatTensor> {
  const encoder = await stopwatch.time("load", () => parts.vaeEncoder(signal));
  const [, , height = 0, width = 0] = pixels.dims;
  const dims = parts.latentDims(width, height);
  const clean = zeros("float32", [pictures, ...dims]);
  if (encoder.samplesInside) {
    warn({
      code: "seed-not-binding",
      message:
        "this model's VAE encoder draws random numbers inside its graph: the seed does not make the same picture again.",
    });
  }
  for (let k = 0; k < pictures; k++) {
    signal?.throwIfAborted();
    const encoded = await stopwatch.time("vaeEncoder", () =>
      encoder.encode(pixels, { mode: "sample", noise: () => noise.one(k, [1, ...dims]) }),
    );
    batchEntry(clean, k).data.set(encoded.data);
  }
  return clean;
}
