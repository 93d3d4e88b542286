import { checkImage, type RgbaImage } from "@underpaint/core";
import { fitHint } from "../hints/fit-hint.js";
import { lineArtSheet } from "../hints/line-art-sheet.js";
import { oneOf } from "../hints/options.js";
import { scribbleSheet } from "../hints/scribble-sheet.js";
import { checkPolarity } from "../hints/sheet.js";
import { xdog } from "../hints/xdog.js";
import { chained } from "./chained.js";
import { checkControlOptions, type DrawnControl, drawnControl } from "./drawn-control.js";
import type { LineArtOptions } from "./line-art.js";

/** Options of {@link scribble}: `from: "picture"` finds bold lines ({@link xdog}). */
export interface ScribbleOptions extends LineArtOptions {}

/**
 * Steers by a scribble, loosely: the network sees pure white lines on pure black
 * ({@link scribbleSheet}), at the picture's size.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, `invalid-request` for options that
 * are not allowed.
 */
export function scribble(picture: RgbaImage, options: ScribbleOptions = {}): DrawnControl {
  checkControlOptions(options, "scribble", ["from", "polarity"]);
  const from = oneOf(options.from ?? "sheet", "scribble's from", ["sheet", "picture"]);
  const polarity = checkPolarity(options.polarity ?? "auto", "scribble's polarity");
  const { width, height } = checkImage(picture, "scribble's picture");
  return drawnControl(
    {
      name: "scribble",
      own: ["scribble", "lineart"],
      pictures: { picture },
      options: { from, polarity },
      size: { width, height },
      draw(size, view) {
        if (from === "picture") return chained(fitHint(view(picture), size), xdog);
        const lines = lineArtSheet(view(picture), { polarity });
        // Resized before it is made black and white, so that no line is grey.
        const fitted = chained(lines, (sheet) => fitHint(sheet, size));
        return chained(fitted, (sheet) => scribbleSheet(sheet, { polarity: "white-on-black" }));
      },
    },
    options,
  );
}
