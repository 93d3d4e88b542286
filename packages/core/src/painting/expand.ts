import { UnderpaintError } from "../errors.js";
import { checkImage, checkSize, createImage, type RgbaImage } from "../image/image.js";
import { checkFill, type FillMode, fillMasked, fillModes } from "./fill.js";
import { createMask } from "./mask.js";

/** Pixels to add on each side, whole numbers from 0; at least one of them above. */
export interface ExpandOptions {
  readonly left?: number;
  readonly right?: number;
  readonly top?: number;
  readonly bottom?: number;
  /** What the new pixels begin with: `border` when left out. See {@link FillMode}. */
  readonly fill?: Exclude<FillMode, "original">;
}

/** A larger picture and a mask of what is new in it: a part of a request. */
export interface Expanded {
  readonly image: RgbaImage;
  /** White where it is new. */
  readonly mask: RgbaImage;
}

const sides = ["left", "right", "top", "bottom"] as const;

/**
 * More room around a picture, for painting on beyond its border:
 * `generate({ prompt, ...expand(image, { left: 128 }) })`. The picture's own pixels are kept, byte
 * for byte.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, or a result that is too large;
 * `invalid-request` for sides that are not right.
 */
export function expand(image: RgbaImage, options: ExpandOptions): Expanded {
  checkImage(image);
  if (typeof options !== "object" || options === null) {
    throw wrong("expand is not told how far", options, "for example { left: 128 }");
  }
  for (const key of Object.keys(options)) {
    if (key !== "fill" && !(sides as readonly string[]).includes(key)) {
      throw wrong(`expand has no option ${JSON.stringify(key.slice(0, 60))}`, undefined);
    }
  }
  const [left, right, top, bottom] = sides.map((side) => {
    const value = options[side] ?? 0;
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw wrong(`expand's ${side} is no number of pixels`, value);
  }) as [number, number, number, number];
  const fill = checkFill(options.fill ?? "border", fillModes.slice(1));
  if (left + right + top + bottom === 0) {
    throw wrong("expand is told to add nothing", undefined, "for example { left: 128 }");
  }
  const [width, height] = [left + image.width + right, top + image.height + bottom];
  checkSize(width, height, "the expanded picture");
  const canvas = createImage(width, height);
  const area = createMask(width, height);
  area.data.fill(255);
  for (let y = 0; y < image.height; y++) {
    const line = image.data.subarray(4 * y * image.width, 4 * (y + 1) * image.width);
    const start = (top + y) * width + left;
    canvas.data.set(line, 4 * start);
    area.data.fill(0, start, start + image.width);
  }
  const mask = createImage(width, height);
  area.data.forEach((value, i) => {
    mask.data.fill(value, 4 * i, 4 * i + 3);
    mask.data[4 * i + 3] = 255;
  });
  return { image: fillMasked(canvas, area, fill), mask };
}

function wrong(what: string, value: unknown, remedy?: string): UnderpaintError {
  return new UnderpaintError({
    code: "invalid-request",
    what,
    ...(value !== undefined && { value }),
    allowed: `${sides.join(", ")}: whole numbers from 0 on; fill: ${fillModes.slice(1).join(", ")}`,
    ...(remedy && { remedy }),
  });
}
