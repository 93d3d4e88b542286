import type { FloatTensor, TensorSpec } from "@underpaint/core";
import { type HintGraph, wrongOutputs, wrongSize } from "./hint-graph.js";
import { decodeHeatMaps, decodeSimcc, type InputPoint } from "./key-points.js";
import { keyPointCounts } from "./whole-body.js";

/** How a pose model tells where key points are. */
export interface PoseOutputs {
  readonly kind: "simcc" | "heat-map";
  readonly keyPoints: number;
  /** The outputs that are needed, in the order in which `decode` wants them. */
  readonly names: readonly string[];
  decode(outputs: readonly FloatTensor[]): readonly InputPoint[];
}

/** The most bins and heat map pixels a key point may have. */
const mostBins = 2 ** 13;
const mostMapPixels = 2 ** 20;

/**
 * Recognises a pose model's outputs by their shapes, and their names where shapes do not tell:
 * two of [1, K, bins] are SimCC's, `simcc_x` and `simcc_y` or in that order; one of
 * [1, K, height, width] is a heat map.
 *
 * @throws UnderpaintError `model-invalid` for others, telling what was found.
 */
export function poseOutputs(graph: HintGraph): PoseOutputs {
  const floats = graph.outputs.filter(({ type }) => type === "float32" || type === "float16");
  const rows = floats.filter(({ dims }) => dims.length === 3 && isKeyPoints(dims[1]));
  const maps = floats.filter(({ dims }) => dims.length === 4 && isKeyPoints(dims[1]));
  if (rows.length === 2 && maps.length === 0) return simcc(graph, rows as [TensorSpec, TensorSpec]);
  if (maps.length === 1 && rows.length === 0) return heatMap(graph, maps[0]!);
  throw wrongOutputs(
    graph,
    `two outputs [1, K, bins] (SimCC: RTMPose) or one [1, K, height, width] (heat maps: ViTPose, HRNet), K = ${keyPointCounts.join(", ")}`,
    "bring a top-down pose model of these key points, without its own decoding",
  );
}

function isKeyPoints(size: number | string | undefined): boolean {
  return (keyPointCounts as readonly unknown[]).includes(size);
}

function simcc(graph: HintGraph, [first, second]: [TensorSpec, TensorSpec]): PoseOutputs {
  // By name where the names tell; RTMPose's own order is x, y.
  const isDown = ({ name }: TensorSpec) => /(^|[^a-z])y$/i.test(name);
  const [x, y] = isDown(first) && !isDown(second) ? [second, first] : [first, second];
  const keyPoints = x.dims[1] as number;
  return {
    kind: "simcc",
    keyPoints,
    names: [x.name, y.name],
    decode(outputs) {
      const [across, down] = outputs as [FloatTensor, FloatTensor];
      for (const [k, { dims, data }] of outputs.entries()) {
        const bins = dims.at(-1) ?? 0;
        const fits = dims.length === 3 && bins > 0 && bins <= mostBins;
        if (!fits || data.length !== keyPoints * bins) {
          throw wrongSize(graph, [x, y][k]!.name, dims, `[1, ${keyPoints}, 1 to ${mostBins}]`);
        }
      }
      return decodeSimcc(across.data, down.data, keyPoints);
    },
  };
}

function heatMap(graph: HintGraph, map: TensorSpec): PoseOutputs {
  const keyPoints = map.dims[1] as number;
  return {
    kind: "heat-map",
    keyPoints,
    names: [map.name],
    decode(outputs) {
      const { dims, data } = outputs[0]!;
      const [height = 0, width = 0] = dims.slice(-2);
      const pixels = height * width;
      const fits = dims.length === 4 && pixels > 0 && pixels <= mostMapPixels;
      if (!fits || data.length !== keyPoints * pixels) {
        throw wrongSize(graph, map.name, dims, `[1, ${keyPoints}, height, width]`);
      }
      return decodeHeatMaps(data, keyPoints, width, height);
    },
  };
}
