import { channelOf } from "../flatten.js";
import { gaussianBlurFloat } from "./gaussian-blur.js";

/** A blur of the picture's own sharpness. */
export const unblurred = 0;

/**
 * How much darker each pixel is than its surroundings in the channel where it is least so:
 * min over channels of (blur(wide) − blur(narrow)), in float32. Dark lines are high, light ones
 * below 0. A channel at a time, so that it takes 12 bytes a pixel beside the result.
 */
export function darkerThanAround(
  rgb: Uint8Array,
  width: number,
  height: number,
  narrow: number,
  wide: number,
): Float32Array {
  const least = new Float32Array(width * height).fill(Number.POSITIVE_INFINITY);
  const plane = new Float32Array(width * height);
  for (let channel = 0; channel < 3; channel++) {
    channelOf(rgb, channel, plane);
    const around = gaussianBlurFloat(plane, width, height, wide);
    const here = narrow === unblurred ? plane : gaussianBlurFloat(plane, width, height, narrow);
    for (let i = 0; i < least.length; i++) {
      least[i] = Math.min(least[i]!, around[i]! - here[i]!);
    }
  }
  return least;
}
