import { type Hint, hintOf } from "../hint.js";

/** An opaque picture to draw on, a pixel a number, so that a row is filled at once. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array<ArrayBuffer>;
}

/** A colour as a canvas holds it, in the order that this machine has its bytes. */
export type Ink = number;

/** Red, green and blue, 0 to 255, opaque. */
export function ink(red: number, green: number, blue: number): Ink {
  return new Uint32Array(Uint8Array.of(red, green, blue, 255).buffer)[0]!;
}

/** A black canvas. */
export function createCanvas(width: number, height: number): Canvas {
  return { width, height, pixels: new Uint32Array(width * height).fill(ink(0, 0, 0)) };
}

/** What was drawn, over the canvas' own memory. */
export function canvasHint(
  { width, height, pixels }: Canvas,
  notices: readonly string[] = [],
): Hint {
  return hintOf(width, height, new Uint8ClampedArray(pixels.buffer), notices);
}

/** Pixels `from` to `to`, both included, of row `y`; what lies outside is left out. */
export function fillSpan(canvas: Canvas, from: number, to: number, y: number, colour: Ink): void {
  if (y < 0 || y >= canvas.height) return;
  const first = Math.max(0, from);
  const last = Math.min(canvas.width - 1, to);
  if (first > last) return;
  canvas.pixels.fill(colour, y * canvas.width + first, y * canvas.width + last + 1);
}

/** One pixel, unless it lies outside. */
export function setPixel(canvas: Canvas, x: number, y: number, colour: Ink): void {
  if (x < 0 || y < 0 || x >= canvas.width || y >= canvas.height) return;
  canvas.pixels[y * canvas.width + x] = colour;
}
