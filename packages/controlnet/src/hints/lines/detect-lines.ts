import { gaussianBlurBytes } from "../filters/gaussian-blur.js";
import { type LevelLines, levelLines, strongestFirst } from "./level-lines.js";
import {
  between,
  growRegion,
  type Rectangle,
  type Region,
  rectangleOf,
  releaseRegion,
} from "./region.js";

/** A straight line in a picture: its ends in pixels, pixel centres at whole numbers. */
export interface LineSegment {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** Directions that differ by up to 22.5° may belong to one line: one eighth of all. */
const tolerance = Math.PI / 8;
const chance = 1 / 8;

/** LSD's own blur, 0.6 pixels of a picture of 0.8 the size. */
const blur = 0.75;

/**
 * Pixels that regions may take over all, for each of the picture's, which keeps the time linear.
 * Photographs were seen to need less than 1, rings and spirals of plain gradients 2.4.
 */
const mostGrowth = 16;

/** The least share of its rectangle that a line's pixels fill. */
const leastDensity = 0.7;

/**
 * Straight edges of a grey plane at least `shortest` pixels long, the longest first.
 *
 * A line segment detector after R. Grompone von Gioi, J. Jakubowicz, J.-M. Morel and G. Randall,
 * LSD: a Line Segment Detector, IPOL 2012, written anew and shorter: pixels of like gradient
 * direction grow into regions, a rectangle is fitted to each, too sparse ones are split by a
 * narrower tolerance once and then cut shorter, and a rectangle is kept when fewer than one as aligned would be expected
 * in noise (number of false alarms). It differs from LSD in
 * keeping the picture's size, and in keeping the one fitted rectangle in place of improving it.
 *
 * Time grows with the pixels; memory is 19 bytes a pixel.
 */
export function detectLines(
  grey: Uint8Array,
  width: number,
  height: number,
  shortest: number,
): LineSegment[] {
  const smooth = gaussianBlurBytes(grey, width, height, blur);
  const lines = levelLines(smooth, width, height, 2 / Math.sin(tolerance));
  const used = new Uint8Array(width * height);
  const region: Region = { pixels: new Int32Array(width * height), count: 0, angle: 0 };
  const tests = 2.5 * Math.log10(width * height) + Math.log10(11);
  const found: Rectangle[] = [];
  let budget = mostGrowth * width * height;
  for (const seed of strongestFirst(lines)) {
    if (used[seed]) continue;
    growRegion(lines, seed, tolerance, used, region);
    budget -= region.count;
    if (budget < 0) break;
    if (region.count < shortest / 2) continue;
    const rectangle = denseRectangle(lines, seed, used, region);
    if (rectangle === undefined || rectangle.length < shortest) continue;
    const pixels = Math.ceil((rectangle.length + 1) * (rectangle.width + 1));
    if (isMeaningful(pixels, Math.min(pixels, region.count), tests)) found.push(rectangle);
  }
  found.sort((a, b) => b.length - a.length);
  return found.map(({ x1, y1, x2, y2 }) => ({ x1, y1, x2, y2 }));
}

/**
 * The region's rectangle; where it is too sparse, that of a stricter region from the same seed, cut
 * shorter until it is dense.
 */
function denseRectangle(
  lines: LevelLines,
  seed: number,
  used: Uint8Array,
  region: Region,
): Rectangle | undefined {
  const isDense = ({ length, width }: Rectangle) => region.count >= leastDensity * length * width;
  const first = rectangleOf(lines, region);
  if (isDense(first)) return first;
  // Twice the spread of directions close to the seed.
  const { angles } = lines;
  const x = seed % lines.width;
  const y = Math.trunc(seed / lines.width);
  let [count, squares] = [0, 0];
  for (let i = 0; i < region.count; i++) {
    const pixel = region.pixels[i]!;
    const distance = Math.hypot((pixel % lines.width) - x, Math.trunc(pixel / lines.width) - y);
    if (distance > Math.max(3, first.width)) continue;
    count++;
    squares += between(angles[pixel]!, angles[seed]!) ** 2;
  }
  const stricter = Math.min(tolerance / 2, 2 * Math.sqrt(squares / count));
  releaseRegion(region, used);
  growRegion(lines, seed, stricter, used, region);
  // What is bent still loses its far end, a quarter of its reach at a time.
  let rectangle = rectangleOf(lines, region);
  let reach = rectangle.length;
  while (!isDense(rectangle)) {
    reach *= 0.75;
    keepNear(region, lines.width, seed, reach, used);
    if (region.count < 2) return undefined;
    rectangle = rectangleOf(lines, region);
  }
  return rectangle;
}

/** Gives back the pixels of a region that are farther from its seed than `reach`. */
function keepNear(
  region: Region,
  width: number,
  seed: number,
  reach: number,
  used: Uint8Array,
): void {
  const [x, y] = [seed % width, Math.trunc(seed / width)];
  let kept = 0;
  for (let i = 0; i < region.count; i++) {
    const pixel = region.pixels[i]!;
    if (Math.hypot((pixel % width) - x, Math.trunc(pixel / width) - y) <= reach) {
      region.pixels[kept++] = pixel;
    } else {
      used[pixel] = 0;
    }
  }
  region.count = kept;
}

/**
 * Whether `aligned` of `pixels` directions agreeing by chance is expected less than once in
 * 10^`tests` rectangles: the tail of the binomial distribution, term by term.
 */
function isMeaningful(pixels: number, aligned: number, tests: number): boolean {
  let term =
    logGamma(pixels + 1) -
    logGamma(aligned + 1) -
    logGamma(pixels - aligned + 1) +
    aligned * Math.log(chance) +
    (pixels - aligned) * Math.log(1 - chance);
  term = Math.exp(Math.max(-700, term));
  let tail = term;
  for (let i = aligned + 1; i <= pixels && term > tail * 1e-9; i++) {
    term *= ((pixels - i + 1) / i) * (chance / (1 - chance));
    tail += term;
  }
  return Math.log10(tail) + tests < 0;
}

/** ln Γ(x) for x ≥ 1, by Stirling's series from 10 on; better than 1e-8. */
function logGamma(x: number): number {
  let product = 1;
  for (; x < 10; x++) product *= x;
  const series = 1 / (12 * x) - 1 / (360 * x ** 3);
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product);
}
