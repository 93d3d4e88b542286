import type { RgbaImage } from "@underpaint/core";

/**
 * Red, green and blue of each pixel, transparent ones laid on white as the annotators do it
 * (controlnet_aux, `HWC3`): in float32, and cut off rather than rounded.
 */
export function onWhite({ width, height, data }: RgbaImage): Uint8Array {
  const rgb = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const alpha = data[from + 3]!;
    if (alpha === 255) {
      rgb[to] = data[from]!;
      rgb[to + 1] = data[from + 1]!;
      rgb[to + 2] = data[from + 2]!;
      continue;
    }
    const cover = Math.fround(alpha / 255);
    const paper = Math.fround(255 * Math.fround(1 - cover));
    // The array cuts off what is behind the point.
    rgb[to] = Math.fround(Math.fround(data[from]! * cover) + paper);
    rgb[to + 1] = Math.fround(Math.fround(data[from + 1]! * cover) + paper);
    rgb[to + 2] = Math.fround(Math.fround(data[from + 2]! * cover) + paper);
  }
  return rgb;
}

/** The same on black: for light lines on a transparent layer, which white paper would hide. */
export function onBlack({ width, height, data }: RgbaImage): Uint8Array {
  const rgb = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    const cover = Math.fround(data[from + 3]! / 255);
    rgb[to] = Math.fround(data[from]! * cover);
    rgb[to + 1] = Math.fround(data[from + 1]! * cover);
    rgb[to + 2] = Math.fround(data[from + 2]! * cover);
  }
  return rgb;
}

/** One of the three channels as floats. */
export function channelOf(rgb: Uint8Array, channel: number, out: Float32Array): Float32Array {
  for (let i = 0, from = channel; i < out.length; i++, from += 3) out[i] = rgb[from]!;
  return out;
}

/**
 * Grey of each pixel: ITU-R BT.601 weights in 16-bit fixed point, rounded, as Pillow's
 * `convert("L")`. A pixel whose channels are equal keeps its level.
 */
export function greyOf(rgb: Uint8Array): Uint8Array {
  const grey = new Uint8Array(rgb.length / 3);
  for (let i = 0, from = 0; i < grey.length; i++, from += 3) {
    grey[i] = (19595 * rgb[from]! + 38470 * rgb[from + 1]! + 7471 * rgb[from + 2]! + 32768) >> 16;
  }
  return grey;
}
