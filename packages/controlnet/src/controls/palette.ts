import { checkImage, type RgbaImage, resize } from "@underpaint/core";
import { fitHint } from "../hints/fit-hint.js";
import { type Hint, hintOf } from "../hints/hint.js";
import { flag, invalid, numberIn, wholeIn } from "../hints/options.js";
import type { Colour } from "../hints/palette/colour.js";
import { meanPalette } from "../hints/palette/mean-palette.js";
import { pictureColours } from "../hints/palette/picture-colours.js";
import { picturePalette } from "../hints/palette/picture-palette.js";
import { type Swatch, swatchPalette } from "../hints/palette/swatch-palette.js";
import {
  checkControlOptions,
  type DrawnControl,
  drawnControl,
  type ModelControlOptions,
} from "./drawn-control.js";

/** Options of {@link palette}. */
export interface PaletteOptions extends ModelControlOptions {
  /** Cooler (−1) to warmer (1), as {@link warmer} does it; 0 when left out. */
  readonly warmth?: number;
  /** Whether a picture's colours stay where they are; true when left out. */
  readonly ordered?: boolean;
  /** How many colours are taken of a picture that is not ordered; 1 to 32, 6 when left out. */
  readonly count?: number;
  /** Another arrangement of colours without places for each; 0 to 2^32 − 1, 0 when left out. */
  readonly seed?: number;
  /**
   * The blocks' side in pixels: what the model was trained on. 64 for the T2I-Adapter of colours,
   * and 16 for a model's own control, when left out.
   */
  readonly block?: number;
}

/** The blocks of the embedded model's palette control, which other models' own may follow. */
const ownBlock = 16;

/**
 * Steers by colours:
 *
 * - of a picture, where they are (or, with `ordered: false`, anywhere: {@link pictureColours});
 * - of swatches in rows, where they are: `palette([["skyblue", "#ffe9b8"], ["#588157", "#7f5539"]])`;
 * - of swatches without places: `palette(["#e4572e", { colour: "#29335c", share: 3 }])`.
 *
 * With a `model` it is taken for a T2I-Adapter of colours, whose arithmetic {@link picturePalette}
 * is; `kind: "controlnet"` says otherwise.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, `invalid-request` for what is no
 * colour, and options that are not allowed.
 */
export function palette(
  colours: RgbaImage | readonly (Colour | Swatch)[] | readonly (readonly Colour[])[],
  options: PaletteOptions = {},
): DrawnControl {
  checkControlOptions(options, "palette", ["warmth", "ordered", "count", "seed", "block"]);
  const warmth = numberIn(options.warmth ?? 0, "palette's warmth", -1, 1);
  const ordered = flag(options.ordered ?? true, "palette's ordered");
  const count = wholeIn(options.count ?? 6, "palette's count", 1, 32);
  const seed = wholeIn(options.seed ?? 0, "palette's seed", 0, 2 ** 32 - 1);
  const isOwn = options.model === undefined;
  const block = wholeIn(options.block ?? (isOwn ? ownBlock : 64), "palette's block", 1, 512);
  const common = { block, warmth };
  const size = { width: 8 * block, height: 8 * block };

  const swatches = Array.isArray(colours) ? layOut(colours, seed, ordered) : undefined;
  const picture = swatches ? undefined : checkImage(colours, "palette's picture");
  if (swatches) swatchPalette({ ...swatches, ...size, ...common });
  const isAdapters = !isOwn && block === 64;

  return drawnControl(
    {
      name: "palette",
      own: ["palette"],
      pictures: picture ? { picture } : {},
      options: {
        ...common,
        ...swatches,
        ...(picture && { ordered, ...(!ordered && { count, seed }) }),
      },
      size: picture ? { width: picture.width, height: picture.height } : size,
      kind: "t2i-adapter",
      draw(wanted, view) {
        const fits = { ...wanted, ...common };
        if (swatches) return swatchPalette({ ...swatches, ...fits });
        const seen = view(picture!);
        if (!ordered) {
          return swatchPalette({ colours: pictureColours(seen, { count }), seed, ...fits });
        }
        return isAdapters ? byAdapter(seen, wanted, warmth) : meanPalette(seen, fits);
      },
    },
    options,
  );
}

function layOut(colours: readonly unknown[], seed: number, ordered: boolean) {
  const isRows = colours.length > 0 && colours.every(isRow);
  if (isRows) return { grid: colours as readonly (readonly Colour[])[] };
  if (ordered || !isRows) return { colours: colours as readonly (Colour | Swatch)[], seed };
  throw invalid({
    what: "palette's colours are neither swatches nor rows of them",
    value: colours,
  });
}

/** A list of colours, rather than a colour [red, green, blue]. */
function isRow(entry: unknown): boolean {
  return Array.isArray(entry) && !entry.some((value) => typeof value === "number");
}

/** The adapter's arithmetic, brought to the picture's size where that is no multiple of 64. */
function byAdapter(
  picture: RgbaImage,
  { width, height }: { readonly width: number; readonly height: number },
  warmth: number,
): Hint {
  const fitted = fitHint(picture, { width, height });
  const pixels = Math.max(4096, width * height);
  const hint = picturePalette(fitted, { pixels, warmth });
  if (hint.width === width && hint.height === height) return hint;
  const sized = resize(hint, width, height, { filter: "nearest" });
  return hintOf(width, height, sized.data, hint.notices);
}
