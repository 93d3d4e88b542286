import type { Mask } from "./mask.js";
import type { Rect } from "./rect.js";

/** A copy of the part of a mask that lies in `rect`, which must lie in the mask. */
export function cutMask({ width, data }: Mask, rect: Rect): Mask {
  const out = new Uint8Array(rect.width * rect.height);
  for (let y = 0; y < rect.height; y++) {
    const from = (rect.y + y) * width + rect.x;
    out.set(data.subarray(from, from + rect.width), y * rect.width);
  }
  return { width: rect.width, height: rect.height, data: out };
}

/** Puts a part back to where {@link cutMask} took it from. */
export function pasteMask(into: Mask, part: Mask, { x, y }: Rect): void {
  for (let row = 0; row < part.height; row++) {
    const line = part.data.subarray(row * part.width, (row + 1) * part.width);
    into.data.set(line, (y + row) * into.width + x);
  }
}
