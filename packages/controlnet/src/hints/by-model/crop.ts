/** A person's box in pixels of the picture, brought to the proportions of a network's input. */
export interface Crop {
  readonly centerX: number;
  readonly centerY: number;
  readonly width: number;
  readonly height: number;
}

/** How much larger than the box what the network sees is: mmpose's padding. */
const padding = 1.25;

/**
 * What a top-down network sees of a box: 1.25 times as large about its middle, widened or heightened
 * to the input's proportions (mmpose, `GetBBoxCenterScale` and `TopdownAffine`).
 */
export function cropOf(
  box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  inputWidth: number,
  inputHeight: number,
): Crop {
  const aspect = inputWidth / inputHeight;
  let width = box.width * padding;
  let height = box.height * padding;
  if (width > height * aspect) height = width / aspect;
  else width = height * aspect;
  return { centerX: box.x + box.width / 2, centerY: box.y + box.height / 2, width, height };
}

/**
 * The crop as a network's input: input pixel (0, 0) is the crop's top left corner, input (w, h) its
 * bottom right one, as mmpose's matrix has it. Linear between pixels, black outside of the
 * picture. OpenCV, which mmpose uses, rounds places to 1/32 of a pixel here.
 *
 * @returns red, green and blue planes, 0 to 255.
 */
export function cropPlanes(
  rgb: Uint8Array,
  width: number,
  height: number,
  crop: Crop,
  inputWidth: number,
  inputHeight: number,
): Float32Array {
  const plane = inputWidth * inputHeight;
  const out = new Float32Array(3 * plane);
  const left = crop.centerX - crop.width / 2;
  const top = crop.centerY - crop.height / 2;
  for (let row = 0, at = 0; row < inputHeight; row++) {
    const y = top + (row * crop.height) / inputHeight;
    const y0 = Math.floor(y);
    const v = y - y0;
    for (let column = 0; column < inputWidth; column++, at++) {
      const x = left + (column * crop.width) / inputWidth;
      const x0 = Math.floor(x);
      if (x0 < -1 || y0 < -1 || x0 >= width || y0 >= height) continue;
      const h = x - x0;
      // The weights of the four around; those outside of the picture add nothing.
      for (let k = 0; k < 4; k++) {
        const px = x0 + (k & 1);
        const py = y0 + (k >> 1);
        if (px < 0 || py < 0 || px >= width || py >= height) continue;
        const weight = (k & 1 ? h : 1 - h) * (k & 2 ? v : 1 - v);
        const from = 3 * (py * width + px);
        out[at]! += weight * rgb[from]!;
        out[plane + at]! += weight * rgb[from + 1]!;
        out[2 * plane + at]! += weight * rgb[from + 2]!;
      }
    }
  }
  return out;
}
