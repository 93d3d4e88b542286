import type { RgbaImage } from "@underpaint/core";
import { greyOf, onBlack, onWhite } from "./flatten.js";
import { oneOf } from "./options.js";

/** How a drawn sheet is meant; `auto` looks for itself and says what it saw. */
export type SheetPolarity = "auto" | "black-on-white" | "white-on-black";

const polarities = ["auto", "black-on-white", "white-on-black"] as const;

/** A drawn sheet without transparency. */
export interface Sheet {
  readonly rgb: Uint8Array;
  /** Whether its lines are darker than its paper. */
  readonly darkLines: boolean;
  /** What was found out, when nothing was told. */
  readonly notices: readonly string[];
}

/** Throws unless `polarity` is one. */
export function checkPolarity(polarity: unknown, name: string): SheetPolarity {
  return oneOf(polarity, name, polarities);
}

/**
 * Lays a sheet on paper and finds out which of its two tones is the paper: the one that most of it
 * has, or, where neither clearly has, the one of its margin. A layer on which light lines alone are
 * drawn is laid on black, since white paper would hide them.
 */
export function readSheet(image: RgbaImage, polarity: SheetPolarity): Sheet {
  if (polarity === "black-on-white") return { rgb: onWhite(image), darkLines: true, notices: [] };
  if (polarity === "white-on-black") return { rgb: onBlack(image), darkLines: false, notices: [] };
  if (isLightLayer(image)) {
    const notice = "looks like light lines on a transparent layer: laid on black";
    return { rgb: onBlack(image), darkLines: false, notices: [notice] };
  }
  const rgb = onWhite(image);
  const darkLines = hasLightPaper(greyOf(rgb), image.width, image.height);
  const notice = darkLines
    ? "looks black on white: inverted"
    : "looks white on black: kept as it is";
  return { rgb, darkLines, notices: [notice] };
}

/** Mostly transparent, and what is drawn is light nearly everywhere. */
function isLightLayer({ data }: RgbaImage): boolean {
  const pixels = data.length / 4;
  let ink = 0;
  let lightInk = 0;
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3]!;
    ink += alpha;
    if (data[i]! + data[i + 1]! + data[i + 2]! > 384) lightInk += alpha;
  }
  return ink > 0 && ink < 0.5 * 255 * pixels && lightInk > 0.98 * ink;
}

function hasLightPaper(grey: Uint8Array, width: number, height: number): boolean {
  let light = 0;
  for (let i = 0; i < grey.length; i++) if (grey[i]! > 127) light++;
  const share = light / grey.length;
  if (share < 0.35 || share > 0.65) return share > 0.5;
  const margin = Math.max(1, Math.min(width, height) >> 5);
  let lightMargin = 0;
  let pixels = 0;
  for (let y = 0; y < height; y++) {
    const inMiddle = y >= margin && y < height - margin;
    for (let x = 0; x < width; x++) {
      if (inMiddle && x === margin && width > 2 * margin) x = width - margin;
      pixels++;
      if (grey[y * width + x]! > 127) lightMargin++;
    }
  }
  return 2 * lightMargin >= pixels;
}
