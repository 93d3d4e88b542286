import type { RgbaImage } from "@underpaint/core";
import { type Gradients, sobelOfStrongest } from "./filters/sobel.js";
import { onWhite } from "./flatten.js";
import { checkSource, greyHint, type Hint, saidIfBlack } from "./hint.js";
import { checkKeys, flag, invalid, numberIn } from "./options.js";

/** Options of {@link canny}. */
export interface CannyOptions {
  /** Edges weaker than this are dropped; 0 to 32767, 100 when left out. */
  readonly low?: number;
  /** An edge is kept where some of it is stronger than this; `low` to 32767, 200 when left out. */
  readonly high?: number;
  /** Measures gradients by √(dx² + dy²) rather than |dx| + |dy|; false when left out. */
  readonly l2?: boolean;
}

/**
 * Canny's edges: white lines of one pixel on black, the hint of `control_v11p_sd15_canny`. The same
 * to the pixel as OpenCV's `Canny` of the colour picture with an aperture of 3.
 *
 * The thresholds are in units of Sobel's gradient, whose |dx| + |dy| reaches 2040. The annotators
 * bring a picture to the network's size first: `canny(fitHint(image))`.
 *
 * J. Canny, A Computational Approach to Edge Detection, 1986.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture or too large a one,
 * `invalid-request` for options that are not allowed.
 */
export function canny(image: RgbaImage, options: CannyOptions = {}): Hint {
  checkKeys(options, "canny", ["low", "high", "l2"]);
  const low = numberIn(options.low ?? 100, "canny's low", 0, 32767);
  const high = numberIn(options.high ?? Math.max(200, low), "canny's high", 0, 32767);
  const l2 = flag(options.l2 ?? false, "canny's l2");
  if (low > high) {
    throw invalid({
      what: "canny's low is above its high",
      value: [low, high],
      remedy: "exchange them",
    });
  }
  const { width, height } = checkSource(image, "canny");
  const gradients = sobelOfStrongest(onWhite(image), width, height, l2);
  const limit = (threshold: number) => Math.floor(l2 ? threshold * threshold : threshold);
  const edges = trace(thin(gradients, width, height, limit(low), limit(high)), width, height);
  const remark = "no edge is as strong as canny's high: the hint is black";
  return greyHint(width, height, edges, saidIfBlack(edges, remark));
}

/** What a pixel of the map can be. */
const possible = 0;
const none = 1;
const edge = 2;

/** √2 − 1, the tangent of 22.5°, in units of 2^−15. */
const tangent = 13573;

interface EdgeMap {
  /** One state a pixel, with a frame of `none` around, so that no neighbour lies outside. */
  readonly states: Uint8Array;
  /** Where the pixels that are surely edges lie in `states`, `count` of them. */
  readonly stack: Int32Array;
  readonly count: number;
}

/** Keeps the pixels that are stronger than their two neighbours across the edge. */
function thin(
  { dx, dy, magnitude }: Gradients,
  width: number,
  height: number,
  low: number,
  high: number,
): EdgeMap {
  const states = new Uint8Array((width + 2) * (height + 2)).fill(none);
  const stack = new Int32Array(width * height);
  let count = 0;
  // Beyond the picture there is no gradient.
  const at = (x: number, y: number) =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : magnitude[y * width + x]!;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const m = magnitude[i]!;
      if (m <= low) continue;
      const gx = dx[i]!;
      const gy = dy[i]!;
      const across = Math.abs(gx) * tangent;
      const along = Math.abs(gy) * 32768;
      let strongest: boolean;
      if (along < across) {
        strongest = m > at(x - 1, y) && m >= at(x + 1, y);
      } else if (along > across + Math.abs(gx) * 65536) {
        strongest = m > at(x, y - 1) && m >= at(x, y + 1);
      } else {
        const s = (gx ^ gy) < 0 ? -1 : 1;
        strongest = m > at(x - s, y - 1) && m > at(x + s, y + 1);
      }
      if (!strongest) continue;
      const place = (y + 1) * (width + 2) + x + 1;
      if (m > high) {
        states[place] = edge;
        stack[count++] = place;
      } else {
        states[place] = possible;
      }
    }
  }
  return { states, stack, count };
}

/** Follows every sure edge through the possible ones that touch it. */
function trace({ states, stack, count }: EdgeMap, width: number, height: number): Uint8Array {
  const row = width + 2;
  const neighbours = [-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1];
  while (count > 0) {
    const place = stack[--count]!;
    for (let k = 0; k < 8; k++) {
      const next = place + neighbours[k]!;
      if (states[next] !== possible) continue;
      states[next] = edge;
      stack[count++] = next;
    }
  }
  const edges = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (states[(y + 1) * row + x + 1] === edge) edges[y * width + x] = 255;
    }
  }
  return edges;
}
