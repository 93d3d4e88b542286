import {
  checkImage,
  createImage,
  encodePng,
  type Recipe,
  type RgbaImage,
  recipeText,
  UnderpaintError,
} from "@underpaint/core";
import { checkPixels, readBitmap, readDrawn } from "./read-bitmap.js";

/** What a browser has for a picture, and requests take in place of one. */
export type PictureSource =
  | RgbaImage
  | ImageData
  | ImageBitmap
  | HTMLCanvasElement
  | OffscreenCanvas
  | Blob;

/**
 * The pixels of what a browser has for a picture, as they are: no colour profile is applied, and
 * nothing is multiplied with alpha.
 *
 * Exact for `ImageData`, PNG files, and opaque pixels of all else. A canvas, and an `ImageBitmap`
 * that was not made with `premultiplyAlpha: "none"`, hold the colours of translucent pixels rounded;
 * those come back as nearly as they are held.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, or a file that cannot be read.
 */
export async function toImage(source: PictureSource): Promise<RgbaImage> {
  if (isBlob(source)) return (await import("./read-file.js")).readFile(source);
  if (isBitmap(source)) {
    checkPixels(source);
    return createImage(source.width, source.height, readBitmap(source));
  }
  return isCanvas(source) ? readCanvas(source) : checkImage(source);
}

/**
 * A picture as an `ImageBitmap` with the same samples, to be drawn. Close it when it is not needed
 * any more.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture.
 */
export async function toImageBitmap(image: RgbaImage): Promise<ImageBitmap> {
  const { width, height, data } = checkImage(image);
  return createImageBitmap(new ImageData(data, width, height), {
    premultiplyAlpha: "none",
    colorSpaceConversion: "none",
  });
}

/**
 * A picture as a PNG file, with its recipe in it; the same bytes as Node's `savePng` writes.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture.
 */
export function toPngBlob(image: RgbaImage, { recipe }: { recipe?: Recipe } = {}): Blob {
  const bytes = encodePng(image, recipe ? { text: recipeText(recipe) } : {});
  return new Blob([bytes], { type: "image/png" });
}

/**
 * Puts a picture on a canvas, which takes its size; on one of its own when left out. Canvases round
 * the colours of translucent pixels; opaque ones are exact.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, `invalid-request` for a canvas
 * that is used for WebGL or WebGPU.
 */
export function toCanvas<C extends HTMLCanvasElement | OffscreenCanvas = OffscreenCanvas>(
  image: RgbaImage,
  canvas?: C,
): C {
  const { width, height, data } = checkImage(image);
  const target = canvas ?? (new OffscreenCanvas(width, height) as C);
  const context = target.getContext("2d") as CanvasRenderingContext2D | null;
  if (!context) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "the canvas is used for something else than pictures in 2D",
      remedy: "give a canvas without a context, or with that of getContext('2d')",
    });
  }
  target.width = width;
  target.height = height;
  context.putImageData(new ImageData(data, width, height), 0, 0);
  return target;
}

function readCanvas(canvas: HTMLCanvasElement | OffscreenCanvas): RgbaImage {
  const { width, height } = canvas;
  checkPixels(canvas);
  try {
    // Null where the canvas has a context of another kind.
    const context = canvas.getContext("2d") as CanvasRenderingContext2D | null;
    const data = context ? context.getImageData(0, 0, width, height).data : readDrawn(canvas);
    return createImage(width, height, data);
  } catch (cause) {
    throw new UnderpaintError({
      code: "invalid-image",
      what: `the canvas cannot be read: ${(cause as Error).message}`,
      remedy:
        "draw only pictures of the page's own origin on it, or of servers that allow it (CORS)",
      cause,
    });
  }
}

/** Whether a value is a picture that has to be read first: its pixels are not at hand. */
export function isForeignPicture(
  value: unknown,
): value is Exclude<PictureSource, RgbaImage | ImageData> {
  return isBlob(value) || isBitmap(value) || isCanvas(value);
}

function isBlob(value: unknown): value is Blob {
  return typeof Blob !== "undefined" && value instanceof Blob;
}

function isBitmap(value: unknown): value is ImageBitmap {
  return typeof ImageBitmap !== "undefined" && value instanceof ImageBitmap;
}

/** Whether a value is a canvas, which cannot be sent to a worker. */
export function isCanvas(value: unknown): value is HTMLCanvasElement | OffscreenCanvas {
  return (
    (typeof HTMLCanvasElement !== "undefined" && value instanceof HTMLCanvasElement) ||
    (typeof OffscreenCanvas !== "undefined" && value instanceof OffscreenCanvas)
  );
}
