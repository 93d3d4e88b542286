import { createImage, type RgbaImage } from "../image/image.js";
import type { Mask } from "./mask.js";
import type { Rect } from "./rect.js";

/**
 * The new pixels alone, as a layer of the picture's size: their colour, and the share as alpha;
 * transparent black elsewhere.
 *
 * @param made the part of the picture that was made anew, opaque.
 * @param at where it lies. Outside of it the share must be 0.
 */
export function newPixels(made: RgbaImage, at: Rect, share: Mask): RgbaImage {
  const layer = createImage(share.width, share.height);
  for (let y = 0; y < at.height; y++) {
    for (let x = 0; x < at.width; x++) {
      const to = (at.y + y) * share.width + at.x + x;
      const alpha = share.data[to]!;
      if (alpha === 0) continue;
      const from = 4 * (y * at.width + x);
      layer.data.set(made.data.subarray(from, from + 3), 4 * to);
      layer.data[4 * to + 3] = alpha;
    }
  }
  return layer;
}

/**
 * A layer laid over a picture of the same size: source over, alpha not multiplied in. Where the
 * layer is transparent, the picture's bytes are as they were, those of its transparent pixels too.
 */
export function layOver(image: RgbaImage, layer: RgbaImage): RgbaImage {
  const out = createImage(image.width, image.height, image.data.slice());
  const { data } = out;
  for (let i = 0; i < data.length; i += 4) {
    const share = layer.data[i + 3]!;
    if (share === 0) continue;
    const over = 255 * share;
    const under = data[i + 3]! * (255 - share);
    for (let c = i; c < i + 3; c++) {
      data[c] = (over * layer.data[c]! + under * data[c]!) / (over + under);
    }
    data[i + 3] = (over + under) / 255;
  }
  return out;
}
