import { checkImage, createImage, type RgbaImage } from "@underpaint/core";
import { type CannyOptions, canny } from "../hints/canny.js";
import { fitHint } from "../hints/fit-hint.js";
import { chained } from "./chained.js";
import {
  checkControlOptions,
  type DrawnControl,
  drawnControl,
  type ModelControlOptions,
} from "./drawn-control.js";

/** Options of {@link cannyEdges}. */
export interface CannyEdgesOptions extends ModelControlOptions, CannyOptions {}

/**
 * Steers by the edges of a picture ({@link canny}), found at the picture's size.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, `invalid-request` for options that
 * are not allowed.
 */
export function cannyEdges(picture: RgbaImage, options: CannyEdgesOptions = {}): DrawnControl {
  checkControlOptions(options, "cannyEdges", ["low", "high", "l2"]);
  const { low, high, l2 } = options;
  const thresholds = {
    ...(low !== undefined && { low }),
    ...(high !== undefined && { high }),
    ...(l2 !== undefined && { l2 }),
  };
  // What is wrong with them is said now.
  canny(createImage(1, 1), thresholds);
  const { width, height } = checkImage(picture, "cannyEdges' picture");
  return drawnControl(
    {
      name: "cannyEdges",
      own: ["canny", "lineart"],
      pictures: { picture },
      options: thresholds,
      size: { width, height },
      draw: (size, view) =>
        chained(fitHint(view(picture), size), (fitted) => canny(fitted, thresholds)),
    },
    options,
  );
}
