import { createImage, decodePng, type RgbaImage, UnderpaintError } from "@underpaint/core";
import { checkPixels, readBitmap } from "./read-bitmap.js";

/** Larger files are no pictures: a PNG of the most pixels that are allowed is smaller. */
const mostBytes = 512 * 2 ** 20;

const pngSignature = [137, 80, 78, 71, 13, 10, 26, 10];

/** The pixels of a picture's file; see {@link toImage}. */
export async function readFile(file: Blob): Promise<RgbaImage> {
  if (file.size > mostBytes) throw unreadable(file, undefined, `up to ${mostBytes} bytes`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (pngSignature.every((byte, i) => bytes[i] === byte)) return decodePng(bytes);
  const bitmap = await createImageBitmap(file, {
    premultiplyAlpha: "none",
    colorSpaceConversion: "none",
  }).catch((cause: unknown) => {
    throw unreadable(file, cause);
  });
  try {
    checkPixels(bitmap);
    return createImage(bitmap.width, bitmap.height, readBitmap(bitmap));
  } finally {
    bitmap.close();
  }
}

function unreadable(file: Blob, cause: unknown, allowed?: string): UnderpaintError {
  return new UnderpaintError({
    code: "invalid-image",
    what: "the file is no picture that this browser reads",
    value: `${file.type || "a file of unknown type"}, ${file.size} bytes`,
    ...(allowed !== undefined && { allowed }),
    remedy: "give a PNG, JPEG or WebP file",
    cause,
  });
}
