import { checkDrawnSize, type Hint } from "./hint.js";
import { checkKeys, flag, invalid, numberIn, wholeIn } from "./options.js";
import { type Canvas, canvasHint, createCanvas, type Ink, ink } from "./raster/canvas.js";
import { drawLine } from "./raster/line.js";

/** Where parallel edges seem to meet, as shares of the picture's width and height. */
export interface VanishingPoint {
  /** −1000 to 1001; 0 is the picture's left edge, 1 its right one. */
  readonly x: number;
  /** The same downwards; on the horizon when left out. */
  readonly y?: number;
}

/** What {@link perspectiveGrid} draws. */
export interface PerspectiveGridOptions {
  /** The hint's size in pixels, 1 to 8192 each. */
  readonly width: number;
  readonly height: number;
  /** The horizon's height as a share of the picture's; −1000 to 1001. */
  readonly horizon: number;
  /** One to three; they may lie far outside the picture. */
  readonly vanishingPoints: readonly VanishingPoint[];
  /** Lines to each vanishing point that the picture shows; 2 to 256, 24 when left out. */
  readonly density?: number;
  /** Whether the horizon is drawn; true when left out. */
  readonly drawHorizon?: boolean;
}

const farthest = 1000;
const optionNames = ["width", "height", "horizon", "vanishingPoints", "density", "drawHorizon"];

/** Lines that come closer than this to each other, in pixels, end there: a point would be a blob. */
const closest = 4;

/**
 * A perspective grid: lines of one pixel, white on black, not anti-aliased, as
 * `control_v11p_sd15_mlsd` was trained on. From each vanishing point `density` lines run, at equal
 * angles over what the picture shows of them; the horizon is drawn across.
 *
 * With a single point the grid has cross lines too, parallel to the horizon, at equal steps of
 * depth behind what the picture's upper and lower edges show.
 *
 * @throws UnderpaintError `invalid-request` for no vanishing point or more than three, numbers out
 * of range, and options that are not allowed.
 */
export function perspectiveGrid(options: PerspectiveGridOptions): Hint {
  checkKeys(options, "perspectiveGrid", optionNames);
  const { width, height } = options;
  checkDrawnSize(width, height, "perspectiveGrid");
  const place = (value: unknown, name: string) =>
    numberIn(value, `perspectiveGrid's ${name}`, -farthest, farthest + 1);
  const horizon = place(options.horizon, "horizon") * height;
  const density = wholeIn(options.density ?? 24, "perspectiveGrid's density", 2, 256);
  const drawHorizon = flag(options.drawHorizon ?? true, "perspectiveGrid's drawHorizon");
  const points = checkPoints(options.vanishingPoints).map(({ x, y }, i) => ({
    x: place(x, `vanishing point ${i}'s x`) * width,
    y: y === undefined ? horizon : place(y, `vanishing point ${i}'s y`) * height,
  }));
  const canvas = createCanvas(width, height);
  const white = ink(255, 255, 255);
  if (drawHorizon) drawSegment(canvas, 0, horizon, width, horizon, white);
  for (const point of points) drawFan(canvas, point, density, white);
  if (points.length === 1) drawCrossLines(canvas, horizon, density, white);
  return canvasHint(canvas);
}

function checkPoints(points: unknown): readonly VanishingPoint[] {
  if (!Array.isArray(points) || points.length < 1 || points.length > 3) {
    throw invalid({
      what: "perspectiveGrid's vanishing points are of another number",
      value: Array.isArray(points) ? points.length : points,
      allowed: "1 to 3",
      remedy: "draw a second grid for further directions",
    });
  }
  points.forEach((point, i) => {
    checkKeys(point, `perspectiveGrid's vanishing point ${i}`, ["x", "y"]);
  });
  return points as VanishingPoint[];
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function drawFan(canvas: Canvas, point: Point, density: number, colour: Ink): void {
  const { width, height } = canvas;
  const inside = point.x >= 0 && point.x <= width && point.y >= 0 && point.y <= height;
  const [start, end] = inside ? [0, 2 * Math.PI] : shownAngles(canvas, point);
  const step = (end - start) / density;
  const far = 2 * (Math.abs(point.x) + Math.abs(point.y) + width + height);
  for (let i = 0; i < density; i++) {
    // From inside, one line is the horizon's; from outside, none runs along the picture's corner.
    const angle = start + (inside ? i : i + 0.5) * step;
    const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
    // Every second line ends where neighbours are `closest` apart; of the others every second
    // goes on to where those are, and so on.
    const gap = Math.min(Math.PI, step * (i === 0 ? density : i & -i));
    const near = closest / (2 * Math.sin(gap / 2));
    const [x1, y1] = [point.x + near * dx, point.y + near * dy];
    drawSegment(canvas, x1, y1, point.x + far * dx, point.y + far * dy, colour);
  }
}

/** The angles from a point outside to the picture's corners: the least and the largest. */
function shownAngles({ width, height }: Canvas, { x, y }: Point): [number, number] {
  const middle = Math.atan2(height / 2 - y, width / 2 - x);
  let [least, most] = [0, 0];
  for (const [cornerX, cornerY] of [
    [0, 0],
    [width, 0],
    [0, height],
    [width, height],
  ] as const) {
    // Measured from the middle, so that it never jumps by a turn.
    const angle = Math.atan2(cornerY - y, cornerX - x) - middle;
    const near = angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
    least = Math.min(least, near);
    most = Math.max(most, near);
  }
  return [middle + least, middle + most];
}

function drawCrossLines(canvas: Canvas, horizon: number, density: number, colour: Ink): void {
  for (const edge of [0, canvas.height]) {
    const at = (line: number) => horizon + (edge - horizon) / (1 + (8 * line) / density);
    for (let line = 1; Math.abs(at(line) - at(line + 1)) >= closest; line++) {
      drawSegment(canvas, 0, at(line), canvas.width, at(line), colour);
    }
  }
}

/** The part of a segment that the picture shows, from pixel to pixel. */
function drawSegment(
  canvas: Canvas,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  colour: Ink,
): void {
  const [right, bottom] = [canvas.width - 1, canvas.height - 1];
  const [dx, dy] = [x2 - x1, y2 - y1];
  // Liang and Barsky, A New Concept and Method for Line Clipping, 1984.
  let [from, to] = [0, 1];
  for (const [way, room] of [
    [-dx, x1],
    [dx, right - x1],
    [-dy, y1],
    [dy, bottom - y1],
  ] as const) {
    if (way === 0 && room < 0) return;
    if (way < 0) from = Math.max(from, room / way);
    if (way > 0) to = Math.min(to, room / way);
  }
  if (from > to) return;
  drawLine(
    canvas,
    Math.round(x1 + from * dx),
    Math.round(y1 + from * dy),
    Math.round(x1 + to * dx),
    Math.round(y1 + to * dy),
    colour,
  );
}
