import { blur } from "./blur.js";
import { distancesInside } from "./distance.js";
import { createMask, type Mask } from "./mask.js";
import { dilate, erode } from "./morphology.js";
import { cutMask, pasteMask } from "./plane.js";
import { intersect, outset, type Rect } from "./rect.js";

/** How a mask's edge is treated. */
export interface MaskEdge {
  /**
   * How far what the network repaints is grown, in pixels of the image: where the mask is narrower
   * than twice this, or everywhere with `spill`.
   */
  readonly grow: number;
  /** How wide the edge of what the network repaints is blurred. 0 for a hard edge. */
  readonly feather: number;
  /** How wide old and new pixels are mixed. 0 for a hard edge. */
  readonly blend: number;
  /**
   * Whether the edge lies outside of the mask rather than inside: new pixels then reach up to
   * `grow` + `feather` / 2 beyond it.
   */
  readonly spill: boolean;
}

/** What pixels in {@link defaultEdge} are told for: a picture whose short side is this. */
const usualSide = 512;

/**
 * The edge where nothing is said. With `spill` the amounts of the Krita plug-in for Stable
 * Diffusion: feather = max(10 % of the mask's diagonal, 32 px) · strength,
 * grow = 4 px + feather / 2, blend = min(25 px, grow + feather / 2). Without, half of that feather
 * lies inside of the mask and `grow`, for narrow parts alone, is 4 px + feather / 4. In pictures
 * with a side below 512 pixels, pixels count for less in proportion.
 */
export function defaultEdge(
  bounds: Rect,
  image: { readonly width: number; readonly height: number },
  strength: number,
  spill = false,
): MaskEdge {
  const pixel = Math.min(1, Math.min(image.width, image.height) / usualSide);
  const diagonal = Math.hypot(bounds.width, bounds.height);
  const feather = Math.max(0.1 * diagonal, 32 * pixel) * strength;
  const full = 4 * pixel + feather / 2;
  return {
    grow: Math.round(spill ? full : 4 * pixel + feather / 4),
    feather: Math.round(feather),
    blend: Math.round(Math.min(25 * pixel, full + feather / 2)),
    spill,
  };
}

/**
 * What the network repaints: the mask grown, its edge blurred. Reaches beyond the mask by
 * grow + feather / 2 pixels at most.
 *
 * Wide parts are grown with `spill` alone. Without, nothing beyond the mask is shown, and what the
 * network was free to do there would end at its border in a seam (docs/decisions/masks.md). Narrow
 * parts are always grown: blurred as they are, or as less than a latent, hardly anything of them
 * would be repainted.
 */
export function repaintedArea(mask: Mask, bounds: Rect, edge: MaskEdge): Mask {
  const { grow, feather, spill } = edge;
  return near(mask, bounds, 2 * grow + feather, (part) => {
    const grown = dilate(spill ? part : narrowParts(part, grow), grow);
    const all = grown.data.map((value, i) => Math.max(value, part.data[i]!));
    return blur({ ...part, data: all }, feather);
  });
}

/** What of a mask is narrower than about twice `radius`, and not just the rim of something wide. */
function narrowParts(mask: Mask, radius: number): Mask {
  const wide = dilate(erode(mask, radius), 2 * radius).data;
  const data = mask.data.map((value, i) => (value > wide[i]! ? value : 0));
  return { ...mask, data };
}

/**
 * The share of the new pixels in the result.
 *
 * With `spill` the area shrunk by half of `blend` and blurred by it, as in the plug-in. Without,
 * what the mask says, but rising from its border over half of `blend` pixels, in narrow places
 * faster so that their middle is new too: where the mask is black it is 0, always.
 */
export function newShare(mask: Mask, bounds: Rect, area: Mask, edge: MaskEdge): Mask {
  const { grow, feather, blend, spill } = edge;
  if (!spill) {
    return near(mask, bounds, 0, (part) => {
      const ramp = rampInside(part, Math.ceil(blend / 2));
      return { ...part, data: part.data.map((value, i) => Math.min(value, ramp[i]!)) };
    });
  }
  // Never by more than was grown: the mask itself is repainted.
  const shrunk = Math.min(Math.ceil(blend / 2), grow);
  const reach = grow + feather + blend;
  return near(area, bounds, reach, (part) => {
    const { data } = blur(erode(part, shrunk), blend);
    // A blur that is wider than what was taken away would reach beyond the area.
    return { ...part, data: data.map((value, i) => (part.data[i] === 0 ? 0 : value)) };
  });
}

/** The share of the deepest place nearby from which on pixels are wholly new. */
const fullAt = 2 / 3;

/** From 0 outside of the mask to 255 about `width` pixels inside, or in narrow places less. */
function rampInside(mask: Mask, width: number): Uint8Array {
  const { thirds } = distancesInside(mask);
  const reach = Math.ceil(width / fullAt);
  const full = 3 * (reach + 1);
  // The whole rise is a byte, to find the deepest place nearby by the filter of bytes.
  const depth = Uint8Array.from(thirds, (distance) => (255 * Math.min(distance, full)) / full);
  const deepest = dilate({ ...mask, data: depth }, reach).data;
  return depth.map((value, i) => {
    const share = deepest[i] === 0 ? 0 : Math.min(1, value / (fullAt * deepest[i]!));
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
