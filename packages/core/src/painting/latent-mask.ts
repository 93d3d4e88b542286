import { type FloatTensor, zeros } from "../tensor/tensor.js";
import { halfMask } from "./fill.js";
import type { Mask } from "./mask.js";

/**
 * A mask at the latents' size, [1, 1, height, width], 0 to 1.
 *
 * @param scale pixels along a side of a latent.
 * @param edge `hard`: 0 or 1, by the first pixel of each latent, as diffusers' pipelines take it;
 * `soft`: the mean over each latent's pixels.
 */
export function latentMask(mask: Mask, scale: number, edge: "hard" | "soft"): FloatTensor {
  const [height, width] = [mask.height / scale, mask.width / scale];
  const out = zeros("float32", [1, 1, height, width]);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const first = y * scale * mask.width + x * scale;
      out.data[i] = edge === "hard" ? Number(mask.data[first]! >= halfMask) : mean(first);
    }
  }
  return out;

  function mean(first: number): number {
    let sum = 0;
    for (let y = 0; y < scale; y++) {
      const row = first + y * mask.width;
      for (let x = row; x < row + scale; x++) sum += mask.data[x]!;
    }
    return sum / (255 * scale * scale);
  }
}

/**
 * What a network for inpainting takes beside its latents, [1, 1 + channels, height, width]: the
 * mask, and the latents of the picture without what is masked.
 */
export function inpaintingInput(mask: FloatTensor, masked: FloatTensor): FloatTensor {
  const [, channels = 0, height = 0, width = 0] = masked.dims;
  const out = zeros("float32", [1, 1 + channels, height, width]);
  out.data.set(mask.data);
  out.data.set(masked.data, mask.data.length);
  return out;
}

/** Pixels [1, 3, height, width], −1 to 1, with 0 (grey) where the mask is a half or more. */
export function withoutMasked(pixels: FloatTensor, mask: Mask): FloatTensor {
  const plane = mask.data.length;
  const data = pixels.data.map((value, i) => (mask.data[i % plane]! < halfMask ? value : 0));
  return { ...pixels, data };
}
