import { checkDrawnSize, type Hint } from "../hint.js";
import { checkKeys, invalid, numberIn, wholeIn } from "../options.js";
import { blockHint, checkBlock, checkBlockCount } from "./blocks.js";
import { type Bytes, type Colour, readColour } from "./colour.js";
import { warmed } from "./warmth.js";

/** A colour and how much of the canvas it gets, beside the others. */
export interface Swatch {
  readonly colour: Colour;
  /** Above 0; 1 when left out. */
  readonly share?: number;
}

interface PaletteSize {
  /** The hint's size in pixels, `block` to 8192 each. */
  readonly width: number;
  readonly height: number;
  /** The blocks' side in pixels, 1 to 512: what the adapter was trained on; 64 when left out. */
  readonly block?: number;
  /** Cooler (−1) to warmer (1), as {@link warmer} does it; 0 when left out. */
  readonly warmth?: number;
}

/** What {@link swatchPalette} lays out. */
export type SwatchPaletteOptions = PaletteSize &
  (
    | {
        /** Colours where they shall be: rows from the top, all equally long; up to 128 × 128. */
        readonly grid: readonly (readonly Colour[])[];
      }
    | {
        /** Colours that shall be there, anywhere; up to 1024. */
        readonly colours: readonly (Colour | Swatch)[];
        /** Another arrangement for each whole number from 0 to 2^32 − 1; 0 when left out. */
        readonly seed?: number;
      }
  );

/**
 * A palette from swatches: blocks of 64 pixels (or `block`), the hint of `t2iadapter_color_sd14v1`.
 *
 * Swatches in a `grid` are stretched over the canvas: each block takes the one under its middle.
 * Unordered `colours` get as many blocks as their shares say (at least one each while there are
 * enough) and are scattered evenly, so that no place means one of them: blocks are dealt out in
 * the order of an R2 low-discrepancy sequence (M. Roberts, The Unreasonable Effectiveness of
 * Quasirandom Sequences, 2018).
 *
 * @throws UnderpaintError `invalid-request` for what is no colour, rows of different lengths, and
 * options that are not allowed.
 */
export function swatchPalette(options: SwatchPaletteOptions): Hint {
  const names = ["grid", "colours", "seed", "width", "height", "block", "warmth"];
  checkKeys(options, "swatchPalette", names);
  const { width, height } = options;
  checkDrawnSize(width, height, "swatchPalette");
  const block = checkBlock(options.block, "swatchPalette");
  wholeIn(width, "swatchPalette's width", block, 8192);
  wholeIn(height, "swatchPalette's height", block, 8192);
  const warmth = numberIn(options.warmth ?? 0, "swatchPalette's warmth", -1, 1);
  if ("grid" in options === "colours" in options) {
    throw invalid({ what: "swatchPalette needs either a grid or colours" });
  }
  const columns = Math.floor(width / block);
  const rows = Math.floor(height / block);
  checkBlockCount(columns, rows, "swatchPalette");
  const grid = new Uint8Array(3 * columns * rows);
  const put = (place: number, colour: Bytes) => grid.set(warmed(colour, warmth), 3 * place);
  if ("grid" in options) {
    const swatches = readGrid(options.grid);
    for (let y = 0; y < rows; y++) {
      const row = swatches[under(y, rows, swatches.length)]!;
      for (let x = 0; x < columns; x++) {
        put(y * columns + x, row[under(x, columns, row.length)]!);
      }
    }
    return blockHint(grid, columns, rows, width, height);
  }
  const seed = wholeIn(options.seed ?? 0, "swatchPalette's seed", 0, 2 ** 32 - 1);
  const swatches = readSwatches(options.colours);
  const counts = divide(
    columns * rows,
    swatches.map(({ share }) => share),
  );
  const order = scattered(columns, rows, seed);
  let next = 0;
  swatches.forEach(({ bytes }, i) => {
    for (let k = 0; k < counts[i]!; k++) put(order[next++]!, bytes);
  });
  const lost = counts.filter((count) => count === 0).length;
  const notices =
    lost > 0 ? [`${lost} colours found no room: ${columns * rows} blocks are all there are`] : [];
  return blockHint(grid, columns, rows, width, height, notices);
}

/** Which of `old` equal parts lies under the middle of part `position` of `count`. */
function under(position: number, count: number, old: number): number {
  return Math.floor(((position + 0.5) * old) / count);
}

function readGrid(grid: unknown): Bytes[][] {
  const most = 128;
  if (!Array.isArray(grid) || grid.length < 1 || grid.length > most) {
    throw invalid({ what: "swatchPalette's grid is no list of rows", value: grid });
  }
  return grid.map((row: unknown, y) => {
    const length = (grid[0] as unknown[])?.length;
    if (!Array.isArray(row) || row.length !== length || length < 1 || length > most) {
      throw invalid({
        what: `swatchPalette's row ${y} is of another length than the first`,
        value: Array.isArray(row) ? row.length : row,
        allowed: `1 to ${most} colours, as many in every row`,
      });
    }
    return row.map((colour, x) => readColour(colour, `swatchPalette's colour ${x} of row ${y}`));
  });
}

/** Swatches as they are given, each with its share. */
export function readSwatches(colours: unknown): { bytes: Bytes; share: number }[] {
  if (!Array.isArray(colours) || colours.length < 1 || colours.length > 1024) {
    throw invalid({
      what: "swatchPalette's colours are no list of them",
      value: Array.isArray(colours) ? colours.length : colours,
      allowed: "1 to 1024",
    });
  }
  return colours.map((entry: unknown, i) => {
    const name = `swatchPalette's colour ${i}`;
    if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
      return { bytes: readColour(entry, name), share: 1 };
    }
    checkKeys(entry, name, ["colour", "share"]);
    const { colour, share = 1 } = entry as Swatch;
    return {
      bytes: readColour(colour, name),
      share: numberIn(share, `${name}'s share`, 1e-6, 1e6),
    };
  });
}

/** Whole numbers that sum to `total` in the proportion of `shares`; none is 0 while there is room. */
function divide(total: number, shares: readonly number[]): number[] {
  const spare = Math.max(0, total - shares.length);
  const sum = shares.reduce((a, b) => a + b, 0);
  // Where each would get less than one block, one is set aside for each first.
  const floor = (share: number) => Math.max(1, Math.floor((total * share) / sum));
  const counts = shares.map((share) => (spare > 0 ? floor(share) : 0));
  let left = total - counts.reduce((a, b) => a + b, 0);
  const wants = shares.map((share, i) => ({ i, rest: (total * share) / sum - counts[i]! }));
  while (left !== 0) {
    // The one that is farthest from its due gets a block more, or gives one.
    const sign = Math.sign(left);
    const able = wants.filter(({ i }) => sign > 0 || counts[i]! > 1);
    const next = able.reduce((a, b) => (sign * b.rest > sign * a.rest ? b : a));
    counts[next.i]! += sign;
    next.rest -= sign;
    left -= sign;
  }
  return counts;
}

/** Every block once, neighbours far apart in the order. */
function scattered(columns: number, rows: number, seed: number): number[] {
  // The plastic number, the real root of x³ = x + 1.
  const plastic = 1.324717957244746;
  const key = (block: number) => {
    const x = block % columns;
    const y = Math.floor(block / columns);
    return ((x + 1) / plastic + (y + 1) / plastic ** 2 + seed * 0.6180339887498949) % 1;
  };
  const blocks = Array.from({ length: columns * rows }, (_, block) => ({ block, key: key(block) }));
  return blocks.sort((a, b) => a.key - b.key || a.block - b.block).map(({ block }) => block);
}
