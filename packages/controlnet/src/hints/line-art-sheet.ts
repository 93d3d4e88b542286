import type { RgbaImage } from "@underpaint/core";
import { checkSource, colourHint, type Hint, saidIfBlack } from "./hint.js";
import { checkKeys } from "./options.js";
import { checkPolarity, readSheet, type SheetPolarity } from "./sheet.js";

/** Options of {@link lineArtSheet} and {@link scribbleSheet}. */
export interface SheetOptions {
  /** Whether lines are black on white or white on black; found out and told when left out. */
  readonly polarity?: SheetPolarity;
}

/**
 * Line art from a drawn or scanned sheet: white lines on black, the hint of
 * `control_v11p_sd15_lineart`. A sheet that looks black on white is inverted, 255 − x in every
 * channel (the annotator's "invert"), one that looks white on black is kept; the hint's notices say
 * which. Greys stay greys. Transparent parts are laid on white paper.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture or too large a one,
 * `invalid-request` for options that are not allowed.
 */
export function lineArtSheet(image: RgbaImage, options: SheetOptions = {}): Hint {
  checkKeys(options, "lineArtSheet", ["polarity"]);
  const polarity = checkPolarity(options.polarity ?? "auto", "lineArtSheet's polarity");
  const { width, height } = checkSource(image, "lineArtSheet");
  const { rgb, darkLines, notices } = readSheet(image, polarity);
  if (darkLines) for (let i = 0; i < rgb.length; i++) rgb[i] = 255 - rgb[i]!;
  const blank = saidIfBlack(rgb, "the sheet is empty: the hint is black");
  return colourHint(width, height, rgb, [...notices, ...blank]);
}
