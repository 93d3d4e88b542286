import type { RgbaImage } from "@underpaint/core";
import { greyOf, onWhite } from "./flatten.js";
import { checkSource, type Hint } from "./hint.js";
import { detectLines, type LineSegment } from "./lines/detect-lines.js";
import { checkKeys, numberIn, wholeIn } from "./options.js";
import { canvasHint, createCanvas, ink } from "./raster/canvas.js";
import { drawLine } from "./raster/line.js";

/** Options of {@link straightLines}. */
export interface StraightLinesOptions {
  /** The shortest line as a share of the picture's shorter side; 0.005 to 1, 0.05. */
  readonly minLength?: number;
  /** How many are drawn at most, the longest ones; 1 to 5000, 200. */
  readonly maxLines?: number;
}

/**
 * The straight lines of a picture without a model: white lines of one pixel on black, not
 * anti-aliased, the hint of `control_v11p_sd15_mlsd`. Edges of contrast count, on both sides of a
 * thin bar; what the M-LSD network ignores as clutter (foliage, lettering) may be among them.
 *
 * The lines that the annotator draws are those of the picture at the network's size:
 * `straightLines(fitHint(image))`.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture or too large a one,
 * `invalid-request` for options that are not allowed.
 */
export function straightLines(image: RgbaImage, options: StraightLinesOptions = {}): Hint {
  const segments = findLines(image, options);
  const canvas = createCanvas(image.width, image.height);
  const white = ink(255, 255, 255);
  for (const { x1, y1, x2, y2 } of segments) {
    drawLine(canvas, Math.round(x1), Math.round(y1), Math.round(x2), Math.round(y2), white);
  }
  const none = ["no straight line was found: the hint is black"];
  return canvasHint(canvas, segments.length === 0 ? none : []);
}

/** What {@link straightLines} draws, as numbers, the longest first. */
export function findLines(
  image: RgbaImage,
  options: StraightLinesOptions = {},
): readonly LineSegment[] {
  checkKeys(options, "straightLines", ["minLength", "maxLines"]);
  const minLength = numberIn(options.minLength ?? 0.05, "straightLines' minLength", 0.005, 1);
  const maxLines = wholeIn(options.maxLines ?? 200, "straightLines' maxLines", 1, 5000);
  const { width, height } = checkSource(image, "straightLines");
  const shortest = minLength * Math.min(width, height);
  return detectLines(greyOf(onWhite(image)), width, height, shortest).slice(0, maxLines);
}
