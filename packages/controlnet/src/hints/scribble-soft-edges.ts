import type { RgbaImage } from "@underpaint/core";
import { gaussianBlurBytes, gaussianBlurFloat } from "./filters/gaussian-blur.js";
import { isRidge } from "./filters/ridges.js";
import { greyOf, onWhite } from "./flatten.js";
import { checkSource, greyHint, type Hint, saidIfBlack } from "./hint.js";
import { checkKeys, numberIn } from "./options.js";

/** Options of {@link scribbleSoftEdges}. */
export interface ScribbleSoftEdgesOptions {
  /** Edges are kept where they are brighter than this after the blur; 0 to 254, 127. */
  readonly threshold?: number;
  /** The blur before and after thinning, in pixels; 0.5 to 16, 3 when left out. */
  readonly sigma?: number;
}

/**
 * A scribble from a map of soft edges (white on black, from HED, PiDiNet or
 * {@link lineArtStandard}): bold white lines on black, as if drawn by hand. The annotators'
 * arithmetic ("scribble" of controlnet_aux's HED): blurred, thinned to the ridges brighter than 127,
 * blurred again, and white where more than 4 is left.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture or too large a one,
 * `invalid-request` for options that are not allowed.
 */
export function scribbleSoftEdges(image: RgbaImage, options: ScribbleSoftEdgesOptions = {}): Hint {
  checkKeys(options, "scribbleSoftEdges", ["threshold", "sigma"]);
  const threshold = numberIn(options.threshold ?? 127, "scribbleSoftEdges' threshold", 0, 254);
  const sigma = numberIn(options.sigma ?? 3, "scribbleSoftEdges' sigma", 0.5, 16);
  const { width, height } = checkSource(image, "scribbleSoftEdges");
  const edges = Float32Array.from(greyOf(onWhite(image)));
  const blurred = gaussianBlurFloat(edges, width, height, sigma);
  const thin = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (blurred[i]! > threshold && isRidge(blurred, width, height, x, y)) thin[i] = 255;
    }
  }
  const lines = gaussianBlurBytes(thin, width, height, sigma);
  for (let i = 0; i < lines.length; i++) lines[i] = lines[i]! > 4 ? 255 : 0;
  const remark = "no edge is brighter than the threshold: the hint is black";
  return greyHint(width, height, lines, saidIfBlack(lines, remark));
}
