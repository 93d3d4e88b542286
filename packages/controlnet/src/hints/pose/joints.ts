/** The body's 18 joints in OpenPose's order: the index in this list is the joint's number. */
export const bodyJoints = [
  "nose",
  "neck",
  "rightShoulder",
  "rightElbow",
  "rightWrist",
  "leftShoulder",
  "leftElbow",
  "leftWrist",
  "rightHip",
  "rightKnee",
  "rightAnkle",
  "leftHip",
  "leftKnee",
  "leftAnkle",
  "rightEye",
  "leftEye",
  "rightEar",
  "leftEar",
] as const;

/** A joint of the body. Right and left are the figure's own, not the onlooker's. */
export type BodyJoint = (typeof bodyJoints)[number];

/** A hand's 21 joints in OpenPose's order; a finger's 1 is at the palm, its 4 the tip. */
export const handJoints = [
  "wrist",
  "thumb1",
  "thumb2",
  "thumb3",
  "thumb4",
  "index1",
  "index2",
  "index3",
  "index4",
  "middle1",
  "middle2",
  "middle3",
  "middle4",
  "ring1",
  "ring2",
  "ring3",
  "ring4",
  "little1",
  "little2",
  "little3",
  "little4",
] as const;

/** A joint of a hand. */
export type HandJoint = (typeof handJoints)[number];

const facePlaces = [
  // Along the jaw from the figure's right ear to its left one.
  ["jaw", 17],
  // From the temple to the nose.
  ["rightBrow", 5],
  // From the nose to the temple.
  ["leftBrow", 5],
  // Downwards.
  ["noseBridge", 4],
  // From the figure's right to its left, as all that follow begin.
  ["nostrils", 5],
  ["rightEye", 6],
  ["leftEye", 6],
  ["outerLips", 12],
  ["innerLips", 8],
] as const;

type Digit = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/** A point of the face. */
export type FacePoint =
  | `jaw${Digit | 10 | 11 | 12 | 13 | 14 | 15 | 16 | 17}`
  | `${"rightBrow" | "leftBrow" | "nostrils"}${1 | 2 | 3 | 4 | 5}`
  | `noseBridge${1 | 2 | 3 | 4}`
  | `${"rightEye" | "leftEye"}${1 | 2 | 3 | 4 | 5 | 6}`
  | `outerLips${Digit | 10 | 11 | 12}`
  | `innerLips${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}`
  | "rightPupil"
  | "leftPupil";

/** The face's 70 points in OpenPose's order: the 68 of iBUG 300-W and the pupils. */
export const facePoints = [
  ...facePlaces.flatMap(([place, count]) =>
    Array.from({ length: count }, (_, i) => `${place}${i + 1}` as FacePoint),
  ),
  "rightPupil",
  "leftPupil",
] as readonly FacePoint[];

/** The limbs between the body's joints, in the order of their colours. */
export const limbs: readonly (readonly [BodyJoint, BodyJoint])[] = [
  ["neck", "rightShoulder"],
  ["neck", "leftShoulder"],
  ["rightShoulder", "rightElbow"],
  ["rightElbow", "rightWrist"],
  ["leftShoulder", "leftElbow"],
  ["leftElbow", "leftWrist"],
  ["neck", "rightHip"],
  ["rightHip", "rightKnee"],
  ["rightKnee", "rightAnkle"],
  ["neck", "leftHip"],
  ["leftHip", "leftKnee"],
  ["leftKnee", "leftAnkle"],
  ["neck", "nose"],
  ["nose", "rightEye"],
  ["rightEye", "rightEar"],
  ["nose", "leftEye"],
  ["leftEye", "leftEar"],
];

/** The hand's 20 bones, finger by finger, in the order of their hues. */
export const bones: readonly (readonly [HandJoint, HandJoint])[] = (
  ["thumb", "index", "middle", "ring", "little"] as const
).flatMap((finger) => [
  ["wrist", `${finger}1`] as const,
  [`${finger}1`, `${finger}2`] as const,
  [`${finger}2`, `${finger}3`] as const,
  [`${finger}3`, `${finger}4`] as const,
]);

/** Red, green and blue of each joint, in the order of {@link bodyJoints}, and of each limb. */
export const bodyColours: readonly (readonly [number, number, number])[] = [
  [255, 0, 0],
  [255, 85, 0],
  [255, 170, 0],
  [255, 255, 0],
  [170, 255, 0],
  [85, 255, 0],
  [0, 255, 0],
  [0, 255, 85],
  [0, 255, 170],
  [0, 255, 255],
  [0, 170, 255],
  [0, 85, 255],
  [0, 0, 255],
  [85, 0, 255],
  [170, 0, 255],
  [255, 0, 255],
  [255, 0, 170],
  [255, 0, 85],
];
