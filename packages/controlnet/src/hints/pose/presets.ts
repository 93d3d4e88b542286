import { checkDrawnSize } from "../hint.js";
import { checkKeys, flag, numberIn, oneOf } from "../options.js";
import { genericFace, openHand } from "./generic-parts.js";
import { type BodyJoint, bodyJoints } from "./joints.js";
import type { PosePoint, Skeleton } from "./skeleton.js";

/**
 * Bodies in the order of {@link bodyJoints}, x and y each: in units of a standing figure's height,
 * x from its middle, y from the top of its head.
 */
const bodies = {
  standing: [
    0, 0.08, 0, 0.17, -0.11, 0.175, -0.14, 0.345, -0.15, 0.5, 0.11, 0.175, 0.14, 0.345, 0.15, 0.5,
    -0.07, 0.5, -0.075, 0.73, -0.08, 0.95, 0.07, 0.5, 0.075, 0.73, 0.08, 0.95, -0.02, 0.065, 0.02,
    0.065, -0.045, 0.075, 0.045, 0.075,
  ],
  "t-pose": [
    0, 0.08, 0, 0.17, -0.11, 0.175, -0.28, 0.18, -0.43, 0.18, 0.11, 0.175, 0.28, 0.18, 0.43, 0.18,
    -0.07, 0.5, -0.075, 0.73, -0.08, 0.95, 0.07, 0.5, 0.075, 0.73, 0.08, 0.95, -0.02, 0.065, 0.02,
    0.065, -0.045, 0.075, 0.045, 0.075,
  ],
  waving: [
    0, 0.08, 0, 0.17, -0.11, 0.175, -0.24, 0.11, -0.22, -0.04, 0.11, 0.175, 0.15, 0.345, 0.14, 0.5,
    -0.06, 0.5, -0.065, 0.73, -0.075, 0.95, 0.07, 0.5, 0.085, 0.73, 0.1, 0.95, -0.02, 0.065, 0.02,
    0.065, -0.045, 0.075, 0.045, 0.075,
  ],
  "arms-raised": [
    0, 0.08, 0, 0.17, -0.11, 0.165, -0.19, 0.02, -0.17, -0.13, 0.11, 0.165, 0.19, 0.02, 0.17, -0.13,
    -0.07, 0.5, -0.08, 0.73, -0.09, 0.95, 0.07, 0.5, 0.08, 0.73, 0.09, 0.95, -0.02, 0.065, 0.02,
    0.065, -0.045, 0.075, 0.045, 0.075,
  ],
  walking: [
    0.02, 0.08, 0, 0.17, -0.09, 0.18, -0.14, 0.34, -0.08, 0.48, 0.09, 0.175, 0.15, 0.335, 0.19,
    0.475, -0.055, 0.5, -0.03, 0.73, -0.02, 0.93, 0.06, 0.5, 0.04, 0.72, 0.1, 0.91, 0.005, 0.065,
    0.04, 0.065, -0.03, 0.075, 0.055, 0.078,
  ],
  running: [
    0.13, 0.1, 0.06, 0.18, -0.02, 0.19, -0.13, 0.3, 0, 0.38, 0.12, 0.2, 0.17, 0.37, 0.29, 0.3,
    -0.04, 0.5, -0.12, 0.7, -0.32, 0.71, 0.05, 0.5, 0.22, 0.62, 0.17, 0.84, 0.115, 0.083, 0.145,
    0.087, 0.075, 0.085, 0.15, 0.1,
  ],
  sitting: [
    0, 0.24, 0, 0.33, -0.11, 0.335, -0.15, 0.5, -0.11, 0.63, 0.11, 0.335, 0.15, 0.5, 0.11, 0.63,
    -0.07, 0.64, -0.12, 0.7, -0.11, 0.92, 0.07, 0.64, 0.12, 0.7, 0.11, 0.92, -0.02, 0.225, 0.02,
    0.225, -0.045, 0.235, 0.045, 0.235,
  ],
} as const satisfies Record<string, readonly number[]>;

/** A pose that comes with the package. */
export type PosePreset = keyof typeof bodies;

/** The names of the poses that come with the package. */
export const posePresets = Object.keys(bodies) as readonly PosePreset[];

/** Options of {@link presetPose}. */
export interface PresetPoseOptions {
  /** The picture that the figure is for, in pixels: its proportions are kept in it. */
  readonly width: number;
  readonly height: number;
  /** How much of the picture the figure fills, along the side that is tighter; 0.01 to 4, 0.9. */
  readonly scale?: number;
  /** Where its middle is, as shares of width and height; −1 to 2, 0.5 each. */
  readonly x?: number;
  readonly y?: number;
  /** Exchanges left and right. */
  readonly mirror?: boolean;
  /** Adds open hands along the forearms. */
  readonly hands?: boolean;
  /** Adds a face of plain features, looking where the head does. */
  readonly face?: boolean;
}

const optionNames = ["width", "height", "scale", "x", "y", "mirror", "hands", "face"];

/**
 * One of the poses that come with the package, placed in a picture of the given size.
 *
 * @throws UnderpaintError `invalid-request` for an unknown pose and options that are not allowed.
 */
export function presetPose(name: PosePreset, options: PresetPoseOptions): Skeleton {
  oneOf(name, "presetPose's pose", posePresets);
  checkKeys(options, "presetPose", optionNames);
  const { width, height } = options;
  checkDrawnSize(width, height, "presetPose");
  const scale = numberIn(options.scale ?? 0.9, "presetPose's scale", 0.01, 4);
  const middleX = numberIn(options.x ?? 0.5, "presetPose's x", -1, 2);
  const middleY = numberIn(options.y ?? 0.5, "presetPose's y", -1, 2);
  const mirror = flag(options.mirror ?? false, "presetPose's mirror");
  const hands = flag(options.hands ?? false, "presetPose's hands");
  const face = flag(options.face ?? false, "presetPose's face");
  const numbers: readonly number[] = bodies[name];
  const body = {} as Record<BodyJoint, PosePoint>;
  bodyJoints.forEach((joint, i) => {
    const x = numbers[2 * i]!;
    body[mirror ? otherSide(joint) : joint] = [mirror ? -x : x, numbers[2 * i + 1]!];
  });
  const parts = {
    body,
    ...(hands ? { leftHand: openHand(body, "left"), rightHand: openHand(body, "right") } : {}),
    ...(face ? { face: genericFace(body) } : {}),
  };
  // The figure's box, with room for the top of the head above the eyes.
  const all = Object.values(parts).flatMap((part) => Object.values<PosePoint>(part));
  const [left, right] = range(all.map(([x]) => x));
  const [top, bottom] = range([...all.map(([, y]) => y), body.nose[1] - 0.08]);
  const unit = scale * Math.min(width / (right - left), height / (bottom - top));
  const place = ([x, y]: PosePoint): PosePoint => [
    middleX + ((x - (left + right) / 2) * unit) / width,
    middleY + ((y - (top + bottom) / 2) * unit) / height,
  ];
  const placed = Object.entries(parts).map(([part, joints]) => [
    part,
    Object.fromEntries(Object.entries<PosePoint>(joints).map(([joint, at]) => [joint, place(at)])),
  ]);
  return Object.fromEntries(placed) as Skeleton;
}

function range(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}

function otherSide(joint: BodyJoint): BodyJoint {
  if (joint.startsWith("left")) return joint.replace("left", "right") as BodyJoint;
  return joint.replace("right", "left") as BodyJoint;
}
