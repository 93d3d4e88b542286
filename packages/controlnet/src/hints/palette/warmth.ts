import { converter } from "culori";
import { numberIn } from "../options.js";
import { type Bytes, type Colour, readColour, toBytes, toHex } from "./colour.js";

/** The hues of OKLCh, in degrees, that colours are drawn to: orange, and the blue opposite. */
const warmHue = 60;

/** How far a colour moves at most, in OKLCh's chroma; greys get this chroma. */
const reach = 0.08;

const toOklch = converter("oklch");

/**
 * The colours, warmer: each is drawn towards orange in OKLCh's plane of chroma and hue, by up to
 * 0.08, its lightness kept; what sRGB cannot show loses chroma. Greys become tinted, blues lose
 * colour, yellows and reds turn to orange; white and black stay.
 *
 * OKLCh: B. Ottosson, A perceptual color space for image processing, 2020.
 *
 * @param amount 0 (as they are) to 1, 0.5 when left out.
 * @returns as many colours, "#rrggbb" each.
 * @throws UnderpaintError `invalid-request` for what is no colour, or an amount out of range.
 */
export function warmer(colours: readonly Colour[], amount = 0.5): string[] {
  return shifted(colours, numberIn(amount, "warmer's amount", 0, 1), "warmer");
}

/** The colours, cooler: as {@link warmer}, towards the blue of hue 240°. */
export function cooler(colours: readonly Colour[], amount = 0.5): string[] {
  return shifted(colours, -numberIn(amount, "cooler's amount", 0, 1), "cooler");
}

function shifted(colours: readonly Colour[], warmth: number, owner: string): string[] {
  return Array.from(colours, (colour, i) =>
    toHex(warmed(readColour(colour, `${owner}'s colour ${i}`), warmth)),
  );
}

/** One colour moved by a warmth of −1 (coolest) to 1 (warmest). */
export function warmed(bytes: Bytes, warmth: number): Bytes {
  if (warmth === 0) return bytes;
  const [r, g, b] = bytes.map((byte) => byte / 255) as [number, number, number];
  const { l, c, h = 0 } = toOklch({ mode: "rgb", r, g, b });
  const radians = Math.PI / 180;
  const x = c * Math.cos(h * radians) + reach * warmth * Math.cos(warmHue * radians);
  const y = c * Math.sin(h * radians) + reach * warmth * Math.sin(warmHue * radians);
  const turned = Math.atan2(y, x) / radians;
  return toBytes({ mode: "oklch", l, c: Math.hypot(x, y), h: turned });
}
