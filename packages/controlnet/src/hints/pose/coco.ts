import { invalid, numberIn } from "../options.js";
import type { BodyJoint } from "./joints.js";
import type { PosePoint, Skeleton } from "./skeleton.js";

/** The 17 key points of COCO in its order: what most pose models give. */
export const cocoJoints = [
  "nose",
  "leftEye",
  "rightEye",
  "leftEar",
  "rightEar",
  "leftShoulder",
  "rightShoulder",
  "leftElbow",
  "rightElbow",
  "leftWrist",
  "rightWrist",
  "leftHip",
  "rightHip",
  "leftKnee",
  "rightKnee",
  "leftAnkle",
  "rightAnkle",
] as const satisfies readonly BodyJoint[];

/** A key point and how sure the model is of it, 0 to 1. */
export type ScoredPoint = readonly [x: number, y: number, score: number];

/**
 * A skeleton from COCO's 17 key points. Joints are matched by name; the neck, which COCO lacks, is
 * the middle of the shoulders where both are sure.
 *
 * @param points in the order of {@link cocoJoints}, x and y as shares of width and height.
 * @param threshold points that are not surer than this are left out; 0 to 1, 0.3 when left out.
 * @throws UnderpaintError `invalid-request` for another number of points or what is no point.
 */
export function skeletonFromCoco(points: readonly ScoredPoint[], threshold = 0.3): Skeleton {
  numberIn(threshold, "skeletonFromCoco's threshold", 0, 1);
  if (!Array.isArray(points) || points.length !== cocoJoints.length) {
    throw invalid({
      what: "skeletonFromCoco's key points are of another number",
      value: Array.isArray(points) ? points.length : points,
      allowed: `${cocoJoints.length}, each [x, y, score]`,
    });
  }
  const body: { [joint in BodyJoint]?: PosePoint } = {};
  cocoJoints.forEach((joint, i) => {
    const point = points[i] as ScoredPoint;
    if (!Array.isArray(point) || point.length !== 3 || !point.every(Number.isFinite)) {
      throw invalid({
        what: `skeletonFromCoco's ${joint} is no key point`,
        value: point,
        allowed: "[x, y, score], finite numbers",
      });
    }
    if (point[2] > threshold) body[joint] = [point[0], point[1]];
  });
  const { leftShoulder: left, rightShoulder: right } = body;
  if (left && right) body.neck = [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2];
  return { body };
}
