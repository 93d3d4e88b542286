import { checkImage, type RgbaImage } from "@underpaint/core";
import { shrinkByArea } from "../filters/resize-area.js";
import { fitHint } from "../fit-hint.js";
import { onWhite } from "../flatten.js";
import { checkDrawnSize, type Hint } from "../hint.js";
import { checkKeys, numberIn, wholeIn } from "../options.js";
import { blockHint, checkBlock, checkBlockCount } from "./blocks.js";
import { warmed } from "./warmth.js";

/** Options of {@link meanPalette}. */
export interface MeanPaletteOptions {
  /** The hint's size in pixels, `block` to 8192 each; the picture is stretched to it. */
  readonly width: number;
  readonly height: number;
  /** The blocks' side in pixels, 1 to 512; 64 when left out. */
  readonly block?: number;
  /** Cooler (−1) to warmer (1), as {@link warmer} does it; 0 when left out. */
  readonly warmth?: number;
}

/**
 * The colours of a picture where they are: blocks of its mean colours, for palette controls that
 * were trained on means, such as the embedded model's (blocks of 8 pixels). Means are taken of the
 * bytes of sRGB, as those controls do. {@link picturePalette} is the colour adapter's own.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, `invalid-request` for options
 * that are not allowed.
 */
export function meanPalette(image: RgbaImage, options: MeanPaletteOptions): Hint {
  checkKeys(options, "meanPalette", ["width", "height", "block", "warmth"]);
  const { width, height } = options;
  checkDrawnSize(width, height, "meanPalette");
  const block = checkBlock(options.block, "meanPalette");
  const columns = Math.floor(wholeIn(width, "meanPalette's width", block, 8192) / block);
  const rows = Math.floor(wholeIn(height, "meanPalette's height", block, 8192) / block);
  checkBlockCount(columns, rows, "meanPalette");
  const warmth = numberIn(options.warmth ?? 0, "meanPalette's warmth", -1, 1);
  const given = checkImage(image, "meanPalette's picture");
  const isSmall = given.width < columns || given.height < rows;
  const picture = isSmall
    ? fitHint(given, {
        width: Math.max(columns, given.width),
        height: Math.max(rows, given.height),
      })
    : given;
  const grid = shrinkByArea(onWhite(picture), picture.width, picture.height, columns, rows, 3);
  if (warmth !== 0) {
    for (let i = 0; i < grid.length; i += 3) {
      grid.set(warmed([grid[i]!, grid[i + 1]!, grid[i + 2]!], warmth), i);
    }
  }
  return blockHint(grid, columns, rows, width, height);
}
