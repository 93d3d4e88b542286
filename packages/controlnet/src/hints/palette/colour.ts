import { type Color, clampChroma, converter, parse } from "culori";
import { invalid } from "../options.js";

/**
 * A colour: what CSS writes ("#ff8800", "tomato", "oklch(70% 0.15 60)"), or red, green and blue
 * from 0 to 255.
 */
export type Colour = string | readonly [red: number, green: number, blue: number];

/** Red, green and blue, whole numbers from 0 to 255. */
export type Bytes = readonly [red: number, green: number, blue: number];

const toRgb = converter("rgb");

/**
 * The bytes of a colour. What sRGB cannot show loses chroma until it can, hue and lightness kept
 * (in OKLCh).
 *
 * @throws UnderpaintError `invalid-request` for what is no colour, or a transparent one.
 */
export function readColour(colour: unknown, name: string): Bytes {
  if (typeof colour === "string" && colour.length <= 100) {
    const parsed = parse(colour);
    if (parsed && (parsed.alpha ?? 1) === 1) return toBytes(parsed);
  }
  if (Array.isArray(colour) && colour.length === 3 && colour.every(isByte)) {
    return [colour[0], colour[1], colour[2]];
  }
  throw invalid({
    what: `${name} is no opaque colour`,
    value: colour,
    allowed: 'a colour of CSS such as "#ff8800" or "oklch(70% 0.15 60)", or [red, green, blue]',
  });
}

function isByte(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255;
}

/** A colour of culori's as bytes, brought into sRGB. */
export function toBytes(colour: Color): Bytes {
  const { r, g, b } = toRgb(clampChroma(colour, "oklch"));
  const byte = (share: number) => Math.round(255 * Math.min(1, Math.max(0, share)));
  return [byte(r), byte(g), byte(b)];
}

/** "#rrggbb". */
export function toHex(bytes: Bytes): string {
  return `#${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
