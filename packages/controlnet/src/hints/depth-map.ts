import type { RgbaImage } from "@underpaint/core";
import { greyOf, onWhite } from "./flatten.js";
import { checkDrawnSize, checkSource, greyHint, type Hint } from "./hint.js";
import { checkKeys, flag, invalid, oneOf } from "./options.js";

/** Depth as numbers: what a depth model, or a renderer's z-buffer, gives. */
export interface DepthValues {
  readonly width: number;
  readonly height: number;
  /** width · height values, row by row, in any unit. What is not finite counts as farthest. */
  readonly data: Float32Array;
}

/** Options of {@link depthMap}. */
export interface DepthMapOptions {
  /**
   * Which end of the given map is near: `high` (white, or large: disparity, as MiDaS and Depth
   * Anything give it) or `low` (black, or small: distance). `high` when left out.
   */
  readonly near?: "high" | "low";
  /**
   * Whether the map is stretched so that its nearest point is white and its farthest black. True
   * for values, false for pictures when left out: a rendered map is taken as it is.
   */
  readonly stretch?: boolean;
}

/**
 * A depth hint from a given map: near is white, far is black, the hint of
 * `control_v11f1p_sd15_depth`. Stretching is MiDaS' min-max in float32, its result cut off to
 * 8 bits as the annotators do.
 *
 * Values that are not stretched are taken as 0 to 1.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture or too large a one,
 * `invalid-request` for values of another length or kind, without a finite one, and options that
 * are not allowed.
 */
export function depthMap(map: RgbaImage | DepthValues, options: DepthMapOptions = {}): Hint {
  checkKeys(options, "depthMap", ["near", "stretch"]);
  const nearIsHigh = oneOf(options.near ?? "high", "depthMap's near", ["high", "low"]) === "high";
  const values = isValues(map) ? checkValues(map) : undefined;
  const stretch = flag(options.stretch ?? values !== undefined, "depthMap's stretch");
  if (values) return fromValues(values, nearIsHigh, stretch);
  const { width, height } = checkSource(map, "depthMap");
  const grey = greyOf(onWhite(map as RgbaImage));
  if (!nearIsHigh) for (let i = 0; i < grey.length; i++) grey[i] = 255 - grey[i]!;
  if (!stretch) return greyHint(width, height, grey);
  let least = 255;
  let most = 0;
  for (let i = 0; i < grey.length; i++) {
    least = Math.min(least, grey[i]!);
    most = Math.max(most, grey[i]!);
  }
  const levels = Uint8Array.from({ length: 256 }, (_, x) => level(x - least, most - least));
  for (let i = 0; i < grey.length; i++) grey[i] = levels[grey[i]!]!;
  return greyHint(width, height, grey, saidIfFlat(least, most));
}

function isValues(map: unknown): map is DepthValues {
  const data = (map as { data?: unknown } | null)?.data;
  return ArrayBuffer.isView(data) && data[Symbol.toStringTag as never] === "Float32Array";
}

function checkValues(values: DepthValues): DepthValues {
  checkDrawnSize(values.width, values.height, "depthMap");
  if (values.data.length !== values.width * values.height) {
    throw invalid({
      what: `depthMap's values for ${values.width} × ${values.height} pixels are of another number`,
      value: values.data.length,
      allowed: `${values.width * values.height}, one a pixel`,
    });
  }
  return values;
}

function fromValues(values: DepthValues, nearIsHigh: boolean, stretch: boolean): Hint {
  const { width, height, data } = values;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  if (least > most) {
    throw invalid({
      what: "depthMap's values hold no finite number",
      remedy: "check the model that made them",
    });
  }
  const from = stretch ? least : 0;
  const to = stretch ? most : 1;
  const range = Math.fround(to - from);
  const grey = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (!Number.isFinite(value)) continue;
    const depth = nearIsHigh ? Math.fround(value - from) : Math.fround(to - value);
    grey[i] = level(depth, range);
  }
  return greyHint(width, height, grey, stretch ? saidIfFlat(least, most) : []);
}

/** depth / range · 255, each step in float32, cut off; 0 where there is no range. */
function level(depth: number, range: number): number {
  if (!(range > 0)) return 0;
  return Math.trunc(Math.min(255, Math.max(0, Math.fround(Math.fround(depth / range) * 255))));
}

function saidIfFlat(least: number, most: number): string[] {
  return least === most ? ["the depth map is flat: the hint is black"] : [];
}
