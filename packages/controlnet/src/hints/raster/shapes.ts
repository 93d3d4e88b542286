import { roundHalfEven } from "../filters/round.js";
import { type Canvas, fillSpan, type Ink } from "./canvas.js";
import { fillConvexPolygon } from "./convex-polygon.js";
import { unit } from "./line.js";

/** A filled disc of whole-numbered centre and radius, as OpenCV's `circle` of thickness −1. */
export function fillDisc(canvas: Canvas, x: number, y: number, radius: number, colour: Ink): void {
  let error = 0;
  let wide = radius;
  let narrow = 0;
  let plus = 1;
  let minus = 2 * radius - 1;
  while (wide >= narrow) {
    fillSpan(canvas, x - wide, x + wide, y - narrow, colour);
    fillSpan(canvas, x - wide, x + wide, y + narrow, colour);
    fillSpan(canvas, x - narrow, x + narrow, y - wide, colour);
    fillSpan(canvas, x - narrow, x + narrow, y + wide, colour);
    narrow++;
    error += plus;
    plus += 2;
    if (error > 0) {
      error -= minus;
      wide--;
      minus -= 2;
    }
  }
}

/** A line of two pixels' width with round ends, as OpenCV's `line` of thickness 2. */
export function drawThickLine(
  canvas: Canvas,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  colour: Ink,
): void {
  const length = Math.sqrt((x1 - x2) * (x1 - x2) + (y2 - y1) * (y2 - y1));
  if (length > 0) {
    const half = unit / length;
    const dx = roundHalfEven((y2 - y1) * half);
    const dy = roundHalfEven((x1 - x2) * half);
    const corners = [
      x1 * unit + dx,
      y1 * unit + dy,
      x1 * unit - dx,
      y1 * unit - dy,
      x2 * unit - dx,
      y2 * unit - dy,
      x2 * unit + dx,
      y2 * unit + dy,
    ];
    fillConvexPolygon(canvas, corners, colour, true);
  }
  fillDisc(canvas, x1, y1, 1, colour);
  fillDisc(canvas, x2, y2, 1, colour);
}

/** Sines of whole degrees as OpenCV's table holds them: seven digits, in float32. */
const sines = Float32Array.from({ length: 451 }, (_, degrees) =>
  Number(Math.sin((degrees * Math.PI) / 180).toFixed(7)),
);

/**
 * A filled ellipse as the pose annotators draw limbs: the polygon of OpenCV's `ellipse2Poly`, a
 * corner a degree, corners on the same pixel joined, filled by `fillConvexPoly`.
 *
 * @param x,y,along,across centre and semi-axes, whole pixels.
 * @param angle whole degrees that the first axis is turned clockwise, −360 to 360.
 */
export function fillEllipse(
  canvas: Canvas,
  x: number,
  y: number,
  along: number,
  across: number,
  angle: number,
  colour: Ink,
): void {
  const turned = angle < 0 ? angle + 360 : angle;
  const cosine = sines[450 - turned]!;
  const sine = sines[turned]!;
  const points = new Int32Array(2 * 361);
  let count = 0;
  for (let degrees = 0; degrees <= 360; degrees++) {
    const dx = along * sines[450 - degrees]!;
    const dy = across * sines[degrees]!;
    const px = roundHalfEven(x + dx * cosine - dy * sine);
    const py = roundHalfEven(y + dx * sine + dy * cosine);
    if (count > 0 && points[2 * count - 2] === px && points[2 * count - 1] === py) continue;
    points[2 * count] = px;
    points[2 * count + 1] = py;
    count++;
  }
  fillConvexPolygon(canvas, points.subarray(0, 2 * count), colour);
}
