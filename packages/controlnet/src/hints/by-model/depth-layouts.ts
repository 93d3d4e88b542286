import { roundHalfEven } from "../filters/round.js";
import { oneOf } from "../options.js";
import { imageNet, type Normalisation } from "./feed.js";
import type { HintGraph } from "./hint-graph.js";

/** How a depth model wants its picture. */
export interface DepthFeed extends Normalisation {
  /** The shorter side that the picture is brought to, about; both where proportions are not kept. */
  readonly size: number;
  /** Sides are multiples of this. */
  readonly multiple: number;
  readonly keepsProportions: boolean;
}

/** The sorts of depth model that are known by what they were trained with. */
export type DepthLayout = "depth-anything" | "dpt" | "midas-small";

export const depthLayouts = ["depth-anything", "dpt", "midas-small"] as const;

const factor = 1 / 255;
const half = [0.5, 0.5, 0.5] as const;

/** As their papers' code and transformers' `preprocessor_config.json` of each have it. */
const feeds: Readonly<Record<DepthLayout, DepthFeed>> = {
  "depth-anything": { factor, ...imageNet, size: 518, multiple: 14, keepsProportions: true },
  dpt: { factor, mean: half, deviation: half, size: 384, multiple: 32, keepsProportions: true },
  "midas-small": { factor, ...imageNet, size: 256, multiple: 32, keepsProportions: true },
};

/**
 * How a depth model is fed: by its layout where that is told; else by the size that its graph
 * insists on (multiples of 14 are Depth Anything's, 256 is MiDaS small's, other multiples of 32
 * DPT's); a graph of any size is taken for Depth Anything. What the model's
 * `preprocessor_config.json` says goes first.
 */
export function depthFeed(
  graph: HintGraph,
  told: unknown,
): { readonly layout: DepthLayout; readonly feed: DepthFeed } {
  const layout =
    told === undefined ? guess(graph) : oneOf(told, "openDepthModel's layout", depthLayouts);
  const feed = feeds[layout];
  const { config } = graph;
  return {
    layout,
    feed: {
      ...feed,
      mean: triple(config.image_mean) ?? feed.mean,
      deviation: triple(config.image_std, 1e-6) ?? feed.deviation,
      size: side(config.size) ?? feed.size,
      multiple: whole(config.ensure_multiple_of, 1, 256) ?? feed.multiple,
      keepsProportions:
        typeof config.keep_aspect_ratio === "boolean"
          ? config.keep_aspect_ratio
          : feed.keepsProportions,
    },
  };
}

function guess({ input }: HintGraph): DepthLayout {
  const { width = 0, height = 0 } = input;
  if (width % 14 === 0 && height % 14 === 0) return "depth-anything";
  return width === 256 && height === 256 ? "midas-small" : "dpt";
}

function triple(value: unknown, least = -1000): readonly [number, number, number] | undefined {
  const fits =
    Array.isArray(value) &&
    value.length === 3 &&
    value.every((entry) => typeof entry === "number" && entry >= least && entry <= 1000);
  return fits ? (value as [number, number, number]) : undefined;
}

function whole(value: unknown, least: number, most: number): number | undefined {
  const fits = Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  return fits ? (value as number) : undefined;
}

/** `384`, `{ height: 384, width: 384 }` or `{ shortest_edge: 384 }`. */
function side(value: unknown): number | undefined {
  if (typeof value !== "object" || value === null) return whole(value, 14, 2048);
  const { height, width, shortest_edge } = value as Record<string, unknown>;
  return whole(shortest_edge ?? Math.min(Number(height), Number(width)), 14, 2048);
}

/** No picture is fed with a side longer than this many times the other. */
const mostStretch = 4;

/**
 * The size that a picture is fed in: scaled so that one side becomes `size`, the one for which it
 * changes less (the rule of DPT's image processor), each side rounded to a multiple.
 *
 * Pictures longer than 4 : 1 are squeezed to that, since networks' memory grows with the area.
 */
export function fedSize(
  width: number,
  height: number,
  { size, multiple, keepsProportions }: Pick<DepthFeed, "size" | "multiple" | "keepsProportions">,
): readonly [width: number, height: number] {
  let [across, down] = [size / width, size / height];
  if (keepsProportions) {
    const nearer = Math.abs(1 - across) < Math.abs(1 - down) ? across : down;
    [across, down] = [nearer, nearer];
  }
  const rounded = (length: number) => Math.max(1, roundHalfEven(length / multiple)) * multiple;
  const most = Math.max(1, Math.floor((mostStretch * size) / multiple)) * multiple;
  return [Math.min(most, rounded(across * width)), Math.min(most, rounded(down * height))];
}
