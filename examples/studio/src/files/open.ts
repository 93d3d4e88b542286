import {
  decodePng,
  type Recipe,
  type RgbaImage,
  readRecipe,
  UnderpaintError,
} from "@underpaint/web";

/** A picture's file, read. */
export interface Opened {
  readonly image: RgbaImage;
  /** What made it, where the file tells. */
  readonly recipe: Recipe | undefined;
}

/** Pixels each way that other pictures are brought to: as fine as the drawing. */
const side = 512;

/** More bytes than a picture of this studio can have, by far. */
const mostBytes = 64 * 2 ** 20;

/**
 * Reads a picture: a PNG with its recipe as it is, any other picture as a square of its middle.
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, or too large.
 */
export async function openPicture(file: Blob): Promise<Opened> {
  if (file.size > mostBytes) throw unreadable("is too large", `${file.size} bytes`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const recipe = isPng(bytes) ? readRecipe(bytes) : undefined;
  if (recipe) return { image: decodePng(bytes), recipe };
  return { image: await middleOf(file), recipe: undefined };
}

function isPng(bytes: Uint8Array): boolean {
  return [137, 80, 78, 71].every((byte, index) => bytes[index] === byte);
}

async function middleOf(file: Blob): Promise<RgbaImage> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw unreadable("is no picture that this browser can read");
  });
  const { width, height } = bitmap;
  const edge = Math.min(width, height);
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, (width - edge) / 2, (height - edge) / 2, edge, edge, 0, 0, side, side);
  bitmap.close();
  return context.getImageData(0, 0, side, side);
}

function unreadable(what: string, value?: string): UnderpaintError {
  return new UnderpaintError({
    code: "invalid-image",
    what: `the file ${what}`,
    ...(value && { value }),
    remedy: "choose a PNG, a JPEG or a WebP",
  });
}
