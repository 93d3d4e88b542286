import { checkImage, type RgbaImage } from "@underpaint/core";
import { fitHint } from "../hints/fit-hint.js";
import { lineArtSheet } from "../hints/line-art-sheet.js";
import { lineArtStandard } from "../hints/line-art-standard.js";
import { oneOf } from "../hints/options.js";
import { checkPolarity, type SheetPolarity } from "../hints/sheet.js";
import { chained } from "./chained.js";
import {
  checkControlOptions,
  type DrawnControl,
  drawnControl,
  type ModelControlOptions,
} from "./drawn-control.js";

/** Options of {@link lineArt}. */
export interface LineArtOptions extends ModelControlOptions {
  /**
   * What the picture is: a drawn `sheet`, whose lines are taken as they are, or a `picture`, whose
   * lines are found ({@link lineArtStandard}). `sheet` when left out.
   */
  readonly from?: "sheet" | "picture";
  /** Whether a sheet is black on white; found out, and said, when left out. */
  readonly polarity?: SheetPolarity;
}

/**
 * Steers by lines: `lineArt(sheet, { weight: 0.8, end: 0.7 })`. The network sees white lines on
 * black ({@link lineArtSheet}), at the picture's size.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, `invalid-request` for options that
 * are not allowed.
 */
export function lineArt(picture: RgbaImage, options: LineArtOptions = {}): DrawnControl {
  checkControlOptions(options, "lineArt", ["from", "polarity"]);
  const from = oneOf(options.from ?? "sheet", "lineArt's from", ["sheet", "picture"]);
  const polarity = checkPolarity(options.polarity ?? "auto", "lineArt's polarity");
  const { width, height } = checkImage(picture, "lineArt's picture");
  return drawnControl(
    {
      name: "lineArt",
      own: ["lineart"],
      pictures: { picture },
      options: { from, polarity },
      size: { width, height },
      draw(size, view) {
        if (from === "picture") return chained(fitHint(view(picture), size), lineArtStandard);
        // Lines on a transparent layer would be lost if it were laid on white first.
        return chained(lineArtSheet(view(picture), { polarity }), (lines) => fitHint(lines, size));
      },
    },
    options,
  );
}
