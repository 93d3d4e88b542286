import { colourHint, type Hint } from "../hint.js";

/** The side of a palette's blocks in pixels: what the colour adapter was trained on. */
export const blockSide = 64;

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
