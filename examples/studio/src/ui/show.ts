import { type RgbaImage, resize } from "@underpaint/web";

/** Pixels that small pictures are enlarged to before the browser stretches them further. */
const smooth = 512;

/** Puts a picture on a canvas, which takes its size. */
export function show(canvas: HTMLCanvasElement, { width, height, data }: RgbaImage): void {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")?.putImageData(new ImageData(data, width, height), 0, 0);
}

/**
 * Puts a small picture on a canvas that is many times as large on the page. Browsers would make
 * blocks of its pixels, or blur them (and small previews into a grid); Lanczos keeps edges crisp.
 */
export function showEnlarged(canvas: HTMLCanvasElement, picture: RgbaImage): void {
  const factor = smooth / Math.max(picture.width, picture.height);
  if (factor <= 1) show(canvas, picture);
  else
    show(
      canvas,
      resize(picture, Math.round(picture.width * factor), Math.round(picture.height * factor)),
    );
}

/** Takes the picture off a canvas. */
export function blank(canvas: HTMLCanvasElement): void {
  canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
}
