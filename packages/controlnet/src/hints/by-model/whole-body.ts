import { type ScoredPoint, skeletonFromCoco } from "../pose/coco.js";
import { type FacePoint, facePoints, type HandJoint, handJoints } from "../pose/joints.js";
import type { PosePoint, Skeleton } from "../pose/skeleton.js";

/** How many key points the sets have that are known. */
export const keyPointCounts = [17, 26, 133] as const;

/**
 * A skeleton from the key points of a pose model: 17 are COCO's, 26 Halpe's (COCO's and more of the
 * body and feet, which are not drawn), 133 COCO-WholeBody's (17 of the body, 6 of the feet, 68 of
 * the face, 21 of each hand, the left one first; arXiv 2007.11858).
 *
 * @param threshold points that are not surer than this are left out.
 */
export function skeletonFromKeyPoints(points: readonly ScoredPoint[], threshold: number): Skeleton {
  const { body = {} } = skeletonFromCoco(points.slice(0, 17), threshold);
  if (points.length !== 133) return { body };
  const pick = <Name extends string>(names: readonly Name[], from: number) => {
    const joints: { [name in Name]?: PosePoint } = {};
    names.forEach((name, i) => {
      const [x, y, score] = points[from + i]!;
      if (score > threshold) joints[name] = [x, y];
    });
    return joints;
  };
  return {
    body,
    face: pick<FacePoint>(facePoints.slice(0, 68), 23),
    leftHand: pick<HandJoint>(handJoints, 91),
    rightHand: pick<HandJoint>(handJoints, 112),
  };
}
