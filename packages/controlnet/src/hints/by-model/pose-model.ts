import { floatTensor, type RgbaImage } from "@underpaint/core";
import { onWhite } from "../flatten.js";
import { checkSource, type Hint } from "../hint.js";
import { checkKeys, invalid, numberIn } from "../options.js";
import type { ScoredPoint } from "../pose/coco.js";
import { poseFigure } from "../pose/pose-figure.js";
import type { Skeleton } from "../pose/skeleton.js";
import { cropOf, cropPlanes } from "./crop.js";
import { imageNet } from "./feed.js";
import {
  type HintGraph,
  type HintModelOptions,
  hintModelKeys,
  openHintGraph,
} from "./hint-graph.js";
import { poseOutputs } from "./pose-outputs.js";
import { skeletonFromKeyPoints } from "./whole-body.js";

/** Options of {@link openPoseModel}. */
export interface PoseModelOptions extends HintModelOptions {}

/** Where a person is, as shares of the picture's width and height: all of it is 0, 0, 1, 1. */
export interface PoseBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What a pose model is asked. */
export interface PoseOptions {
  /** One for each person, up to 20; the whole picture, for a single person, when left out. */
  readonly boxes?: readonly PoseBox[];
  readonly signal?: AbortSignal;
}

/** What a pose model's points are drawn by. */
export interface PoseHintOptions extends PoseOptions {
  /** Points that are not surer than this are left out; 0 to 1, 0.3 when left out. */
  readonly threshold?: number;
}

/** A pose model that was opened. */
export interface PoseModel {
  /** How its outputs are read. */
  readonly kind: "simcc" | "heat-map";
  /** 17 (COCO), 26 (Halpe) or 133 (COCO-WholeBody, with hands and face). */
  readonly keyPoints: number;
  /** The key points of each box, as shares of the picture's width and height, with scores. */
  estimate(image: RgbaImage, options?: PoseOptions): Promise<readonly (readonly ScoredPoint[])[]>;
  /** A skeleton for each box, as {@link poseFigure} draws it: to be looked at, and corrected. */
  skeletons(image: RgbaImage, options?: PoseHintOptions): Promise<readonly Skeleton[]>;
  /** The figures, at the picture's size. */
  hint(image: RgbaImage, options?: PoseHintOptions): Promise<Hint>;
  /** Gives the graph back. */
  dispose(): Promise<void>;
}

const mostBoxes = 20;
const whole: PoseBox = { x: 0, y: 0, width: 1, height: 1 };

/** mmpose's numbers, for samples from 0 to 255. */
const mean = imageNet.mean.map((share) => share * 255);
const deviation = imageNet.deviation.map((share) => share * 255);

/** The input of a graph that takes any: what these models are trained with. */
const usual = { width: 192, height: 256 };

/**
 * Opens a top-down model of key points that the user brings as ONNX: RTMPose and DWPose (SimCC),
 * ViTPose and HRNet (heat maps); outputs are told apart by their shapes. Its preparation is
 * mmpose's: the box made 1.25 times as large and brought to the input's proportions, red, green and
 * blue normalised by ImageNet's mean. Boxes of persons are the caller's; no detector is run.
 *
 * @throws UnderpaintError `invalid-request` for options that are not allowed, `model-not-found`,
 * `model-invalid` for a graph with other inputs or outputs, which are told.
 */
export async function openPoseModel(options: PoseModelOptions): Promise<PoseModel> {
  checkKeys(options, "openPoseModel", hintModelKeys);
  const graph = await openHintGraph(options, "the pose model");
  try {
    return wrap(graph);
  } catch (error) {
    await graph.dispose();
    throw error;
  }
}

function wrap(graph: HintGraph): PoseModel {
  const outputs = poseOutputs(graph);
  const { width: w = usual.width, height: h = usual.height } = graph.input;

  const estimate: PoseModel["estimate"] = async (image, options = {}) => {
    checkKeys(options, "the pose model", ["boxes", "threshold", "signal"]);
    const boxes = checkBoxes(options.boxes ?? [whole]);
    const { signal } = options;
    signal?.throwIfAborted();
    const { width, height } = checkSource(image, "the pose model");
    const rgb = onWhite(image);
    const found: ScoredPoint[][] = [];
    for (const box of boxes) {
      const pixels = {
        x: box.x * width,
        y: box.y * height,
        width: box.width * width,
        height: box.height * height,
      };
      const crop = cropOf(pixels, w, h);
      const planes = cropPlanes(rgb, width, height, crop, w, h);
      normalise(planes);
      const results = await graph.run(floatTensor([1, 3, h, w], planes), outputs.names, signal);
      const left = crop.centerX - crop.width / 2;
      const top = crop.centerY - crop.height / 2;
      found.push(
        outputs.decode(results).map(([x, y, score]) => {
          return [(left + x * crop.width) / width, (top + y * crop.height) / height, score];
        }),
      );
    }
    return found;
  };

  const skeletons: PoseModel["skeletons"] = async (image, options = {}) => {
    const threshold = numberIn(options.threshold ?? 0.3, "the pose model's threshold", 0, 1);
    return (await estimate(image, options)).map((points) =>
      skeletonFromKeyPoints(points.map(nearOnly), threshold),
    );
  };

  return {
    kind: outputs.kind,
    keyPoints: outputs.keyPoints,
    estimate,
    skeletons,
    async hint(image, options) {
      const figures = await skeletons(image, options);
      const { width, height } = image;
      const hint = poseFigure(figures, { width, height });
      const isEmpty = figures.every((figure) =>
        Object.values(figure).every((joints) => Object.keys(joints).length === 0),
      );
      return isEmpty ? { ...hint, notices: ["no joint is sure enough: the hint is black"] } : hint;
    },
    dispose: () => graph.dispose(),
  };
}

function normalise(planes: Float32Array): void {
  const plane = planes.length / 3;
  for (let channel = 0; channel < 3; channel++) {
    const [m, d] = [mean[channel]!, deviation[channel]!];
    for (let i = channel * plane; i < (channel + 1) * plane; i++) planes[i] = (planes[i]! - m) / d;
  }
}

/** A point that the crop's margin holds, far outside of a thin picture, is none. */
function nearOnly([x, y, score]: ScoredPoint): ScoredPoint {
  const isNear = x >= -1 && x <= 2 && y >= -1 && y <= 2;
  return isNear ? [x, y, score] : [0, 0, 0];
}

function checkBoxes(boxes: unknown): readonly PoseBox[] {
  if (!Array.isArray(boxes) || boxes.length > mostBoxes) {
    throw invalid({
      what: "the pose model's boxes are no list of them",
      value: Array.isArray(boxes) ? boxes.length : boxes,
      allowed: `up to ${mostBoxes}, each { x, y, width, height }`,
    });
  }
  boxes.forEach((box: unknown, i) => {
    const name = `the pose model's box ${i}`;
    checkKeys(box, name, ["x", "y", "width", "height"]);
    const { x, y, width, height } = box as PoseBox;
    numberIn(x, `${name}'s x`, -1, 1);
    numberIn(y, `${name}'s y`, -1, 1);
    numberIn(width, `${name}'s width`, 1e-3, 3);
    numberIn(height, `${name}'s height`, 1e-3, 3);
  });
  return boxes as PoseBox[];
}
