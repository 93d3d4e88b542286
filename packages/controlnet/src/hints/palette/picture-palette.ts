import { checkImage, type RgbaImage } from "@underpaint/core";
import { lanczosTaps, resample } from "../filters/resize-taps.js";
import { roundHalfEven } from "../filters/round.js";
import { onWhite } from "../flatten.js";
import type { Hint } from "../hint.js";
import { checkKeys, numberIn, wholeIn } from "../options.js";
import { blockHint, blockSide } from "./blocks.js";
import { warmed } from "./warmth.js";

/** Options of {@link picturePalette}. */
export interface PicturePaletteOptions {
  /** The hint's pixels, about; 4096 to 2^24, 512 · 512 when left out. */
  readonly pixels?: number;
  /** Cooler (−1) to warmer (1), as {@link warmer} does it; 0 when left out. */
  readonly warmth?: number;
}

/**
 * The colours of a picture where they are: a grid of blocks of 64 pixels, the hint of
 * `t2iadapter_color_sd14v1`. The annotator's arithmetic (T2I-Adapter, `get_cond_color`), the same
 * to the pixel as with OpenCV on x86: the picture is brought to about 512 · 512 pixels, sides
 * multiples of 64, by Lanczos over 8 × 8 pixels, then to one pixel a block by bicubic over the
 * middle 4 × 4 pixels of each alone, then enlarged unmixed. The hint's proportions are the
 * picture's, roughly; its size is told by the hint.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, `invalid-request` for options
 * that are not allowed.
 */
export function picturePalette(image: RgbaImage, options: PicturePaletteOptions = {}): Hint {
  checkKeys(options, "picturePalette", ["pixels", "warmth"]);
  const pixels = wholeIn(options.pixels ?? 512 * 512, "picturePalette's pixels", 4096, 2 ** 24);
  const warmth = numberIn(options.warmth ?? 0, "picturePalette's warmth", -1, 1);
  const { width, height } = checkImage(image, "picturePalette's picture");
  const factor = Math.sqrt(pixels / (width * height));
  // The annotator makes nothing of a picture so thin that a side would round to 0.
  const blocks = (side: number) => Math.max(1, roundHalfEven((side * factor) / blockSide));
  const [columns, rows] = [blocks(width), blocks(height)];
  const [newWidth, newHeight] = [columns * blockSide, rows * blockSide];
  const across = lanczosTaps(width, newWidth);
  const rgb =
    newWidth === width && newHeight === height
      ? onWhite(image)
      : resample(onWhite(image), width, height, across, lanczosTaps(height, newHeight), 3);
  const grid = middles(rgb, columns, rows);
  if (warmth !== 0) {
    for (let i = 0; i < grid.length; i += 3) {
      grid.set(warmed([grid[i]!, grid[i + 1]!, grid[i + 2]!], warmth), i);
    }
  }
  return blockHint(grid, columns, rows, newWidth, newHeight);
}

/** Keys' cubic with a = −0.75, as OpenCV has it, half-way between pixels: in units of 1/32. */
const weights = [-3, 19, 19, -3] as const;

/** Each block of 64 × 64 pixels by its middle, rounded half to even as OpenCV does on x86. */
function middles(rgb: Uint8Array, columns: number, rows: number): Uint8Array {
  const grid = new Uint8Array(3 * columns * rows);
  const row = 3 * columns * blockSide;
  const first = blockSide / 2 - 2;
  let at = 0;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const corner = (y * blockSide + first) * row + 3 * (x * blockSide + first);
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let j = 0; j < 4; j++) {
          for (let i = 0; i < 4; i++) {
            sum += weights[j]! * weights[i]! * rgb[corner + j * row + 3 * i + c]!;
          }
        }
        grid[at++] = Math.min(255, Math.max(0, roundHalfEven(sum / 1024)));
      }
    }
  }
  return grid;
}
