import { createImage, type RgbaImage } from "../image/image.js";
import { resize } from "../image/resize.js";
import type { Crop, Size } from "./crop.js";
import { createMask, type Mask } from "./mask.js";
import type { Rect } from "./rect.js";

/** What the network sees of a picture. */
export function cropImage(image: RgbaImage, { source, target, size }: Crop): RgbaImage {
  const part = resize(cut(image, source), target.width, target.height);
  if (target.width === size.width && target.height === size.height) return part;
  const out = createImage(size.width, size.height);
  const columns = mirrored(target.x, target.width, size.width);
  const rows = mirrored(target.y, target.height, size.height);
  const [from, to] = [new Uint32Array(part.data.buffer), new Uint32Array(out.data.buffer)];
  for (let y = 0, i = 0; y < size.height; y++) {
    const row = rows[y]! * target.width;
    for (let x = 0; x < size.width; x++) to[i++] = from[row + columns[x]!]!;
  }
  return out;
}

/**
 * What the network sees of another picture that lies over the one that is cropped, such as a hint:
 * one of another size is stretched over it.
 */
export function cropOver(
  picture: RgbaImage,
  image: Size,
  { source, target, size }: Crop,
): RgbaImage {
  const [across, down] = [picture.width / image.width, picture.height / image.height];
  const x = Math.min(picture.width - 1, Math.round(source.x * across));
  const y = Math.min(picture.height - 1, Math.round(source.y * down));
  const right = Math.max(x + 1, Math.round((source.x + source.width) * across));
  const bottom = Math.max(y + 1, Math.round((source.y + source.height) * down));
  const part = { x, y, width: right - x, height: bottom - y };
  return cropImage(picture, { source: part, target, size });
}

/** What the network sees of a mask. */
export function cropMask(mask: Mask, crop: Crop): Mask {
  const picture = createImage(mask.width, mask.height);
  mask.data.forEach((value, i) => {
    picture.data.fill(value, 4 * i, 4 * i + 3);
    picture.data[4 * i + 3] = 255;
  });
  const seen = cropImage(picture, crop);
  const out = createMask(seen.width, seen.height);
  for (let i = 0; i < out.data.length; i++) out.data[i] = seen.data[4 * i]!;
  return out;
}

/** The part of the picture again, from what the network made. */
export function cropBack(made: RgbaImage, { source, target }: Crop): RgbaImage {
  return resize(cut(made, target), source.width, source.height);
}

function cut(image: RgbaImage, { x, y, width, height }: Rect): RgbaImage {
  if (width === image.width && height === image.height) return image;
  const out = createImage(width, height);
  for (let row = 0; row < height; row++) {
    const from = 4 * ((y + row) * image.width + x);
    out.data.set(image.data.subarray(from, from + 4 * width), 4 * row * width);
  }
  return out;
}

/** For each of `size` places the one of `length` from `start` on that it mirrors. */
function mirrored(start: number, length: number, size: number): Int32Array {
  return Int32Array.from({ length: size }, (_, i) => {
    const at = (((i - start) % (2 * length)) + 2 * length) % (2 * length);
    return at < length ? at : 2 * length - 1 - at;
  });
}
