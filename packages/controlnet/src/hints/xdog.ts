import type { RgbaImage } from "@underpaint/core";
import { darkerThanAround } from "./filters/darker-than-around.js";
import { onWhite } from "./flatten.js";
import { checkSource, greyHint, type Hint, saidIfBlack } from "./hint.js";
import { checkKeys, numberIn } from "./options.js";

/** Options of {@link xdog}. */
export interface XdogOptions {
  /** Twice the difference of blurs that makes a line; 0 to 510, 32 when left out. */
  readonly threshold?: number;
}

/**
 * Bold scribble-like lines of a picture without a model: white on black where a blur of 5 pixels is
 * brighter than one of half a pixel, in every channel. The arithmetic of the annotator
 * "scribble_xdog" (ControlNet 1.1) in float32, except that it adds in 8 bits, which turns over
 * where the difference reaches 128 and leaves holes in the strongest lines (128 to 144); here they
 * are whole.
 *
 * After H. Winnemöller, XDoG: Advanced Image Stylization with eXtended Difference-of-Gaussians,
 * 2011.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture or too large a one,
 * `invalid-request` for options that are not allowed.
 */
export function xdog(image: RgbaImage, options: XdogOptions = {}): Hint {
  checkKeys(options, "xdog", ["threshold"]);
  const threshold = numberIn(options.threshold ?? 32, "xdog's threshold", 0, 510);
  const { width, height } = checkSource(image, "xdog");
  const difference = darkerThanAround(onWhite(image), width, height, 0.5, 5);
  const lines = new Uint8Array(difference.length);
  for (let i = 0; i < lines.length; i++) {
    // 8 bits, cut off, as the annotator holds it.
    const light = Math.trunc(Math.min(255, Math.max(0, Math.fround(255 - difference[i]!))));
    if (2 * (255 - light) > threshold) lines[i] = 255;
  }
  const remark = "nothing is dark enough for xdog's threshold: the hint is black";
  return greyHint(width, height, lines, saidIfBlack(lines, remark));
}
