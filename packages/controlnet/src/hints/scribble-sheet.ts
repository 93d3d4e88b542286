import type { RgbaImage } from "@underpaint/core";
import { checkSource, greyHint, type Hint, saidIfBlack } from "./hint.js";
import type { SheetOptions } from "./line-art-sheet.js";
import { checkKeys } from "./options.js";
import { checkPolarity, readSheet } from "./sheet.js";

/**
 * A scribble from a drawn sheet: pure white lines on pure black, the hint of
 * `control_v11p_sd15_scribble`. What is drawn is where the darkest channel is below 127; on a sheet
 * that looks white on black, the same of its negative. The hint's notices say which it was.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture or too large a one,
 * `invalid-request` for options that are not allowed.
 */
export function scribbleSheet(image: RgbaImage, options: SheetOptions = {}): Hint {
  checkKeys(options, "scribbleSheet", ["polarity"]);
  const polarity = checkPolarity(options.polarity ?? "auto", "scribbleSheet's polarity");
  const { width, height } = checkSource(image, "scribbleSheet");
  const { rgb, darkLines, notices } = readSheet(image, polarity);
  const lines = new Uint8Array(width * height);
  for (let i = 0, from = 0; i < lines.length; i++, from += 3) {
    const drawn = darkLines
      ? Math.min(rgb[from]!, rgb[from + 1]!, rgb[from + 2]!) < 127
      : Math.max(rgb[from]!, rgb[from + 1]!, rgb[from + 2]!) > 128;
    if (drawn) lines[i] = 255;
  }
  const blank = saidIfBlack(lines, "the sheet is empty: the hint is black");
  return greyHint(width, height, lines, [...notices, ...blank]);
}
