import { roundHalfEven } from "../filters/round.js";
import { checkDrawnSize, type Hint } from "../hint.js";
import { checkKeys, flag, invalid } from "../options.js";
import { type Canvas, canvasHint, createCanvas, ink } from "../raster/canvas.js";
import { drawThickLine, fillDisc, fillEllipse } from "../raster/shapes.js";
import {
  type BodyJoint,
  bodyColours,
  bodyJoints,
  bones,
  type FacePoint,
  facePoints,
  type HandJoint,
  handJoints,
  limbs,
} from "./joints.js";
import { checkSkeleton, type Joints, type PosePoint, type Skeleton } from "./skeleton.js";

/** Options of {@link poseFigure}. */
export interface PoseFigureOptions {
  /** The hint's size in pixels, 1 to 8192 each. */
  readonly width: number;
  readonly height: number;
  /** Which parts are drawn; all when left out. */
  readonly body?: boolean;
  readonly hands?: boolean;
  readonly face?: boolean;
}

/** The most figures in one hint. */
const mostFigures = 100;

/**
 * OpenPose figures on black, the hint of `control_v11p_sd15_openpose`: limbs as ellipses 8 pixels
 * wide in 0.6 of their colour, joints as discs of radius 4 on them, hands as lines of 2 pixels with
 * blue joints, faces as white discs of radius 3. The same to the pixel as the annotator's drawing
 * (controlnet_aux, `draw_poses`) with OpenCV; sizes are pixels whatever the hint's size.
 *
 * A hand's or face's point that falls on the first row or column, or beyond it, is not drawn, as
 * there.
 *
 * @throws UnderpaintError `invalid-request` for a joint that is not known (the nearest name is
 * told) or lies far outside, for more than 100 figures, and for options that are not allowed.
 */
export function poseFigure(
  skeletons: Skeleton | readonly Skeleton[],
  options: PoseFigureOptions,
): Hint {
  checkKeys(options, "poseFigure", ["width", "height", "body", "hands", "face"]);
  const { width, height } = options;
  checkDrawnSize(width, height, "poseFigure");
  const parts = {
    body: flag(options.body ?? true, "poseFigure's body"),
    hands: flag(options.hands ?? true, "poseFigure's hands"),
    face: flag(options.face ?? true, "poseFigure's face"),
  };
  const figures = (Array.isArray(skeletons) ? skeletons : [skeletons]) as readonly Skeleton[];
  if (figures.length > mostFigures) {
    throw invalid({
      what: "poseFigure is given too many figures",
      value: figures.length,
      allowed: `${mostFigures} at most`,
    });
  }
  figures.forEach((figure, i) => {
    checkSkeleton(figure, Array.isArray(skeletons) ? `figure ${i}` : "the figure");
  });
  const canvas = createCanvas(width, height);
  for (const { body = {}, leftHand = {}, rightHand = {}, face = {} } of figures) {
    if (parts.body) drawBody(canvas, body);
    if (parts.hands) drawHand(canvas, leftHand);
    if (parts.hands) drawHand(canvas, rightHand);
    if (parts.face) drawFace(canvas, face);
  }
  const black = ink(0, 0, 0);
  const empty = canvas.pixels.every((pixel) => pixel === black);
  return canvasHint(canvas, empty ? ["no joint lies in the picture: the hint is black"] : []);
}

function drawBody(canvas: Canvas, body: Joints<BodyJoint>): void {
  const { width, height } = canvas;
  limbs.forEach(([from, to], i) => {
    const [a, b] = [body[from], body[to]];
    if (!a || !b) return;
    const [x1, y1, x2, y2] = [a[0] * width, a[1] * height, b[0] * width, b[1] * height];
    const length = Math.sqrt((y1 - y2) ** 2 + (x1 - x2) ** 2);
    const angle = Math.atan2(y1 - y2, x1 - x2) * (180 / Math.PI);
    const [red, green, blue] = bodyColours[i]!.map((sample) => Math.trunc(sample * 0.6));
    fillEllipse(
      canvas,
      Math.trunc((x1 + x2) / 2),
      Math.trunc((y1 + y2) / 2),
      Math.trunc(length / 2),
      4,
      Math.trunc(angle),
      ink(red!, green!, blue!),
    );
  });
  bodyJoints.forEach((joint, i) => {
    const point = body[joint];
    if (!point) return;
    const [x, y] = pixelOf(point, canvas);
    fillDisc(canvas, x, y, 4, ink(...bodyColours[i]!));
  });
}

const jointBlue = [0, 0, 255] as const;

function drawHand(canvas: Canvas, hand: Joints<HandJoint>): void {
  bones.forEach(([from, to], i) => {
    const [a, b] = [hand[from], hand[to]];
    if (!a || !b) return;
    const [x1, y1] = pixelOf(a, canvas);
    const [x2, y2] = pixelOf(b, canvas);
    if (x1 < 1 || y1 < 1 || x2 < 1 || y2 < 1) return;
    drawThickLine(canvas, x1, y1, x2, y2, ink(...hueColour(i / bones.length)));
  });
  for (const joint of handJoints) drawPoint(canvas, hand[joint], 4, ink(...jointBlue));
}

function drawFace(canvas: Canvas, face: Joints<FacePoint>): void {
  for (const point of facePoints) drawPoint(canvas, face[point], 3, ink(255, 255, 255));
}

function drawPoint(
  canvas: Canvas,
  point: PosePoint | undefined,
  radius: number,
  colour: number,
): void {
  if (!point) return;
  const [x, y] = pixelOf(point, canvas);
  if (x >= 1 && y >= 1) fillDisc(canvas, x, y, radius, colour);
}

function pixelOf([x, y]: PosePoint, { width, height }: Canvas): [number, number] {
  return [Math.trunc(x * width), Math.trunc(y * height)];
}

/** Red, green and blue of a hue from 0 to 1 at full saturation and value, rounded half to even. */
export function hueColour(hue: number): [number, number, number] {
  const sector = Math.trunc(hue * 6);
  const rest = hue * 6 - sector;
  const rising = 1 - (1 - rest);
  const falling = 1 - rest;
  const sectors: readonly [number, number, number][] = [
    [1, rising, 0],
    [falling, 1, 0],
    [0, 1, rising],
    [0, falling, 1],
    [rising, 0, 1],
    [1, 0, falling],
  ];
  return sectors[sector % 6]!.map((share) => roundHalfEven(share * 255)) as [
    number,
    number,
    number,
  ];
}
