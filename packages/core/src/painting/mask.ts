import { UnderpaintError } from "../errors.js";
import { checkImage, type RgbaImage } from "../image/image.js";
import { emptyBounds, type Rect } from "./rect.js";

/** Where a picture is repainted: one byte a pixel, 0 = never touched, 255 = wholly made anew. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/**
 * What of a picture is read as a mask.
 *
 * - `luminance`: white is repainted, black is kept. Transparent pixels are read by their colour.
 * - `alpha`: what is opaque is repainted: a layer that was drawn on.
 */
export type MaskSource = "luminance" | "alpha";

/** A mask of 0. */
export function createMask(width: number, height: number): Mask {
  return { width, height, data: new Uint8Array(width * height) };
}

/** What is read where nothing is said: alpha where any pixel is less than opaque. */
export function maskSourceOf({ data }: RgbaImage): MaskSource {
  for (let i = 3; i < data.length; i += 4) if (data[i]! < 255) return "alpha";
  return "luminance";
}

/**
 * The mask for a picture.
 *
 * Luminance is ITU-R BT.601's in whole numbers, as Pillow's `convert("L")`.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, `invalid-request` for a mask of
 * another size than the picture.
 */
export function readMask(mask: RgbaImage, image: RgbaImage, source: MaskSource): Mask {
  const { width, height, data } = checkImage(mask, "mask");
  if (width !== image.width || height !== image.height) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "the mask has another size than the image",
      value: `${width} × ${height}`,
      allowed: `${image.width} × ${image.height}, the image's`,
      remedy: "draw the mask over the image itself, or resize() it first",
    });
  }
  const out = createMask(width, height);
  for (let i = 0, at = 0; i < out.data.length; i++, at += 4) {
    out.data[i] =
      source === "alpha"
        ? data[at + 3]!
        : (19595 * data[at]! + 38470 * data[at + 1]! + 7471 * data[at + 2]! + 0x8000) >> 16;
  }
  return out;
}

/** The smallest rectangle with all pixels above 0; undefined where there is none. */
export function maskBounds({ width, height, data }: Mask): Rect | undefined {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    const first = row.findIndex((value) => value > 0);
    if (first < 0) continue;
    let last = width - 1;
    while (row[last] === 0) last--;
    left = Math.min(left, first);
    right = Math.max(right, last);
    top = Math.min(top, y);
    bottom = y;
  }
  const bounds = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
  return emptyBounds(bounds) ? undefined : bounds;
}
