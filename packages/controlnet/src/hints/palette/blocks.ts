import { colourHint, type Hint } from "../hint.js";
import { invalid, wholeIn } from "../options.js";

/** The side of a palette's blocks in pixels: what the colour adapter was trained on. */
export const blockSide = 64;

/** The most blocks of a palette: 8192 × 8192 pixels in blocks of 32. */
const mostBlocks = 2 ** 16;

/** `block`, or 64 where it is left out, once it is known to be allowed. */
export function checkBlock(block: number | undefined, owner: string): number {
  return wholeIn(block ?? blockSide, `${owner}'s block`, 1, 512);
}

/** Throws where a palette would have more blocks than are allowed. */
export function checkBlockCount(columns: number, rows: number, owner: string): void {
  if (columns * rows <= mostBlocks) return;
  throw invalid({
    what: `${owner} would have too many blocks`,
    value: `${columns} × ${rows}`,
    allowed: `${mostBlocks} in all`,
    remedy: "make the blocks larger",
  });
}

/**
 * A palette as the network sees it: a small grid of colours, each a block of the hint, as OpenCV's
 * nearest neighbour enlarges it.
 *
 * @param grid red, green, blue of each block, row by row.
 */
export function blockHint(
  grid: Uint8Array,
  columns: number,
  rows: number,
  width: number,
  height: number,
  notices: readonly string[] = [],
): Hint {
  const rgb = new Uint8Array(3 * width * height);
  const fromX = Int32Array.from({ length: width }, (_, x) => oldPosition(x, columns, width));
  let at = 0;
  for (let y = 0; y < height; y++) {
    const row = oldPosition(y, rows, height) * columns;
    for (let x = 0; x < width; x++) {
      const from = 3 * (row + fromX[x]!);
      rgb[at++] = grid[from]!;
      rgb[at++] = grid[from + 1]!;
      rgb[at++] = grid[from + 2]!;
    }
  }
  return colourHint(width, height, rgb, notices);
}

function oldPosition(position: number, oldSize: number, newSize: number): number {
  return Math.min(oldSize - 1, Math.floor(position * (1 / (newSize / oldSize))));
}
