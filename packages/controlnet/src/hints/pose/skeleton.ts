import { nearest } from "@underpaint/core";
import { invalid } from "../options.js";
import {
  type BodyJoint,
  bodyJoints,
  type FacePoint,
  facePoints,
  type HandJoint,
  handJoints,
} from "./joints.js";

/**
 * Where a joint is, as shares of the picture's width and height: [0, 0] is its top left corner,
 * [1, 1] its bottom right one. −2 to 3, so that limbs may leave the picture.
 */
export type PosePoint = readonly [x: number, y: number];

/** The joints that are known, by name; a joint left out is not drawn, nor what hangs on it. */
export type Joints<Name extends string> = { readonly [name in Name]?: PosePoint | undefined };

/** One figure. */
export interface Skeleton {
  readonly body?: Joints<BodyJoint>;
  readonly leftHand?: Joints<HandJoint>;
  readonly rightHand?: Joints<HandJoint>;
  readonly face?: Joints<FacePoint>;
}

/** The parts of a skeleton and the joints that each may have. */
export const skeletonParts: {
  readonly [part in keyof Required<Skeleton>]: readonly string[];
} = {
  body: bodyJoints,
  leftHand: handJoints,
  rightHand: handJoints,
  face: facePoints,
};

/** The farthest that a joint may lie from the picture, in its sides. */
const farthest = 2;

/**
 * Throws unless every part and joint of a skeleton is known and lies where it may.
 *
 * @param name what the error calls the skeleton.
 * @throws UnderpaintError `invalid-request`, naming the joint, and the nearest known one.
 */
export function checkSkeleton(skeleton: unknown, name: string): asserts skeleton is Skeleton {
  const parts = entries(skeleton, name);
  for (const [part, joints] of parts) {
    const known = Object.hasOwn(skeletonParts, part)
      ? skeletonParts[part as keyof Skeleton]
      : undefined;
    if (!known) throw unknown(`${name} has no part of that name`, part, Object.keys(skeletonParts));
    if (joints === undefined) continue;
    for (const [joint, point] of entries(joints, `${name}'s ${part}`)) {
      if (!known.includes(joint)) {
        throw unknown(`${name}'s ${part} has no joint of that name`, joint, known);
      }
      if (point !== undefined) checkPoint(point, `${name}'s ${joint}`);
    }
  }
}

function entries(value: unknown, name: string): [string, unknown][] {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value);
  }
  throw invalid({
    what: `${name} is no object of joints`,
    value,
    allowed: "{ body: { nose: [0.5, 0.1], … } }",
  });
}

function unknown(what: string, found: string, known: readonly string[]) {
  const meant = nearest(found, known);
  return invalid({
    what,
    value: found,
    ...(meant === undefined
      ? { allowed: known.length > 21 ? `${known.slice(0, 3).join(", ")}, …` : known.join(", ") }
      : { remedy: `did you mean ${meant}?` }),
  });
}

function checkPoint(point: unknown, name: string): void {
  const [x, y] = Array.isArray(point) && point.length === 2 ? point : [];
  const near = (value: unknown) =>
    typeof value === "number" && value >= -farthest && value <= 1 + farthest;
  if (near(x) && near(y)) return;
  throw invalid({
    what: `${name} is no point near the picture`,
    value: point,
    allowed: `[x, y] as shares of width and height, ${-farthest} to ${1 + farthest}`,
  });
}
