import type { RgbaImage } from "@underpaint/core";
import { darkerThanAround, unblurred } from "./filters/darker-than-around.js";
import { largestSigma } from "./filters/gaussian-kernel.js";
import { medianAbove } from "./filters/median.js";
import { onWhite } from "./flatten.js";
import { checkSource, greyHint, type Hint, saidIfBlack } from "./hint.js";
import { checkKeys, numberIn } from "./options.js";

/** Options of {@link lineArtStandard}. */
export interface LineArtStandardOptions {
  /** How wide a surrounding a pixel is compared with, in pixels; 0.3 to 64, 6 when left out. */
  readonly sigma?: number;
  /** Differences up to this say nothing about how strong lines are; 0 to 255, 8 when left out. */
  readonly threshold?: number;
}

/**
 * Line art of a picture without a model: soft white lines on black where the picture is darker
 * than its surroundings, scaled so that a line of median strength is mid-grey. The arithmetic of
 * the annotator "lineart_standard" (ControlNet 1.1), in float32.
 *
 * For drawings and pictures with dark outlines; a photograph gives its dark details. The annotator
 * brings a picture to the network's size first: `lineArtStandard(fitHint(image))`.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture or too large a one,
 * `invalid-request` for options that are not allowed.
 */
export function lineArtStandard(image: RgbaImage, options: LineArtStandardOptions = {}): Hint {
  checkKeys(options, "lineArtStandard", ["sigma", "threshold"]);
  const sigma = numberIn(options.sigma ?? 6, "lineArtStandard's sigma", 0.3, largestSigma);
  const threshold = numberIn(options.threshold ?? 8, "lineArtStandard's threshold", 0, 255);
  const { width, height } = checkSource(image, "lineArtStandard");
  const intensity = darkerThanAround(onWhite(image), width, height, unblurred, sigma);
  for (let i = 0; i < intensity.length; i++) {
    intensity[i] = Math.min(255, Math.max(0, intensity[i]!));
  }
  const scale = Math.max(16, medianAbove(intensity, threshold) ?? 16);
  const lines = new Uint8Array(intensity.length);
  for (let i = 0; i < lines.length; i++) {
    lines[i] = Math.min(255, Math.fround(Math.fround(intensity[i]! / scale) * 127));
  }
  const remark = "nothing is darker than its surroundings: the hint is black";
  return greyHint(width, height, lines, saidIfBlack(lines, remark));
}
