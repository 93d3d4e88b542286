import { createImage, type RgbaImage, resize, type TensorSpec } from "@underpaint/core";
import { type DepthMapOptions, type DepthValues, depthMap } from "../depth-map.js";
import { onWhite } from "../flatten.js";
import { checkSource, type Hint } from "../hint.js";
import { checkKeys, oneOf } from "../options.js";
import { bilinear } from "./bilinear.js";
import { type DepthLayout, depthFeed, fedSize } from "./depth-layouts.js";
import { pictureTensor } from "./feed.js";
import {
  type HintGraph,
  type HintModelOptions,
  hintModelKeys,
  openHintGraph,
  wrongOutputs,
  wrongSize,
} from "./hint-graph.js";

/** Options of {@link openDepthModel}. */
export interface DepthModelOptions extends HintModelOptions {
  /**
   * What the model was trained like, which decides the picture's size and normalisation; found out
   * from the graph, and from the model's `preprocessor_config.json`, when left out.
   */
  readonly layout?: DepthLayout;
  /**
   * Which of its values are near: `high` for disparity (Depth Anything, MiDaS, DPT), `low` for
   * metric depth. `high` when left out.
   */
  readonly near?: "high" | "low";
}

/** A depth model that was opened. */
export interface DepthModel {
  readonly layout: DepthLayout;
  /**
   * What the network says of each pixel of the picture, in its own unit, at the picture's size.
   *
   * @throws UnderpaintError `invalid-image`, `model-invalid` for an output that cannot be,
   * `inference-failed`, `disposed`; the signal's reason.
   */
  estimate(image: RgbaImage, options?: { readonly signal?: AbortSignal }): Promise<DepthValues>;
  /** The depth hint of a picture, at its size: stretched, near is white ({@link depthMap}). */
  hint(image: RgbaImage, options?: { readonly signal?: AbortSignal }): Promise<Hint>;
  /** Gives the graph back. */
  dispose(): Promise<void>;
}

/**
 * Opens a depth model that the user brings as ONNX: Depth Anything 1 and 2, MiDaS, DPT, in the forms
 * in which exporters write them. One input takes the picture [1, 3, height, width], one output
 * gives [1, height, width] or [1, 1, height, width]; of several outputs the one named
 * `predicted_depth`, `depth` or `disparity` counts.
 *
 * A picture is resized by a cubic (Pillow's, as transformers' DPTImageProcessor does), normalised,
 * and what comes out is enlarged linearly to the picture's size.
 *
 * Depth Anything: arXiv 2401.10891; MiDaS: arXiv 1907.01341; DPT: arXiv 2103.13413.
 *
 * @throws UnderpaintError `invalid-request` for options that are not allowed, `model-not-found`,
 * `model-invalid` for a graph with other inputs or outputs, which are told.
 */
export async function openDepthModel(options: DepthModelOptions): Promise<DepthModel> {
  checkKeys(options, "openDepthModel", [...hintModelKeys, "layout", "near"]);
  const near = oneOf(options.near ?? "high", "openDepthModel's near", ["high", "low"]);
  const graph = await openHintGraph(options, "the depth model");
  try {
    return wrap(graph, options.layout, near);
  } catch (error) {
    await graph.dispose();
    throw error;
  }
}

function wrap(
  graph: HintGraph,
  told: DepthLayout | undefined,
  near: NonNullable<DepthMapOptions["near"]>,
): DepthModel {
  const { layout, feed } = depthFeed(graph, told);
  const output = depthOutput(graph);
  const estimate: DepthModel["estimate"] = async (image, { signal } = {}) => {
    signal?.throwIfAborted();
    const { width, height } = checkSource(image, "the depth model");
    const free = fedSize(width, height, feed);
    const [w, h] = [graph.input.width ?? free[0], graph.input.height ?? free[1]];
    const fed = resize(opaque(image), w, h, { filter: "bicubic" });
    const picture = pictureTensor(onWhite(fed), w, h, feed);
    const [values] = await graph.run(picture, [output.name], signal);
    const { dims, data } = values!;
    const [outHeight = 0, outWidth = 0] = dims.slice(-2);
    if (dims.length < 2 || outHeight * outWidth !== data.length || data.length === 0) {
      throw wrongSize(graph, output.name, dims, "[1, height, width]");
    }
    return { width, height, data: bilinear(data, outWidth, outHeight, width, height) };
  };
  return {
    layout,
    estimate,
    hint: async (image, options) => depthMap(await estimate(image, options), { near }),
    dispose: () => graph.dispose(),
  };
}

const depthNames = ["predicted_depth", "depth", "disparity"];

function depthOutput(graph: HintGraph): TensorSpec {
  const possible = graph.outputs.filter(isMap);
  const named = possible.filter(({ name }) => depthNames.includes(name.toLowerCase()));
  const [found, ...others] = named.length > 0 ? named : possible;
  if (found && others.length === 0) return found;
  throw wrongOutputs(
    graph,
    `one output [1, height, width] or [1, 1, height, width], or one named ${depthNames.join(" or ")}`,
    "bring a depth model (Depth Anything, MiDaS, DPT), exported to ONNX",
  );
}

/** One value a pixel. */
function isMap({ type, dims }: TensorSpec): boolean {
  const leading = dims.slice(0, -2);
  return (
    (type === "float32" || type === "float16") &&
    (dims.length === 3 || dims.length === 4) &&
    leading.every((size) => size === 1 || typeof size === "string")
  );
}

function opaque(image: RgbaImage): RgbaImage {
  const rgb = onWhite(image);
  const out = createImage(image.width, image.height);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    out.data[to] = rgb[from]!;
    out.data[to + 1] = rgb[from + 1]!;
    out.data[to + 2] = rgb[from + 2]!;
    out.data[to + 3] = 255;
  }
  return out;
}
