import { intersect, outset, type Rect } from "./rect.js";

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * What of a picture the network sees, and where. What it sees beyond `target` is the picture
 * mirrored at its border.
 */
export interface Crop {
  /** The part of the picture. */
  readonly source: Rect;
  /** Where that part lies in what the network works at, of another size where it is scaled. */
  readonly target: Rect;
  /** What the network works at. */
  readonly size: Size;
}

/** The size at which the network takes a whole picture unscaled: up to whole multiples. */
export function paddedSize({ width, height }: Size, multiple: number): Size {
  const up = (side: number): number => Math.ceil(side / multiple) * multiple;
  return { width: up(width), height: up(height) };
}

/** The most that the network works at where nothing is said, in areas that it was trained for. */
const mostAreas = 4;
const longestSide = 8192;

/**
 * The size at which the network takes a whole picture where nothing is said: the picture's own, up
 * to whole multiples; for more than four times the area that the model was trained for, less, in
 * the picture's proportions.
 */
export function wholeSize(image: Size, model: Size, multiple: number): Size {
  const padded = paddedSize(image, multiple);
  const most = mostAreas * model.width * model.height;
  if (padded.width * padded.height <= most) return padded;
  const scale = Math.sqrt(most / (image.width * image.height));
  const side = (of: number): number =>
    Math.max(1, Math.floor(Math.min(longestSide, of * scale) / multiple)) * multiple;
  return { width: side(image.width), height: side(image.height) };
}

/**
 * The whole picture: as it is where `size` is its own, but for less than `multiple` on the right
 * and below; else scaled to fit, its proportions kept.
 */
export function wholeCrop(image: Size, size: Size, multiple: number): Crop {
  const source = { x: 0, y: 0, width: image.width, height: image.height };
  const spare = [size.width - image.width, size.height - image.height];
  if (spare.every((rest) => rest >= 0 && rest < multiple)) return { source, target: source, size };
  const scale = Math.min(size.width / image.width, size.height / image.height);
  const side = (of: number, most: number): number =>
    Math.min(most, Math.max(1, Math.round(of * scale)));
  const width = side(image.width, size.width);
  const height = side(image.height, size.height);
  return { source, target: { x: 0, y: 0, width, height }, size };
}

/**
 * The part of the picture around `bounds`: with `padding` pixels on each side, widened to the
 * proportions of `size` and moved into the picture, as diffusers does; where the picture is too
 * small for that, it is mirrored rather than distorted.
 */
export function maskedCrop(image: Size, bounds: Rect, padding: number, size: Size): Crop {
  const whole = { x: 0, y: 0, ...image };
  const near = intersect(outset(bounds, padding), whole);
  const ratio = size.width / size.height;
  const wide = near.width / near.height > ratio;
  const across = wide
    ? { start: near.x, length: near.width }
    : widened(near.x, near.width, Math.trunc(near.height * ratio), image.width);
  const down = wide
    ? widened(near.y, near.height, Math.trunc(near.width / ratio), image.height)
    : { start: near.y, length: near.height };
  const seen = { x: across.start, y: down.start, width: across.length, height: down.length };
  const source = intersect(seen, whole);
  const [left, width] = placed(source.x - seen.x, source.width, seen.width, size.width);
  const [top, height] = placed(source.y - seen.y, source.height, seen.height, size.height);
  return { source, target: { x: left, y: top, width, height }, size };
}

/** An interval made longer on both sides and moved to lie from 0 to `most`; beyond only if longer. */
function widened(start: number, length: number, wanted: number, most: number) {
  const more = Math.max(0, wanted - length);
  const longer = length + more;
  if (longer >= most) return { start: Math.floor((most - longer) / 2), length: longer };
  const begin = start - Math.floor(more / 2);
  return { start: Math.min(most - longer, Math.max(0, begin)), length: longer };
}

/** Where a part of a side lies after the whole is scaled; at least a pixel of it remains. */
function placed(offset: number, part: number, whole: number, to: number): [number, number] {
  const length = Math.min(to, Math.max(1, Math.round((part * to) / whole)));
  return [Math.min(to - length, Math.round((offset * to) / whole)), length];
}
