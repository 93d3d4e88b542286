import { nearest, UnderpaintError } from "../errors.js";
import { checkImage, type RgbaImage } from "../image/image.js";
import { defaultEdge, type MaskEdge } from "./edge.js";
import { checkFill, type FillMode } from "./fill.js";
import { type Mask, type MaskSource, maskBounds, maskSourceOf, readMask } from "./mask.js";
import type { Rect } from "./rect.js";

/** The part of a request that paints into its `image`. */
export interface PaintingRequest {
  /**
   * Where `image` is repainted, of the same size: white is made anew, black stays byte for byte.
   * A picture with transparency is read by its alpha instead: a layer, opaque where it was drawn.
   */
  readonly mask?: RgbaImage;
  /** What of `mask` counts; found out as told above when left out. */
  readonly maskSource?: MaskSource;
  /**
   * How the mask's edge is treated, in whole pixels from 0 to 4096; what is left out follows from
   * the size of the mask and from `strength`: {@link defaultEdge}.
   */
  readonly maskEdge?: Partial<MaskEdge>;
  /**
   * Whether the network sees only the part around the mask, enlarged to `width` × `height`. With
   * `padding` pixels (0 to 4096) of the image on each side: 32 when left out.
   */
  readonly onlyMasked?: boolean | { readonly padding?: number };
  /** What the network begins with where it repaints: `original` when left out. */
  readonly fill?: FillMode;
  /**
   * Whether the new pixels alone are returned, transparent elsewhere: what
   * {@link Pipeline.furnish} asks for.
   */
  readonly layer?: boolean;
}

/** A checked {@link PaintingRequest}. */
export interface Painting {
  /** The mask as it was given. */
  readonly given: RgbaImage;
  readonly source: MaskSource;
  readonly mask: Mask;
  /** Undefined for a mask that is black throughout. */
  readonly bounds: Rect | undefined;
  readonly edge: MaskEdge;
  /** Undefined where the network sees the whole picture. */
  readonly padding: number | undefined;
  readonly fill: FillMode;
  readonly layer: boolean;
}

/** The keys of a {@link PaintingRequest} other than the mask. */
export const paintingKeys = ["maskSource", "maskEdge", "onlyMasked", "fill", "layer"] as const;

const edgeKeys = [
  "grow",
  "feather",
  "blend",
  "spill",
] as const satisfies readonly (keyof MaskEdge)[];
const mostPixels = 4096;
const usualPadding = 32;

/**
 * Checks the part of a request that paints; undefined where it asks for no painting.
 *
 * @throws UnderpaintError `invalid-request` or `invalid-image`: the first thing that is wrong.
 */
export function readPainting(
  request: PaintingRequest,
  image: RgbaImage | undefined,
  strength: number,
): Painting | undefined {
  const { mask: given, maskSource, maskEdge = {}, onlyMasked = false, layer = false } = request;
  if (given === undefined) {
    const lone = paintingKeys.find((key) => request[key] !== undefined);
    if (!lone) return undefined;
    throw wrong(`${lone} is given without a mask`, request[lone], undefined, "add image and mask");
  }
  if (!image) {
    throw wrong("a mask is given without an image", undefined, undefined, "add image");
  }
  if (maskSource !== undefined && maskSource !== "luminance" && maskSource !== "alpha") {
    throw wrong("maskSource is not known", maskSource, "luminance, alpha", "leave it out");
  }
  if (typeof layer !== "boolean") throw wrong("layer is not true or false", layer);
  const fill = checkFill(request.fill ?? "original");
  const wanted = readEdge(maskEdge);
  const padding = readPadding(onlyMasked);
  const source = maskSource ?? maskSourceOf(checkImage(given, "mask"));
  const mask = readMask(given, image, source);
  const bounds = maskBounds(mask);
  const { spill = false } = wanted;
  const none = { grow: 0, feather: 0, blend: 0, spill };
  const edge = { ...(bounds ? defaultEdge(bounds, image, strength, spill) : none), ...wanted };
  return { given, source, mask, bounds, edge, padding, fill, layer };
}

function readEdge(edge: unknown): Partial<MaskEdge> {
  if (typeof edge !== "object" || edge === null || Array.isArray(edge)) {
    throw wrong("maskEdge is not an object", edge, "{ grow, feather, blend, spill }");
  }
  const found: { -readonly [key in keyof MaskEdge]?: MaskEdge[key] } = {};
  for (const [key, value] of Object.entries(edge)) {
    const known = edgeKeys.find((name) => name === key);
    if (!known) {
      const meant = nearest(key, edgeKeys);
      const remedy = meant ? `did you mean ${meant}?` : "leave it out";
      throw wrong(`maskEdge has no ${key.slice(0, 60)}`, value, edgeKeys.join(", "), remedy);
    }
    if (value === undefined) continue;
    if (known !== "spill") found[known] = pixels(`maskEdge.${known}`, value);
    else if (typeof value === "boolean") found.spill = value;
    else throw wrong("maskEdge.spill is not true or false", value);
  }
  return found;
}

function readPadding(onlyMasked: unknown): number | undefined {
  if (typeof onlyMasked === "boolean") return onlyMasked ? usualPadding : undefined;
  const allowed = "true, false or { padding }";
  if (typeof onlyMasked !== "object" || onlyMasked === null) {
    throw wrong("onlyMasked is neither a flag nor an object", onlyMasked, allowed);
  }
  const other = Object.keys(onlyMasked).find((key) => key !== "padding");
  if (other !== undefined)
    throw wrong(`onlyMasked has no ${other.slice(0, 60)}`, undefined, allowed);
  const { padding } = onlyMasked as { padding?: unknown };
  return padding === undefined ? usualPadding : pixels("onlyMasked.padding", padding);
}

function pixels(name: string, value: unknown): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= mostPixels) {
    return value as number;
  }
  throw wrong(
    `${name} is out of range`,
    value,
    `a whole number from 0 to ${mostPixels}, pixels`,
    "leave it out",
  );
}

function wrong(what: string, value: unknown, allowed?: string, remedy?: string): UnderpaintError {
  return new UnderpaintError({
    code: "invalid-request",
    what,
    ...(value !== undefined && { value }),
    ...(allowed !== undefined && { allowed }),
    ...(remedy !== undefined && { remedy }),
  });
}
