import { UnderpaintError } from "../errors.js";

/**
 * A picture in memory: 8 bits a sample, red, green, blue, alpha, row by row from the top left.
 * Alpha is straight (colours are not multiplied with it), as in PNG and in a canvas.
 *
 * A browser's `ImageData` is one; the other way it is
 * `new ImageData(image.data, image.width, image.height)`.
 */
export interface RgbaImage {
  /** Pixels, 1 or more. */
  readonly width: number;
  /** Pixels, 1 or more. */
  readonly height: number;
  /** 4 · width · height samples. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** The most pixels that a picture may have, 2^26: 8192 × 8192, 256 MiB of samples. */
export const maxImagePixels = 2 ** 26;

/**
 * A picture over `data`, which is not copied; transparent black where `data` is left out.
 *
 * @param data 4 · width · height samples; a `Uint8Array` (a Node `Buffer` too) is viewed as
 * clamped.
 * @throws UnderpaintError `invalid-image` for a size of zero or beyond {@link maxImagePixels}, and
 * for data of another length or kind.
 */
export function createImage(
  width: number,
  height: number,
  data?: Uint8ClampedArray<ArrayBuffer> | Uint8Array<ArrayBuffer>,
): RgbaImage {
  checkSize(width, height, "a picture");
  const samples = data ?? new Uint8ClampedArray(4 * width * height);
  const clamped = kindOf(samples) === "Uint8Array" ? asClamped(samples as Uint8Array) : samples;
  return checkImage({ width, height, data: clamped }, "a picture");
}

/**
 * `image` itself, once it is known to be a picture.
 *
 * @param name what the error calls it.
 * @throws UnderpaintError `invalid-image` when its size is zero or beyond {@link maxImagePixels},
 * or its data is no `Uint8ClampedArray` of 4 · width · height samples.
 */
export function checkImage(image: unknown, name = "image"): RgbaImage {
  if (typeof image !== "object" || image === null) {
    throw new UnderpaintError({
      code: "invalid-image",
      what: `${name} is no picture`,
      value: image,
      allowed: "{ width, height, data }",
      remedy: "read a PNG with decodePng(bytes)",
    });
  }
  const { width, height, data } = image as Partial<RgbaImage>;
  checkSize(width, height, name);
  if (kindOf(data) !== "Uint8ClampedArray") {
    throw new UnderpaintError({
      code: "invalid-image",
      what: `${name}'s data is of another kind`,
      value: data,
      allowed: "a Uint8ClampedArray",
      remedy: "createImage(width, height, data) takes a Uint8Array too",
    });
  }
  if (data!.length !== 4 * width! * height!) {
    throw new UnderpaintError({
      code: "invalid-image",
      what: `${name} of ${width} × ${height} pixels has data of another length`,
      value: data!.length,
      allowed: `${4 * width! * height!}, red, green, blue and alpha for each pixel`,
    });
  }
  return image as RgbaImage;
}

/**
 * Throws unless both sides are whole numbers of 1 or more and their product is allowed.
 *
 * @internal
 */
export function checkSize(
  width: unknown,
  height: unknown,
  name: string,
  maxPixels = maxImagePixels,
): void {
  const whole = (side: unknown) => Number.isSafeInteger(side) && (side as number) > 0;
  if (!whole(width) || !whole(height) || !((width as number) * (height as number) <= maxPixels)) {
    throw new UnderpaintError({
      code: "invalid-image",
      what: `${name} has a size that is not allowed`,
      value: `${String(width).slice(0, 20)} × ${String(height).slice(0, 20)}`,
      allowed: `whole numbers from 1 on, ${maxPixels} pixels at most`,
    });
  }
}

/** "Uint8Array" and the like; also of arrays that another realm (a frame, a worker) made. */
function kindOf(value: unknown): string | undefined {
  return ArrayBuffer.isView(value)
    ? ((value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? undefined)
    : undefined;
}

function asClamped(bytes: Uint8Array): Uint8ClampedArray<ArrayBuffer> {
  return new Uint8ClampedArray(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
}
