import { createImage, type RgbaImage } from "../image/image.js";

/** The results where nothing is to be done: the image as it is, or a layer with nothing on it. */
export function untouched(image: RgbaImage, layer: boolean, count: number): RgbaImage[] {
  return Array.from({ length: count }, () =>
    createImage(image.width, image.height, layer ? undefined : image.data.slice()),
  );
}
