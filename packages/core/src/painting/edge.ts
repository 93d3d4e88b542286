import { blur } from "./blur.js";
import { distancesInside } from "./distance.js";
import { createMask, type Mask } from "./mask.js";
import { dilate, erode } from "./morphology.js";
import { cutMask, pasteMask } from "./plane.js";
import { intersect, outset, type Rect } from "./rect.js";

/** How a mask's edge is treated, in pixels of the image. */
export interface MaskEdge {
  /** How far beyond the mask the network repaints, so that both sides fit together. */
  readonly grow: number;
  /** How wide the edge of what the network repaints is blurred. 0 for a hard edge. */
  readonly feather: number;
  /** How wide old and new pixels are mixed. 0 for a hard edge. */
  readonly blend: number;
}

/** What pixels in {@link defaultEdge} are told for: a picture whose short side is this. */
const usualSide = 512;

/**
 * The edge where nothing is said; the amounts are those of the Krita plug-in for Stable Diffusion:
 * feather = max(10 % of the mask's diagonal, 32 px) · strength, grow = 4 px + feather / 2,
 * blend = min(25 px, grow + feather / 2). In pictures with a side below 512 pixels, pixels count
 * for less in proportion.
 */
export function defaultEdge(
  bounds: Rect,
  image: { readonly width: number; readonly height: number },
  strength: number,
): MaskEdge {
  const pixel = Math.min(1, Math.min(image.width, image.height) / usualSide);
  const diagonal = Math.hypot(bounds.width, bounds.height);
  const feather = Math.max(0.1 * diagonal, 32 * pixel) * strength;
  const grow = 4 * pixel + feather / 2;
  const blend = Math.min(25 * pixel, grow + feather / 2);
  return { grow: Math.round(grow), feather: Math.round(feather), blend: Math.round(blend) };
}

/**
 * What the network repaints: the mask grown, its edge blurred. Reaches beyond the mask by
 * grow + feather / 2 pixels.
 */
export function repaintedArea(mask: Mask, bounds: Rect, { grow, feather }: MaskEdge): Mask {
  return near(mask, bounds, grow + feather, (part) => blur(dilate(part, grow), feather));
}

/**
 * The share of the new pixels in the result: the area shrunk by half of `blend` and blurred by it,
 * as the plug-in does, but nowhere more than the mask says, so that what it leaves black is not
 * touched; and rising from the mask's border over the part of `blend` that lies inside, in narrow
 * places faster, so that their middle is new too.
 */
export function newShare(mask: Mask, bounds: Rect, area: Mask, { grow, blend }: MaskEdge): Mask {
  const blended = near(area, bounds, grow + blend, (part) =>
    blur(erode(part, Math.min(Math.ceil(blend / 2), grow)), blend),
  );
  return near(mask, bounds, 1, (part, rect) => {
    const ramp = rampInside(part, Math.floor(blend / 2));
    const mixed = cutMask(blended, rect);
    for (let i = 0; i < part.data.length; i++) {
      part.data[i] = Math.min(part.data[i]!, ramp[i]!, mixed.data[i]!);
    }
    return part;
  });
}

/** From 0 outside of the mask to 255 at `width` pixels inside, or in the middle of what is less. */
function rampInside(mask: Mask, width: number): Uint8Array {
  const { thirds } = distancesInside(mask);
  const full = 3 * (width + 1);
  // The whole rise is a byte, to find the deepest place nearby by the filter of bytes.
  const depth = Uint8Array.from(thirds, (distance) => (255 * Math.min(distance, full)) / full);
  const deepest = dilate({ ...mask, data: depth }, width).data;
  return depth.map((value, i) => {
    const share = deepest[i] === 0 ? 0 : value / deepest[i]!;
    return Math.round(255 * share * share * (3 - 2 * share));
  });
}

/** A mask of 0, but for what `filter` makes of the part around `bounds`. */
function near(
  mask: Mask,
  bounds: Rect,
  margin: number,
  filter: (part: Mask, rect: Rect) => Mask,
): Mask {
  const { width, height } = mask;
  const rect = intersect(outset(bounds, margin + 1), { x: 0, y: 0, width, height });
  const out = createMask(width, height);
  pasteMask(out, filter(cutMask(mask, rect), rect), rect);
  return out;
}
