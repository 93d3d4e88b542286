import { type FloatTensor, floatTensor } from "@underpaint/core";

/** How samples from 0 to 255 become what a network takes. */
export interface Normalisation {
  /** What a sample is multiplied with before the mean is taken off: 1 / 255, or 1. */
  readonly factor: number;
  /** By channel, in the order in which they are fed. */
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
  /** Blue first, as OpenCV reads pictures; red first when left out. */
  readonly blueFirst?: boolean;
}

/** ImageNet's mean and deviation of red, green and blue. */
export const imageNet = {
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
} as const;

/**
 * Red, green and blue samples as a tensor [1, 3, height, width]: (x · factor − mean) / deviation,
 * rounded to float32 after each step, as transformers' image processors do.
 */
export function pictureTensor(
  rgb: Uint8Array,
  width: number,
  height: number,
  { factor, mean, deviation, blueFirst = false }: Normalisation,
): FloatTensor {
  const plane = width * height;
  const out = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    const [m, d] = [Math.fround(mean[channel]!), Math.fround(deviation[channel]!)];
    const levels = Float32Array.from(
      { length: 256 },
      (_, x) => Math.fround(Math.fround(x * factor) - m) / d,
    );
    const from = blueFirst ? 2 - channel : channel;
    for (let i = 0, at = from; i < plane; i++, at += 3) {
      out[channel * plane + i] = levels[rgb[at]!]!;
    }
  }
  return floatTensor([1, 3, height, width], out);
}
