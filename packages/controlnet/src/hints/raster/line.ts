import { type Canvas, type Ink, setPixel } from "./canvas.js";
import { clipLine, type Ends } from "./clip-line.js";

/**
 * A line of one pixel between two whole-numbered points, both included, not anti-aliased:
 * Bresenham's over 8 neighbours from left to right, the same to the pixel as OpenCV's `line`.
 */
export function drawLine(
  canvas: Canvas,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  colour: Ink,
): void {
  const ends: Ends = [x1, y1, x2, y2];
  if (!clipLine(ends, canvas.width - 1, canvas.height - 1)) return;
  const backwards = ends[2] < ends[0];
  let x = backwards ? ends[2] : ends[0];
  let y = backwards ? ends[3] : ends[1];
  const across = Math.abs(ends[2] - ends[0]);
  const rise = backwards ? ends[1] - ends[3] : ends[3] - ends[1];
  const down = Math.abs(rise);
  const stepY = rise < 0 ? -1 : 1;
  const steep = down > across;
  const long = steep ? down : across;
  const short = steep ? across : down;
  let error = long - 2 * short;
  for (let i = 0; i <= long; i++) {
    canvas.pixels[y * canvas.width + x] = colour;
    const turns = error < 0;
    error -= 2 * short;
    if (turns) error += 2 * long;
    if (steep || turns) y += stepY;
    if (!steep || turns) x += 1;
  }
}

/** 16 bits behind the point, in which OpenCV draws between pixels. */
export const unit = 2 ** 16;

/**
 * The same between points in units of 1/65536 pixel, as OpenCV outlines its polygons: the far end
 * first, then a pixel a column (or row, if steep), rounded.
 */
export function drawFineLine(
  canvas: Canvas,
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  colour: Ink,
): void {
  const ends: Ends = [x1, y1, x2, y2];
  // OpenCV cuts to the size itself here, not to the last pixel's corner.
  if (!clipLine(ends, canvas.width * unit - 1, canvas.height * unit - 1)) return;
  const across = Math.abs(ends[2] - ends[0]);
  const down = Math.abs(ends[3] - ends[1]);
  const flat = across > down;
  const swap = flat ? ends[2] < ends[0] : ends[3] < ends[1];
  let [x, y, toX, toY] = swap ? [ends[2], ends[3], ends[0], ends[1]] : ends;
  const long = flat ? across : down;
  const slope = Math.trunc(((flat ? toY - y : toX - x) * unit) / (long + 1 - (long % 2)));
  const count = Math.floor(long / unit);
  toX += unit / 2;
  toY += unit / 2;
  setPixel(canvas, Math.floor(toX / unit), Math.floor(toY / unit), colour);
  x += unit / 2;
  y += unit / 2;
  for (let i = 0; i <= count; i++) {
    setPixel(canvas, Math.floor(x / unit), Math.floor(y / unit), colour);
    x += flat ? unit : slope;
    y += flat ? slope : unit;
  }
}
