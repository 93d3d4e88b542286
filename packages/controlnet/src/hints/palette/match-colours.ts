import { checkImage, createImage, type RgbaImage } from "@underpaint/core";
import { converter } from "culori";
import { onWhite } from "../flatten.js";
import { checkSource } from "../hint.js";
import { checkKeys, numberIn } from "../options.js";
import { type Colour, toBytes } from "./colour.js";
import { readSwatches, type Swatch } from "./swatch-palette.js";

/** Options of {@link matchColours}. */
export interface MatchColoursOptions {
  /** 0 (as it is) to 1 (matched), 1 when left out. */
  readonly amount?: number;
}

const toOklab = converter("oklab");

/** A distribution of one quantity: rising values, and the share of all that is at or below each. */
interface Distribution {
  readonly values: Float64Array;
  readonly shares: Float64Array;
}

/**
 * A picture with the colours of another one, or of swatches without places, where no adapter fits: as
 * a picture to begin from (`generate({ image, strength: 0.8 })`), or as the last touch to a result.
 * The histograms of both of OKLab's opponent axes, green to red and blue to yellow, are matched, and
 * each pixel keeps its lightness, so that drawing and light stay. Alpha stays too.
 *
 * Histogram matching: R. C. Gonzalez and R. E. Woods, Digital Image Processing, 3.3.2, with
 * quantiles interpolated linearly as scikit-image's `match_histograms` does. OKLab: B. Ottosson, A
 * perceptual color space for image processing, 2020.
 *
 * @param colours a picture, or swatches with shares, such as {@link pictureColours} gives.
 * @throws UnderpaintError `invalid-image` for what is no picture or too large a one,
 * `invalid-request` for what is no colour, and options that are not allowed.
 */
export function matchColours(
  image: RgbaImage,
  colours: RgbaImage | readonly (Colour | Swatch)[],
  options: MatchColoursOptions = {},
): RgbaImage {
  checkKeys(options, "matchColours", ["amount"]);
  const amount = numberIn(options.amount ?? 1, "matchColours' amount", 0, 1);
  const { width, height, data } = checkSource(image, "matchColours");
  const wanted = Array.isArray(colours) ? ofSwatches(colours) : ofPicture(colours as RgbaImage);
  const own = labOf(image);
  const count = width * height;
  const matched = [1, 2].map((axis) => {
    const values = own.subarray(axis * count, (axis + 1) * count);
    return mapped(values, wanted[axis - 1]!);
  });
  const out = createImage(width, height);
  for (let i = 0; i < count; i++) {
    const mixed = (axis: 1 | 2) => {
      const before = own[axis * count + i]!;
      return before + amount * (matched[axis - 1]![i]! - before);
    };
    const bytes = toBytes({ mode: "oklab", l: own[i]!, a: mixed(1), b: mixed(2) });
    for (let c = 0; c < 3; c++) out.data[4 * i + c] = bytes[c]!;
    out.data[4 * i + 3] = data[4 * i + 3]!;
  }
  return out;
}

/** Lightness, green to red, blue to yellow: a plane each. */
function labOf(image: RgbaImage): Float64Array {
  const rgb = onWhite(image);
  const count = rgb.length / 3;
  const out = new Float64Array(3 * count);
  for (let i = 0; i < count; i++) {
    const [r, g, b] = [rgb[3 * i]! / 255, rgb[3 * i + 1]! / 255, rgb[3 * i + 2]! / 255];
    const lab = toOklab({ mode: "rgb", r, g, b });
    out[i] = lab.l;
    out[count + i] = lab.a;
    out[2 * count + i] = lab.b;
  }
  return out;
}

function ofPicture(picture: RgbaImage): readonly [Distribution, Distribution] {
  checkImage(picture, "matchColours' colours");
  checkSource(picture, "matchColours");
  const lab = labOf(picture);
  const count = lab.length / 3;
  return [distribution(lab.subarray(count, 2 * count)), distribution(lab.subarray(2 * count))];
}

function ofSwatches(colours: readonly unknown[]): readonly [Distribution, Distribution] {
  const labs = readSwatches(colours).map(({ bytes: [r, g, b], share }) => {
    const lab = toOklab({ mode: "rgb", r: r / 255, g: g / 255, b: b / 255 });
    return { a: lab.a, b: lab.b, share };
  });
  const of = (axis: "a" | "b") =>
    smoothed(
      distribution(
        Float64Array.from(labs, (lab) => lab[axis]),
        labs.map(({ share }) => share),
      ),
    );
  return [of("a"), of("b")];
}

/** Of the values, each of which counts 1 or as its weight says. */
function distribution(of: Float64Array, weights?: readonly number[]): Distribution {
  const order = Uint32Array.from(of, (_, i) => i).sort((i, j) => of[i]! - of[j]!);
  const values: number[] = [];
  const shares: number[] = [];
  let sum = 0;
  for (const i of order) {
    sum += weights?.[i] ?? 1;
    if (values.at(-1) === of[i]) shares[shares.length - 1] = sum;
    else {
      values.push(of[i]!);
      shares.push(sum);
    }
  }
  return {
    values: Float64Array.from(values),
    shares: Float64Array.from(shares, (share) => share / sum),
  };
}

/**
 * A distribution of few values whose quantiles run from each to the next over a quarter of the
 * smaller one's share on either side: without steps, and with the same mean.
 */
function smoothed({ values, shares }: Distribution): Distribution {
  const knots: [value: number, share: number][] = [];
  for (let i = 0; i + 1 < values.length; i++) {
    const [below, at, above] = [shares[i - 1] ?? 0, shares[i]!, shares[i + 1]!];
    const reach = Math.min(at - below, above - at) / 4;
    knots.push([values[i]!, at - reach], [values[i + 1]!, at + reach]);
  }
  if (knots.length === 0) return { values, shares };
  return {
    values: Float64Array.from(knots, ([value]) => value),
    shares: Float64Array.from(knots, ([, share]) => share),
  };
}

/** Each value replaced by the one of the same quantile in the other distribution. */
function mapped(of: Float64Array, to: Distribution): Float64Array {
  const own = distribution(of);
  const targets = new Map<number, number>();
  let at = 0;
  own.values.forEach((value, i) => {
    const share = own.shares[i]!;
    while (at < to.shares.length && to.shares[at]! < share) at++;
    targets.set(value, quantile(to, at, share));
  });
  return of.map((value) => targets.get(value)!);
}

/** The value at a share, linear between its neighbours; `at` is the first that is not below it. */
function quantile({ values, shares }: Distribution, at: number, share: number): number {
  if (at === 0) return values[0]!;
  if (at >= values.length) return values.at(-1)!;
  const [low, high] = [shares[at - 1]!, shares[at]!];
  const part = (share - low) / (high - low);
  return values[at - 1]! + part * (values[at]! - values[at - 1]!);
}
