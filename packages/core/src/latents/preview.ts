import { UnderpaintError } from "../errors.js";
import { createImage, type RgbaImage } from "../image/image.js";
import type { JsonObject } from "../model/json.js";
import type { FloatTensor } from "../tensor/tensor.js";
import type { VaeDecoder } from "./vae-decoder.js";

/**
 * A linear map of latents to colours: how red, green and blue (−1 to 1) follow from the channels
 * of one latent, as 3 rows of a weight for each channel and an offset.
 */
export interface PreviewMap {
  readonly channels: number;
  /** 3 · (channels + 1) numbers. */
  readonly coefficients: Float32Array;
}

/**
 * The map of the VAE that Stable Diffusion 1 and 2 share, as determined by the user keturn:
 * https://discuss.huggingface.co/t/decoding-latents-to-rgb-without-upscaling/23204/2
 */
export const stableDiffusionPreview: PreviewMap = {
  channels: 4,
  coefficients: Float32Array.of(
    ...[0.298, 0.187, -0.158, -0.184, 0],
    ...[0.207, 0.286, 0.189, -0.271, 0],
    ...[0.208, 0.173, 0.264, -0.473, 0],
  ),
};

/**
 * A small picture, one pixel for each latent, of entry `index` of [n, channels, h, w]: roughly
 * what its decoded picture will look like.
 *
 * @throws UnderpaintError `invalid-request` for other dims, or an index that the batch lacks.
 */
export function previewImage(
  latents: FloatTensor,
  { channels, coefficients }: PreviewMap,
  index = 0,
): RgbaImage {
  const [n = 0, found, height = 0, width = 0] = latents.dims;
  if (latents.dims.length !== 4 || found !== channels || !(index >= 0 && index < n)) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `there is no preview of entry ${index} of these latents`,
      value: latents.dims,
      allowed: `[n, ${channels}, height, width], and an index below n`,
    });
  }
  const plane = height * width;
  const entry = latents.data.subarray(index * channels * plane, (index + 1) * channels * plane);
  const image = createImage(width, height);
  for (let i = 0; i < plane; i++) {
    for (let colour = 0; colour < 3; colour++) {
      const row = colour * (channels + 1);
      let value = coefficients[row + channels]!;
      for (let c = 0; c < channels; c++) value += coefficients[row + c]! * entry[c * plane + i]!;
      // The array clamps to 0 … 255 and rounds.
      image.data[4 * i + colour] = (value + 1) * 127.5;
    }
    image.data[4 * i + 3] = 255;
  }
  return image;
}

/** Makes a small picture of latents; see {@link previewImage}. */
export type LatentPreview = (latents: FloatTensor, index?: number) => Promise<RgbaImage>;

/**
 * The preview of one model. Its map is the known one where the VAE is Stable Diffusion's, and else
 * fitted to the decoder at the first call ({@link fitPreview}: one run over 16 × 16 latents).
 *
 * @param config the VAE's config.json.
 * @param decoder loads the decoder; called only where a map must be fitted.
 */
export function createLatentPreview(
  config: JsonObject,
  decoder: () => Promise<VaeDecoder>,
): LatentPreview {
  let fitted: Promise<PreviewMap> | undefined;
  const known = isStableDiffusions(config) ? stableDiffusionPreview : undefined;
  return async (latents, index) => {
    if (known) return previewImage(latents, known, index);
    fitted ??= Promise.all([decoder(), import("./preview-fit.js")])
      .then(([loaded, { fitPreview }]) => fitPreview(loaded))
      .catch((error) => {
        // A decoder that could not be loaded may be there the next time.
        fitted = undefined;
        throw error;
      });
    return previewImage(latents, await fitted, index);
  };
}

/** Whether a config describes the VAE of Stable Diffusion 1 and 2, whose latents all models share. */
function isStableDiffusions(config: JsonObject): boolean {
  const { block_out_channels: levels, latent_channels: channels, scaling_factor: scale } = config;
  return (
    Array.isArray(levels) &&
    levels.join() === "128,256,512,512" &&
    (channels ?? 4) === 4 &&
    (scale ?? 0.18215) === 0.18215
  );
}
