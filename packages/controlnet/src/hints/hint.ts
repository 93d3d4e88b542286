import { checkImage, createImage, type RgbaImage } from "@underpaint/core";
import { invalid } from "./options.js";

/**
 * A hint: a picture exactly as the network will see it, opaque, and what there is to say about how
 * it was made ("looks black on white: inverted"). It can be shown and saved like any other picture.
 */
export interface Hint extends RgbaImage {
  /** Short remarks for the user, in English; empty when all went as expected. */
  readonly notices: readonly string[];
}

/**
 * The most pixels that a picture may have to be filtered into a hint, 2^24: 4096 × 4096. Filters
 * in float32 hold up to 16 bytes for each of them. {@link fitHint} takes larger pictures.
 */
export const maxHintPixels = 2 ** 24;

/** The longest side of a hint that is drawn, in pixels. */
export const maxHintSide = 8192;

/**
 * `image`, once it is known to be a picture that a hint can be made of.
 *
 * @param hint the hint's name, for the error.
 * @throws UnderpaintError `invalid-image` for what is no picture, or more than
 * {@link maxHintPixels}.
 */
export function checkSource(image: unknown, hint: string): RgbaImage {
  const picture = checkImage(image, `${hint}'s picture`);
  if (picture.width * picture.height > maxHintPixels) {
    throw invalid({
      code: "invalid-image",
      what: `${hint}'s picture is too large`,
      value: `${picture.width} × ${picture.height}`,
      allowed: `${maxHintPixels} pixels`,
      remedy: "make it smaller first: fitHint(image, { resolution: 512 })",
    });
  }
  return picture;
}

/**
 * Throws unless a hint of that size may be drawn: sides of 1 to {@link maxHintSide},
 * {@link maxHintPixels} at most.
 */
export function checkDrawnSize(width: unknown, height: unknown, hint: string): void {
  const fits = (side: unknown) => Number.isSafeInteger(side) && (side as number) >= 1;
  const sides = [width, height] as [number, number];
  if (
    !sides.every((side) => fits(side) && side <= maxHintSide) ||
    sides[0] * sides[1] > maxHintPixels
  ) {
    throw invalid({
      what: `${hint}'s size is not allowed`,
      value: `${String(width).slice(0, 20)} × ${String(height).slice(0, 20)}`,
      allowed: `whole numbers from 1 to ${maxHintSide}, ${maxHintPixels} pixels at most`,
    });
  }
}

/** A hint over samples red, green, blue, alpha, which are not copied. */
export function hintOf(
  width: number,
  height: number,
  data: Uint8ClampedArray<ArrayBuffer>,
  notices: readonly string[] = [],
): Hint {
  return { ...createImage(width, height, data), notices };
}

/** An opaque grey hint of one sample a pixel. */
export function greyHint(
  width: number,
  height: number,
  plane: Uint8Array,
  notices: readonly string[] = [],
): Hint {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0, to = 0; i < plane.length; i++, to += 4) {
    const level = plane[i]!;
    data[to] = level;
    data[to + 1] = level;
    data[to + 2] = level;
    data[to + 3] = 255;
  }
  return hintOf(width, height, data, notices);
}

/** An opaque hint of three samples a pixel: red, green, blue. */
export function colourHint(
  width: number,
  height: number,
  rgb: Uint8Array,
  notices: readonly string[] = [],
): Hint {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    data[to] = rgb[from]!;
    data[to + 1] = rgb[from + 1]!;
    data[to + 2] = rgb[from + 2]!;
    data[to + 3] = 255;
  }
  return hintOf(width, height, data, notices);
}

/** `["…"]` when no sample of the hint is lit, which means that it will steer nothing. */
export function saidIfBlack(plane: Uint8Array, remark: string): string[] {
  for (let i = 0; i < plane.length; i++) if (plane[i] !== 0) return [];
  return [remark];
}
