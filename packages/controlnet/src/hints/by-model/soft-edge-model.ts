import { type FloatTensor, type RgbaImage, resize, type TensorSpec } from "@underpaint/core";
import { fitHint } from "../fit-hint.js";
import { onWhite } from "../flatten.js";
import { checkSource, greyHint, type Hint, saidIfBlack } from "../hint.js";
import { checkKeys, flag, oneOf } from "../options.js";
import { bilinear } from "./bilinear.js";
import { type Normalisation, pictureTensor } from "./feed.js";
import {
  type HintGraph,
  type HintModelOptions,
  hintModelKeys,
  maxFedPixels,
  openHintGraph,
  wrongOutputs,
  wrongSize,
} from "./hint-graph.js";

/** The sorts of soft edge model that are known. */
export type SoftEdgeLayout = "hed" | "pidinet" | "teed";

/** Options of {@link openSoftEdgeModel}. */
export interface SoftEdgeModelOptions extends HintModelOptions {
  /** What the model is; `hed` for several outputs, `pidinet` for one, when left out. */
  readonly layout?: SoftEdgeLayout;
}

/** A soft edge model that was opened. */
export interface SoftEdgeModel {
  readonly layout: SoftEdgeLayout;
  /**
   * The soft edges of a picture, white on black, at its size: the hint of
   * `control_v11p_sd15_softedge`.
   *
   * @param options `steps` reduces the edges to three levels, as the annotators' "safe" does.
   * @throws UnderpaintError `invalid-image`, `model-invalid` for an output that cannot be,
   * `inference-failed`, `disposed`; the signal's reason.
   */
  hint(
    image: RgbaImage,
    options?: { readonly steps?: boolean; readonly signal?: AbortSignal },
  ): Promise<Hint>;
  /** Gives the graph back. */
  dispose(): Promise<void>;
}

const layouts = ["hed", "pidinet", "teed"] as const;
const none = [0, 0, 0] as const;
const one = [1, 1, 1] as const;

/** As the annotators feed them (controlnet_aux): HED subtracts its mean inside the graph. */
const feeds: Readonly<Record<SoftEdgeLayout, Normalisation>> = {
  hed: { factor: 1, mean: none, deviation: one },
  teed: { factor: 1, mean: none, deviation: one },
  pidinet: { factor: 1 / 255, mean: none, deviation: one, blueFirst: true },
};

/**
 * Opens a model of soft edges that the user brings as ONNX: HED and TEED, whose outputs are
 * logits at several sizes (their mean through a sigmoid is the edge), or PiDiNet, whose last output
 * is the edge. Every output is [1, 1, height, width].
 *
 * HED: arXiv 1504.06375; PiDiNet: arXiv 2108.07009; TEED: arXiv 2308.06468.
 *
 * @throws UnderpaintError `invalid-request` for options that are not allowed, `model-not-found`,
 * `model-invalid` for a graph with other inputs or outputs, which are told.
 */
export async function openSoftEdgeModel(options: SoftEdgeModelOptions): Promise<SoftEdgeModel> {
  checkKeys(options, "openSoftEdgeModel", [...hintModelKeys, "layout"]);
  const told =
    options.layout === undefined
      ? undefined
      : oneOf(options.layout, "openSoftEdgeModel's layout", layouts);
  const graph = await openHintGraph(options, "the soft edge model");
  const maps = graph.outputs.filter(isMap);
  if (maps.length === 0 || maps.length > mostOutputs) {
    await graph.dispose();
    throw wrongOutputs(
      graph,
      `1 to ${mostOutputs} outputs [1, 1, height, width]`,
      "bring HED, PiDiNet or TEED, exported to ONNX",
    );
  }
  return wrap(graph, maps, told ?? (maps.length > 1 ? "hed" : "pidinet"));
}

const mostOutputs = 16;

function wrap(
  graph: HintGraph,
  maps: readonly TensorSpec[],
  layout: SoftEdgeLayout,
): SoftEdgeModel {
  const used = layout === "pidinet" ? maps.slice(-1) : maps;
  return {
    layout,
    async hint(image, options = {}) {
      checkKeys(options, "the soft edge model", ["steps", "signal"]);
      const steps = flag(options.steps ?? false, "the soft edge model's steps");
      const { signal } = options;
      signal?.throwIfAborted();
      const { width, height } = checkSource(image, "the soft edge model");
      const [w, h] = sizeFor(graph, width, height);
      const fed = w === width && h === height ? image : fitTo(image, w, h);
      const picture = pictureTensor(onWhite(fed), w, h, feeds[layout]);
      const names = used.map(({ name }) => name);
      const outputs = await graph.run(picture, names, signal);
      const edges = combined(graph, names, outputs, width, height, layout);
      const levels = new Uint8Array(edges.length);
      for (let i = 0; i < levels.length; i++) {
        const edge = steps ? Math.trunc(edges[i]! * 3) / 2 : edges[i]!;
        levels[i] = Math.trunc(Math.min(255, Math.max(0, edge * 255)));
      }
      const remark = "the model found no edge: the hint is black";
      return greyHint(width, height, levels, saidIfBlack(levels, remark));
    },
    dispose: () => graph.dispose(),
  };
}

/** Larger pictures are shrunk by area, as the annotators do; a graph of a fixed size is obeyed. */
function fitTo(image: RgbaImage, width: number, height: number): RgbaImage {
  return width * height < image.width * image.height
    ? fitHint(image, { width, height })
    : resize(image, width, height, { filter: "bilinear" });
}

/** Multiples of 16, which four halvings want, and not more than is allowed. */
function sizeFor({ input }: HintGraph, width: number, height: number): [number, number] {
  const shrink = Math.min(1, Math.sqrt(maxFedPixels / (width * height)));
  const side = (length: number) => Math.max(16, Math.ceil((length * shrink) / 16) * 16);
  return [input.width ?? side(width), input.height ?? side(height)];
}

/** Edges from 0 to 1 at the picture's size. */
function combined(
  graph: HintGraph,
  names: readonly string[],
  outputs: readonly FloatTensor[],
  width: number,
  height: number,
  layout: SoftEdgeLayout,
): Float64Array {
  const sum = new Float64Array(width * height);
  outputs.forEach(({ dims, data }, k) => {
    const [h = 0, w = 0] = dims.slice(-2);
    if (dims.length < 2 || h * w !== data.length || data.length === 0) {
      throw wrongSize(graph, names[k]!, dims, "[1, 1, height, width]");
    }
    const map = bilinear(data, w, h, width, height);
    for (let i = 0; i < sum.length; i++) sum[i]! += map[i]!;
  });
  if (layout === "pidinet") return sum;
  for (let i = 0; i < sum.length; i++) sum[i] = 1 / (1 + Math.exp(-sum[i]! / outputs.length));
  return sum;
}

function isMap({ type, dims }: TensorSpec): boolean {
  return (
    (type === "float32" || type === "float16") &&
    (dims.length === 4 || dims.length === 3) &&
    dims.slice(0, -2).every((size) => size === 1 || typeof size === "string")
  );
}
