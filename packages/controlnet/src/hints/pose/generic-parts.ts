import { type BodyJoint, type FacePoint, facePoints, type HandJoint } from "./joints.js";
import type { PosePoint } from "./skeleton.js";

/** A finger: its angle from the forearm's direction in degrees, where it begins and how long it is. */
const fingers = [
  ["thumb", 48, 0.3, 0.55],
  ["index", 14, 0.85, 0.8],
  ["middle", 2, 0.9, 0.9],
  ["ring", -10, 0.85, 0.8],
  ["little", -24, 0.78, 0.65],
] as const;

/** A palm's length as a share of the forearm's. */
const palm = 0.36;

/** An open hand that goes on in the forearm's direction; thumbs towards the body's middle. */
export function openHand(
  body: Readonly<Record<BodyJoint, PosePoint>>,
  side: "left" | "right",
): Record<HandJoint, PosePoint> {
  const wrist = body[`${side}Wrist`];
  const elbow = body[`${side}Elbow`];
  const [dx, dy] = [wrist[0] - elbow[0], wrist[1] - elbow[1]];
  const size = palm * Math.hypot(dx, dy);
  const forearm = Math.atan2(dy, dx);
  // The thumb points to where the neck is.
  const [tx, ty] = [body.neck[0] - wrist[0], body.neck[1] - wrist[1]];
  const turn = dx * ty - dy * tx < 0 ? -1 : 1;
  const hand: { [joint in HandJoint]?: PosePoint } = { wrist };
  for (const [finger, degrees, start, length] of fingers) {
    const angle = forearm + (turn * degrees * Math.PI) / 180;
    for (let i = 0; i < 4; i++) {
      const reach = size * (start + (length * i) / 3);
      hand[`${finger}${(i + 1) as 1 | 2 | 3 | 4}`] = [
        wrist[0] + reach * Math.cos(angle),
        wrist[1] + reach * Math.sin(angle),
      ];
    }
  }
  return hand as Record<HandJoint, PosePoint>;
}

type Curve = (t: number) => PosePoint;

/** Points along a curve that is given from 0 to 1. */
function along(count: number, curve: Curve): PosePoint[] {
  return Array.from({ length: count }, (_, i) => curve(count === 1 ? 0 : i / (count - 1)));
}

/** Points around an ellipse from its left end over the top, the last one short of the first. */
function around(count: number, [x, y]: PosePoint, wide: number, high: number): PosePoint[] {
  return Array.from({ length: count }, (_, i) => {
    const angle = Math.PI * (1 + (2 * i) / count);
    return [x + wide * Math.cos(angle), y + high * Math.sin(angle)];
  });
}

const brow =
  (from: number, to: number): Curve =>
  (t) => [from + (to - from) * t, -0.62 - 0.1 * Math.sin(Math.PI * t)];

/** A face of 70 points: x −1 to 1 between the ears, y in the same unit, 0 at the tip of the nose. */
const features: readonly PosePoint[] = [
  ...along(17, (t) => [-0.95 * Math.cos(Math.PI * t), -0.35 + 1.5 * Math.sin(Math.PI * t)]),
  ...along(5, brow(-0.72, -0.2)),
  ...along(5, brow(0.2, 0.72)),
  ...along(4, (t) => [0, -0.42 + 0.42 * t]),
  ...along(5, (t) => [-0.18 + 0.36 * t, 0.1 + 0.04 * Math.sin(Math.PI * t)]),
  ...around(6, [-0.44, -0.4], 0.16, 0.08),
  ...around(6, [0.44, -0.4], 0.16, 0.08),
  ...around(12, [0, 0.5], 0.34, 0.16),
  ...around(8, [0, 0.5], 0.24, 0.06),
  [-0.44, -0.4],
  [0.44, -0.4],
];

/** A face between the body's ears and around its nose. */
export function genericFace(
  body: Readonly<Record<BodyJoint, PosePoint>>,
): Record<FacePoint, PosePoint> {
  const { rightEar, leftEar, nose } = body;
  const [ex, ey] = [(leftEar[0] - rightEar[0]) / 2, (leftEar[1] - rightEar[1]) / 2];
  const face: { [point in FacePoint]?: PosePoint } = {};
  facePoints.forEach((point, i) => {
    const [x, y] = features[i]!;
    face[point] = [nose[0] + x * ex - y * ey, nose[1] + x * ey + y * ex];
  });
  return face as Record<FacePoint, PosePoint>;
}
