import { checkImage, type RgbaImage } from "@underpaint/core";
import { converter } from "culori";
import { onWhite } from "../flatten.js";
import { checkKeys, invalid, wholeIn } from "../options.js";
import { type Bytes, toBytes, toHex } from "./colour.js";
import type { Swatch } from "./swatch-palette.js";

/** Options of {@link pictureColours}. */
export interface PictureColoursOptions {
  /** How many colours at most, 1 to 32; 6 when left out. */
  readonly count?: number;
}

/** Colours of a picture are first counted in boxes of 8 levels a side. */
const bits = 3;
const boxesASide = 256 >> bits;
const mostRounds = 32;

/** A box's mean colour in OKLab and how many pixels fell into it. */
interface Sample {
  readonly lab: readonly [number, number, number];
  readonly weight: number;
}

const toOklab = converter("oklab");

/**
 * The colours of a picture without their places, the most frequent first, each with its share: an
 * unordered palette, for {@link swatchPalette} and {@link matchColours}. Found by k-means in OKLab,
 * begun with the colours that are farthest from those chosen before; no randomness, so the same
 * picture gives the same colours. Transparent pixels do not count.
 *
 * S. P. Lloyd, Least squares quantization in PCM, 1982; B. Ottosson, A perceptual color space for
 * image processing, 2020.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, or one that is transparent
 * throughout; `invalid-request` for a count out of range.
 */
export function pictureColours(
  image: RgbaImage,
  options: PictureColoursOptions = {},
): readonly Required<Swatch>[] {
  checkKeys(options, "pictureColours", ["count"]);
  const count = wholeIn(options.count ?? 6, "pictureColours' count", 1, 32);
  const samples = countColours(checkImage(image, "pictureColours' picture"));
  const total = samples.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) {
    throw invalid({
      code: "invalid-image",
      what: "pictureColours' picture is transparent throughout",
      remedy: "lay it on paper first",
    });
  }
  let centers = farthest(samples, count);
  let groups = assign(samples, centers);
  for (let round = 0; round < mostRounds; round++) {
    centers = groups.map((group) => meanOf(group)).filter((center) => center !== undefined);
    const next = assign(samples, centers);
    const isSame = next.every((group, i) => group.length === groups[i]?.length);
    groups = next;
    if (isSame) break;
  }
  return groups
    .map((group) => ({
      center: meanOf(group),
      share: group.reduce((sum, { weight }) => sum + weight, 0) / total,
    }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share)
    .map(({ center, share }) => ({ colour: toHex(bytesOf(center!)), share }));
}

function bytesOf([l, a, b]: readonly [number, number, number]): Bytes {
  return toBytes({ mode: "oklab", l, a, b });
}

function countColours(image: RgbaImage): Sample[] {
  const sums = new Float64Array(4 * boxesASide ** 3);
  const rgb = onWhite(image);
  for (let i = 0, from = 0; from < rgb.length; i++, from += 3) {
    if (image.data[4 * i + 3]! < 128) continue;
    const [r, g, b] = [rgb[from]!, rgb[from + 1]!, rgb[from + 2]!];
    const box = 4 * (((r >> bits) * boxesASide + (g >> bits)) * boxesASide + (b >> bits));
    sums[box]! += r;
    sums[box + 1]! += g;
    sums[box + 2]! += b;
    sums[box + 3]! += 1;
  }
  const samples: Sample[] = [];
  for (let box = 0; box < sums.length; box += 4) {
    const weight = sums[box + 3]!;
    if (weight === 0) continue;
    const [r, g, b] = [0, 1, 2].map((c) => sums[box + c]! / weight / 255) as [
      number,
      number,
      number,
    ];
    const { l, a, b: yellow } = toOklab({ mode: "rgb", r, g, b });
    samples.push({ lab: [l, a, yellow], weight });
  }
  return samples;
}

function distance(a: Sample["lab"], b: Sample["lab"]): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
}

/** The most frequent colour, then again and again the one that is farthest, weighed by its pixels. */
function farthest(samples: readonly Sample[], count: number): Sample["lab"][] {
  const first = samples.reduce((most, one) => (one.weight > most.weight ? one : most));
  const centers = [first.lab];
  const off = samples.map(({ lab }) => distance(lab, first.lab));
  while (centers.length < Math.min(count, samples.length)) {
    let best = 0;
    let most = 0;
    for (let i = 0; i < samples.length; i++) {
      const gain = off[i]! * samples[i]!.weight;
      if (gain > most) {
        most = gain;
        best = i;
      }
    }
    if (most === 0) break;
    const center = samples[best]!.lab;
    centers.push(center);
    for (let i = 0; i < samples.length; i++) {
      off[i] = Math.min(off[i]!, distance(samples[i]!.lab, center));
    }
  }
  return centers;
}

function assign(samples: readonly Sample[], centers: readonly Sample["lab"][]): Sample[][] {
  const groups: Sample[][] = centers.map(() => []);
  for (const sample of samples) {
    let nearest = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < centers.length; i++) {
      const off = distance(sample.lab, centers[i]!);
      if (off < least) {
        least = off;
        nearest = i;
      }
    }
    groups[nearest]!.push(sample);
  }
  return groups;
}

function meanOf(group: readonly Sample[]): [number, number, number] | undefined {
  if (group.length === 0) return undefined;
  const sum = [0, 0, 0] as [number, number, number];
  let total = 0;
  for (const { lab, weight } of group) {
    total += weight;
    for (let c = 0; c < 3; c++) sum[c]! += lab[c]! * weight;
  }
  return sum.map((value) => value / total) as [number, number, number];
}
